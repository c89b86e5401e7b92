"""The rows of a partition as the lines of a checkpoint about accounts, and back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from greenlane.accounts.aggregator.badge import Badge
from greenlane.accounts.aggregator.ledger import Entry
from greenlane.accounts.aggregator.rows import (
    CLOSED,
    DAY,
    ENTRY,
    RULES,
    RowError,
    closed_key,
    closed_value,
    day_key,
    day_value,
    entry_identity,
    entry_key,
    entry_of,
    entry_value,
    ordinal,
    read_closed,
    read_day,
    read_key,
    read_rules,
    read_seller,
    rules_key,
    rules_value,
    seller_key,
    seller_value,
)
from greenlane.accounts.aggregator.seller_days import RANKS, ZERO, Day
from greenlane.contracts.checkpoints import Content, EntryLine, PartitionLine, PartitionRules, SellerLine
from greenlane.methodology.vocabulary import Dimension
from greenlane.streaming import META_KEY, Meta, decode_meta

DIMENSIONS = {rank: dimension for dimension, rank in RANKS.items()}
DayKey = tuple[str, str, int]
"""Marketplace, seller, and the day as an ordinal."""


def lines_of(partition: int, rows: Mapping[bytes, bytes], partitions: int) -> list[Content]:
    """The accounts of a partition's changelog. A partition without rows has taken in nothing yet.

    Raises RowError when a row does not decode or a day's sums are not those of its entries, StreamingError when the
    row that says how far the rows have come does not decode.
    """
    meta = None if META_KEY not in rows else decode_meta(rows[META_KEY], partitions)
    if meta is None and rows:
        raise RowError(f"the rows of partition {partition} do not say how far they have come")
    closed: dict[str, date] = {}
    rules: PartitionRules | None = None
    lines: list[Content] = []
    days: dict[DayKey, Day] = {}
    summed: defaultdict[DayKey, Day] = defaultdict(Day)
    for raw, value in rows.items():
        if raw == META_KEY:
            continue
        key = read_key(raw)
        if key.kind == RULES:
            adopted, older = read_rules(value)[1]
            rules = None if adopted is None else PartitionRules.of(adopted, older)
        elif key.kind == CLOSED:
            closed[key.marketplace] = date.fromordinal(read_closed(value)[1])
        elif key.kind == DAY:
            days[key.marketplace, key.seller, key.day] = read_day(value)[1]
        elif key.kind == ENTRY:
            entry = entry_of(key, value)
            _add(summed[key.marketplace, key.seller, key.day], key.rank, entry)
            lines.append(_entry_line(partition, key.marketplace, key.seller, key.parcel, key.rank, entry))
        else:
            lines.append(_seller_line(partition, key.marketplace, key.seller, value))
    _refuse_other_sums(days, summed)
    applied = -1 if meta is None else meta.applied
    closed = dict(sorted(closed.items()))
    return [PartitionLine(partition=partition, offset=applied + 1, closed=closed, rules=rules), *lines]


def _add(day: Day, rank: int, entry: Entry) -> None:
    day.entries += 1
    if entry.contribution is not None:
        day.add(rank, entry.contribution)


def _refuse_other_sums(days: Mapping[DayKey, Day], summed: Mapping[DayKey, Day]) -> None:
    for key in sorted(days.keys() | summed.keys()):
        kept, made = days.get(key), summed.get(key)
        if kept is None or made is None or (kept.entries, kept.sums) != (made.entries, made.sums):
            marketplace, seller, day = key
            raise RowError(
                f"the sums of {marketplace}/{seller} on {date.fromordinal(day)} are not those of its entries; "
                "make the state anew with `greenlane rebuild`"
            )


def _seller_line(partition: int, marketplace: str, seller: str, value: bytes) -> SellerLine:
    _, sequence, badge = read_seller(value)
    return SellerLine(
        partition=partition,
        marketplace=marketplace,
        seller_id=seller,
        accepted=sequence,
        level=badge.level,
        streaks=badge.streaks,
        days_below=badge.days_below,
        warned_on=None if badge.warned_on is None else date.fromordinal(badge.warned_on),
    )


def _entry_line(  # noqa: PLR0913, PLR0917 - a key taken apart
    partition: int, marketplace: str, seller: str, parcel: str, rank: int, entry: Entry
) -> EntryLine:
    revision, occurred_at, event_id = entry.version
    return EntryLine(
        partition=partition,
        marketplace=marketplace,
        seller_id=seller,
        parcel_id=parcel,
        dimension=Dimension(DIMENSIONS[rank]),
        revision=revision,
        occurred_at=occurred_at,
        event_id=event_id,
        contribution=entry.contribution,
    )


def rows_of(lines: Iterable[Content], *, partitions: int, store: str, topic_id: str) -> Iterator[tuple[bytes, bytes]]:
    """The rows with which an aggregator goes on where the lines about one partition end; the meta row is the last.

    A partition of which nothing was taken in has no rows.
    """
    offset, days = 0, defaultdict[DayKey, Day](Day)
    entries: list[tuple[bytes, bytes]] = []
    for line in lines:
        if isinstance(line, PartitionLine):
            offset = line.offset
            if line.rules is not None:
                yield rules_key(), rules_value(offset - 1, (line.rules.adopted, line.rules.older))
            for marketplace, day in line.closed.items():
                yield closed_key(marketplace), closed_value(offset - 1, day.toordinal())
        elif isinstance(line, SellerLine):
            warned_on = None if line.warned_on is None else line.warned_on.toordinal()
            badge = Badge(line.level, line.streaks, line.days_below, warned_on)
            yield seller_key(line.marketplace, line.seller_id), seller_value(offset - 1, line.accepted, badge)
        elif isinstance(line, EntryLine):
            rank = RANKS[line.dimension]
            version = (line.revision, line.occurred_at, line.event_id)
            entry = Entry(version, ordinal(line.occurred_at), _contribution(line, rank))
            _add(days[line.marketplace, line.seller_id, entry.day], rank, entry)
            identity = entry_identity((line.marketplace, line.seller_id, line.parcel_id, rank))
            entries.append((entry_key(line.marketplace, entry.day, identity), entry_value(entry)))
    if not offset:
        return
    for (marketplace, seller, number), bucket in days.items():
        yield day_key(marketplace, seller, number), day_value(offset - 1, bucket)
    yield from entries
    yield META_KEY, Meta(applied=offset - 1, partitions=partitions, store=store, topic=topic_id).encode()


def _contribution(line: EntryLine, rank: int) -> tuple[int, ...] | None:
    if line.contribution is not None and len(line.contribution) != len(ZERO[rank]):
        raise RowError(f"{len(line.contribution)} sums where the dimension has {len(ZERO[rank])}")
    return line.contribution
