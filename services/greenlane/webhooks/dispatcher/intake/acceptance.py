"""TX1: messages become deliveries, each at most once, in order, a newer state replacing a waiting older one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.database.direct import Direct, direct_transaction
from greenlane.webhooks.dispatcher.intake.messages import Message
from greenlane.webhooks.dispatcher.intake.positions import Mark, SourcePartition, move
from greenlane.webhooks.identity import Key
from greenlane.webhooks.sql import sql
from greenlane.webhooks.states import EndpointState, Mode, State
from greenlane.webhooks.wakeups import tell_due

CLOCKS_APART_MS = 3_600_000
"""What was appended so long before an endpoint was added is history to it, even when it is accepted only later."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An endpoint as the fan-out sees it; `created_ms` since 1970 UTC."""

    endpoint_id: str
    marketplace: str
    seller_id: str | None
    types: frozenset[str]
    sellers: frozenset[str] | None
    state: EndpointState
    shard: int
    created_ms: int

    def wants(self, message: Message) -> bool:
        """Whether the message is the endpoint's to see, chosen by it, and no history.

        What is accepted after the endpoint was added is for it: both stand in the order of one database. Kafka's
        clock and the database's are compared for history alone, and may be an hour apart.
        """
        return (
            self.marketplace == message.marketplace
            and self.seller_id in {None, message.seller_id}
            and (self.sellers is None or message.seller_id in self.sellers)
            and message.type in self.types
            and message.appended_ms >= self.created_ms - CLOCKS_APART_MS
        )


@dataclass(slots=True)
class Accepted:
    """What a batch became: messages with a new delivery, with known ones only, with none; and deliveries superseded.

    `ready` are the endpoints that now have something due.
    """

    dispatched: int = 0
    replayed: int = 0
    unmatched: int = 0
    superseded: int = 0
    ready: set[str] = field(default_factory=set)

    def __iadd__(self, other: "Accepted") -> Self:
        """What both became together."""
        self.dispatched += other.dispatched
        self.replayed += other.replayed
        self.unmatched += other.unmatched
        self.superseded += other.superseded
        self.ready |= other.ready
        return self


@dataclass(slots=True)
class _Row:
    message: Message
    subscriber: Subscriber
    superseded_by: str | None = None
    behind: bool = False

    @property
    def due(self) -> bool:
        """Whether it may be sent at once, as far as its order key is concerned."""
        return not self.behind and self.superseded_by is None


_SUBSCRIBERS = sa.text("""
    SELECT endpoint_id, marketplace, seller_id, types, sellers, state, shard,
           floor(extract(epoch FROM created_at) * 1000)::bigint AS created_ms
    FROM endpoint
    WHERE state <> 'removed' AND marketplace = ANY(:marketplaces)
      AND (seller_id IS NULL OR seller_id = ANY(:sellers))
    ORDER BY endpoint_id FOR SHARE""")

_LOCK_HEADS = sa.text("""
    INSERT INTO order_head AS h (endpoint_id, order_key, accepted_seq)
    SELECT *, -1 FROM unnest(CAST(:endpoints AS text[]), CAST(:keys AS text[])) ORDER BY 1, 2
    ON CONFLICT (endpoint_id, order_key) DO UPDATE SET accepted_seq = h.accepted_seq
    RETURNING endpoint_id, order_key, accepted_seq""")
"""New heads start at -1; those that exist are locked by being written as they are."""

_STANDING = sql("""
    SELECT d.* FROM unnest(CAST(:endpoints AS text[]), CAST(:keys AS text[]), CAST(:modes AS text[]))
      AS k(endpoint_id, order_key, mode)
    CROSS JOIN LATERAL (
      SELECT d.endpoint_id, d.order_key, d.state FROM delivery d
      WHERE d.endpoint_id = k.endpoint_id AND d.order_key = k.order_key
        AND d.state IN ({OPEN})
      ORDER BY d.seq LIMIT CASE WHEN k.mode = 'latest' THEN NULL ELSE 1 END FOR UPDATE) d""")
"""What is open in these order keys: all of a key whose waiting row is superseded, else the first. Claims pass it by."""

_INSERT = sa.text("""
    WITH events AS (
      INSERT INTO event (event_day, event_id, type, order_key, seq, body)
      SELECT * FROM unnest(CAST(:event_days AS date[]), CAST(:events AS text[]), CAST(:types AS text[]),
                           CAST(:event_keys AS text[]), CAST(:event_seqs AS bigint[]), CAST(:bodies AS bytea[]))
      ON CONFLICT DO NOTHING),
    heads AS (
      UPDATE order_head h SET accepted_seq = k.seq, accepted_event = k.event_id
      FROM unnest(CAST(:head_endpoints AS text[]), CAST(:head_keys AS text[]), CAST(:head_seqs AS bigint[]),
                  CAST(:head_events AS text[])) AS k(endpoint_id, order_key, seq, event_id)
      WHERE h.endpoint_id = k.endpoint_id AND h.order_key = k.order_key),
    replaced AS (
      UPDATE delivery d
      SET state = 'superseded', superseded_by = k.event_id, finished_at = now(), reason = NULL
      FROM unnest(CAST(:replaced_endpoints AS text[]), CAST(:replaced_keys AS text[]), CAST(:replacing AS text[]))
        AS k(endpoint_id, order_key, event_id)
      WHERE d.endpoint_id = k.endpoint_id AND d.order_key = k.order_key
        AND d.state IN ('pending', 'held', 'quarantined'))
    INSERT INTO delivery (event_day, event_id, endpoint_id, shard, order_key, seq, mode, state, reason, due_at,
                          superseded_by, finished_at)
    SELECT day, event_id, endpoint_id, shard, order_key, seq, mode, state, reason,
           CASE WHEN behind THEN 'infinity'::timestamptz ELSE now() END, superseded_by,
           CASE WHEN superseded_by IS NULL THEN NULL ELSE now() END
    FROM unnest(CAST(:days AS date[]), CAST(:ids AS text[]), CAST(:endpoints AS text[]),
                CAST(:shards AS smallint[]), CAST(:keys AS text[]), CAST(:seqs AS bigint[]), CAST(:modes AS text[]),
                CAST(:states AS text[]), CAST(:reasons AS text[]), CAST(:behind AS boolean[]),
                CAST(:superseded_by AS text[]))
      AS r(day, event_id, endpoint_id, shard, order_key, seq, mode, state, reason, behind, superseded_by)
    ON CONFLICT DO NOTHING""")


def everyones(_endpoint_id: str) -> bool:
    """For a dispatcher that is alone."""
    return True


async def accept(
    engine: AsyncEngine,
    messages: Sequence[Message],
    ours: Callable[[str], bool] = everyones,
    marks: Mapping[SourcePartition, Mark] = MappingProxyType({}),
) -> Accepted:
    """Write the deliveries of these messages in one transaction; what was accepted before is left out.

    `marks` are the next offsets of the partitions once this is committed. The dispatchers of endpoints that are not
    `ours` are told what became due at them. The order of the locks is the same everywhere: positions, endpoints, order
    heads, deliveries.
    """
    accepted = Accepted()
    if not messages and not marks:
        return accepted
    fresh: list[_Row] = []
    async with direct_transaction(engine) as connection:
        before = await move(connection, marks) if marks else {}
        new = [item for item in messages if item.place is None or item.offset >= before.get(item.place, 0)]
        rows = await _fan_out(connection, new) if new else []
        heads = await _lock_heads(connection, {_key(row) for row in rows})
        fresh = _in_order(rows, heads)
        if fresh:
            replaced = await _stand_in_line(connection, fresh)
            await _insert(connection, fresh, replaced)
            accepted.superseded = sum(replaced.values()) + sum(row.superseded_by is not None for row in fresh)
            accepted.ready = {row.subscriber.endpoint_id for row in fresh if row.due}
            if others := [endpoint_id for endpoint_id in accepted.ready if not ours(endpoint_id)]:
                await tell_due(connection, others)
    dispatched = {row.message.webhook_id for row in fresh}
    known = {row.message.webhook_id for row in rows} - dispatched
    accepted.dispatched = sum(message.webhook_id in dispatched for message in new)
    accepted.replayed = len(messages) - len(new) + sum(message.webhook_id in known for message in new)
    accepted.unmatched = len(messages) - accepted.dispatched - accepted.replayed
    return accepted


async def _fan_out(connection: Direct, messages: Sequence[Message]) -> list[_Row]:
    found = await connection.execute(
        _SUBSCRIBERS,
        {
            "marketplaces": list({message.marketplace for message in messages}),
            "sellers": list({message.seller_id for message in messages}),
        },
    )
    by_scope: dict[tuple[str, str | None], list[Subscriber]] = {}
    for item in found:
        subscriber = Subscriber(
            item["endpoint_id"],
            item["marketplace"],
            item["seller_id"],
            frozenset(item["types"]),
            None if item["sellers"] is None else frozenset(item["sellers"]),
            EndpointState(item["state"]),
            item["shard"],
            item["created_ms"],
        )
        by_scope.setdefault((subscriber.marketplace, subscriber.seller_id), []).append(subscriber)
    return [
        _Row(message, subscriber)
        for message in messages
        for seller in (None, message.seller_id)
        for subscriber in by_scope.get((message.marketplace, seller), ())
        if subscriber.wants(message)
    ]


async def _lock_heads(connection: Direct, keys: Iterable[Key]) -> dict[Key, int]:
    columns = _columns(sorted(keys))
    if not columns["keys"]:
        return {}
    found = await connection.execute(_LOCK_HEADS, columns)
    return {Key(item["endpoint_id"], item["order_key"]): item["accepted_seq"] for item in found}


def _in_order(rows: Iterable[_Row], heads: dict[Key, int]) -> list[_Row]:
    """The rows not accepted before; of several states of one key in the batch only the last one stays waiting."""
    fresh: list[_Row] = []
    last: dict[Key, _Row] = {}
    for row in rows:
        key = _key(row)
        earlier = last.get(key)
        newest = earlier.message.seq if earlier else heads[key]
        if row.message.seq <= newest:
            continue
        if earlier and row.message.mode is Mode.LATEST:
            earlier.superseded_by = row.message.webhook_id
        elif earlier:
            row.behind = True
        last[key] = row
        fresh.append(row)
    return fresh


async def _stand_in_line(connection: Direct, fresh: Sequence[_Row]) -> dict[Key, int]:
    """Put the rows behind what is open in their keys; returns how many rows of each key a newer state replaces."""
    modes = {_key(row): row.message.mode for row in fresh}
    found = await connection.execute(_STANDING, _columns(modes) | {"modes": [mode.value for mode in modes.values()]})
    replaced: Counter[Key] = Counter()
    occupied: set[Key] = set()
    for item in found:
        key = Key(item["endpoint_id"], item["order_key"])
        if modes[key] is Mode.LATEST and item["state"] != State.LEASED:
            replaced[key] += 1
        else:
            occupied.add(key)
    for row in fresh:
        row.behind = row.behind or _key(row) in occupied
    return replaced


async def _insert(connection: Direct, fresh: Sequence[_Row], replaced: Iterable[Key]) -> None:
    events = {row.message.webhook_id: row.message for row in fresh}.values()
    newest = {_key(row): row.message for row in fresh}
    heads, replaced = _columns(newest), list(replaced)
    replaced_columns = _columns(replaced)
    standing = [_standing(row) for row in fresh]
    await connection.execute(
        _INSERT,
        _columns(_key(row) for row in fresh)
        | {
            "event_days": [message.day for message in events],
            "events": [message.webhook_id for message in events],
            "types": [message.type for message in events],
            "event_keys": [message.order_key for message in events],
            "event_seqs": [message.seq for message in events],
            "bodies": [message.body for message in events],
            "head_endpoints": heads["endpoints"],
            "head_keys": heads["keys"],
            "head_seqs": [message.seq for message in newest.values()],
            "head_events": [message.webhook_id for message in newest.values()],
            "replaced_endpoints": replaced_columns["endpoints"],
            "replaced_keys": replaced_columns["keys"],
            "replacing": [newest[key].webhook_id for key in replaced],
            "days": [row.message.day for row in fresh],
            "ids": [row.message.webhook_id for row in fresh],
            "shards": [row.subscriber.shard for row in fresh],
            "seqs": [row.message.seq for row in fresh],
            "modes": [row.message.mode.value for row in fresh],
            "states": [state.value for state, _ in standing],
            "reasons": [reason for _, reason in standing],
            "behind": [row.behind for row in fresh],
            "superseded_by": [row.superseded_by for row in fresh],
        },
    )


def _standing(row: _Row) -> tuple[State, str | None]:
    if row.superseded_by is not None:
        return State.SUPERSEDED, None
    if row.subscriber.state is EndpointState.ACTIVE:
        return State.PENDING, None
    return State.HELD, row.subscriber.state.value


def _key(row: _Row) -> Key:
    return Key(row.subscriber.endpoint_id, row.message.order_key)


def _columns(keys: Iterable[Key]) -> dict[str, list[str]]:
    listed = list(keys)
    return {"endpoints": [key.endpoint_id for key in listed], "keys": [key.order_key for key in listed]}
