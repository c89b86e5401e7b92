"""The rows of `greenlane_outbox`: what is asked of them and what is written into them, the same for every database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from greenlane.contracts.topics import MAX_EVENT_BYTES

PENDING, SENT, REFUSED = "pending", "sent", "refused"
NAME = "greenlane_outbox"
COUNTED = 100_000
"""As far as rows are counted: a longer backlog is told as this many."""

_outbox = sa.Table(
    NAME,
    sa.MetaData(),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.String),
    sa.Column("type", sa.String),
    sa.Column("aggregatetype", sa.String),
    sa.Column("aggregateid", sa.String),
    sa.Column("time", sa.String),
    sa.Column("payload", sa.Text),
    sa.Column("written_at", sa.DateTime(timezone=True)),
    sa.Column("state", sa.String),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("refusal", sa.Text),
)
_is = _outbox.c
_bytes = sa.func.octet_length(_is.payload)


class Waiting(NamedTuple):
    """A pending row as it is first seen: its place in the order, its seller, and the bytes of its payload."""

    position: int
    aggregateid: str
    size: int


class Row(NamedTuple):
    """A pending row that this relay has locked; `payload` is None where it is over the largest event's bytes."""

    position: int
    id: str
    type: str
    aggregatetype: str
    aggregateid: str
    time: str
    payload: str | None


class Standing(NamedTuple):
    """How the table stands: pending and refused rows, counted as far as `COUNTED`, and the first pending one's age."""

    pending: int
    refused: int
    oldest_seconds: float


def waiting(connection: sa.Connection, most: int) -> list[Waiting]:
    """The first pending rows, in the order in which they were written; nothing is locked."""
    asked = sa.select(_is.position, _is.aggregateid, _bytes).where(_is.state == PENDING).order_by(_is.position)
    return [Waiting(*row) for row in connection.execute(asked.limit(most))]


def locked(connection: sa.Connection, positions: Sequence[int]) -> list[Row]:
    """Those of these rows that are pending and that nobody else has locked, now locked until the transaction ends."""
    payload = sa.case((_bytes <= MAX_EVENT_BYTES, _is.payload))
    asked = (
        sa.select(_is.position, _is.id, _is.type, _is.aggregatetype, _is.aggregateid, _is.time, payload)
        .where(_is.position.in_(positions), _is.state == PENDING)
        .order_by(_is.position)
        .with_for_update(skip_locked=True)
    )
    return [Row(*row) for row in connection.execute(asked)]


def end(connection: sa.Connection, sent: Sequence[int], refusals: Mapping[int, str], *, keep: bool) -> None:
    """Mark rows as sent, or remove them where they are not kept, and mark others as refused with the reason."""
    if sent and keep:
        connection.execute(
            sa.update(_outbox).where(_is.position.in_(sent)).values(state=SENT, ended_at=sa.func.current_timestamp())
        )
    elif sent:
        connection.execute(sa.delete(_outbox).where(_is.position.in_(sent)))
    for position, reason in refusals.items():
        connection.execute(
            sa.update(_outbox)
            .where(_is.position == position)
            .values(state=REFUSED, ended_at=sa.func.current_timestamp(), refusal=reason)
        )


def remove_sent(connection: sa.Connection, days: int, most: int) -> int:
    """Remove at most so many rows that were sent over `days` days ago, by the database's clock; how many there were."""
    old = sa.select(_is.position).where(_is.state == SENT, _is.ended_at < _ago(connection, days)).limit(most)
    positions = [position for (position,) in connection.execute(old.with_for_update(skip_locked=True))]
    if positions:
        connection.execute(sa.delete(_outbox).where(_is.position.in_(positions)))
    return len(positions)


def standing(connection: sa.Connection) -> Standing:
    """How the table stands now."""
    first = sa.select(_age(connection)).where(_is.state == PENDING).order_by(_is.position).limit(1)
    oldest = connection.execute(first).scalar()
    return Standing(_counted(connection, PENDING), _counted(connection, REFUSED), max(0.0, float(oldest or 0.0)))


def missing_columns(connection: sa.Connection) -> list[str] | None:
    """The columns that the table lacks; None where there is no table at all."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(NAME):
        return None
    there = {column["name"] for column in inspector.get_columns(NAME)}
    return _names(column.name for column in _outbox.columns if column.name not in there)


def _names(found: Iterable[str]) -> list[str]:
    return list(found)


def _counted(connection: sa.Connection, state: str) -> int:
    some = sa.select(sa.literal(1).label("one")).where(_is.state == state).limit(COUNTED).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def _age(connection: sa.Connection) -> Any:
    """Seconds since a row was written, by the database's clock."""
    if connection.dialect.name == "postgresql":
        return sa.extract("epoch", sa.func.clock_timestamp() - _is.written_at)
    return sa.text("TIMESTAMPDIFF(MICROSECOND, written_at, CURRENT_TIMESTAMP(6)) / 1000000")


def _ago(connection: sa.Connection, days: int) -> Any:
    """The moment so many days ago, by the database's clock."""
    if connection.dialect.name == "postgresql":
        return sa.func.current_timestamp() - sa.func.make_interval(0, 0, 0, days)
    return sa.text(f"CURRENT_TIMESTAMP(6) - INTERVAL {int(days)} DAY")
