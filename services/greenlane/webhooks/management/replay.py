"""Replay: what an endpoint was sent since a moment is sent again, each seller's in order up to the newest."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from greenlane.errors import WrongUseError
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.deliveries import lock_heads
from greenlane.webhooks.sql import sql
from greenlane.webhooks.states import EndpointState

_PAGE = 200


class Family(StrEnum):
    """What a seller's messages are ordered within."""

    SCORES = "score"
    BADGES = "badge"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay became: deliveries queued again, of how many order keys, and the keys that were busy.

    A busy key has a request under way; nothing of it was queued. Replay its seller again in a minute.
    """

    queued: int
    keys: int
    busy: tuple[str, ...]


_KEYS = sa.text("""
    SELECT DISTINCT d.order_key FROM delivery d
    WHERE d.endpoint_id = :endpoint AND d.created_at >= :since AND d.state IN ('delivered', 'exhausted')
      AND d.order_key > :after AND (CAST(:only AS text[]) IS NULL OR d.order_key = ANY(CAST(:only AS text[])))
      AND d.order_key LIKE :family
    ORDER BY d.order_key LIMIT :page""")

_BUSY = sa.text("""
    SELECT DISTINCT order_key FROM delivery
    WHERE endpoint_id = :endpoint AND order_key = ANY(CAST(:keys AS text[])) AND state = 'leased'""")

_LOCK_OPEN = sql("""
    SELECT event_id FROM delivery
    WHERE endpoint_id = :endpoint AND order_key = ANY(CAST(:keys AS text[]))
      AND state IN ({OPEN}) ORDER BY order_key, seq FOR UPDATE""")

_QUEUE_AGAIN = sa.text("""
    UPDATE delivery d
    SET state = :state, reason = :reason, attempt_no = 0, lost_leases = 0, superseded_by = NULL, finished_at = NULL,
        due_at = 'infinity'
    FROM order_head h
    WHERE d.endpoint_id = :endpoint AND d.order_key = ANY(CAST(:keys AS text[])) AND d.created_at >= :since
      AND h.endpoint_id = d.endpoint_id AND h.order_key = d.order_key AND d.state IN ('delivered', 'exhausted')
      AND (d.mode = 'fifo' OR d.event_id = h.accepted_event)""")

_LINE_UP = sa.text("""
    UPDATE delivery d SET due_at = CASE WHEN d.seq = n.seq THEN now() ELSE 'infinity'::timestamptz END
    FROM (SELECT order_key, min(seq) AS seq FROM delivery
          WHERE endpoint_id = :endpoint AND order_key = ANY(CAST(:keys AS text[]))
            AND state IN ('pending', 'held', 'quarantined') GROUP BY order_key) n
    WHERE d.endpoint_id = :endpoint AND d.order_key = n.order_key AND d.state IN ('pending', 'held', 'quarantined')""")


async def replay(
    desk: Administration,
    endpoint_id: str,
    since: datetime,
    family: Family | None = None,
    seller: str | None = None,
) -> Replay:
    """Queue again what was accepted for the endpoint since `since` and is finished, under the same webhook ids.

    Of scores only the newest of each seller; of badge decisions all, in order, and what still waits comes after
    them. There is no upper end, for then an older state would be sent last. At an endpoint that is not active they
    are held until it is. Cancelled and superseded ones stay so. Paged by order key, one transaction each; raises
    UnknownError outside the scope.
    """
    if since.tzinfo is None:
        raise WrongUseError("since", "has no offset from UTC", "write 2026-07-01T00:00:00Z")
    target = await desk.endpoint(endpoint_id)
    own = None if seller is None else [f"{one}:{target.marketplace}/{seller}" for one in Family]
    wanted = {"endpoint": endpoint_id, "since": since, "only": own, "family": f"{family or ''}%", "page": _PAGE}
    queued, count, busy, after = 0, 0, list[str](), ""
    while True:
        async with desk.engine.begin() as connection:
            state = (await desk.locked(connection, endpoint_id)).state
            found = await connection.execute(_KEYS, wanted | {"after": after})
            keys: list[str] = [row.order_key for row in found]
            if not keys:
                return Replay(queued, count, tuple(busy))
            occupied = await _busy(connection, endpoint_id, keys)
            free = [key for key in keys if key not in occupied]
            queued += await _queue_again(connection, endpoint_id, free, since, state)
        busy += sorted(occupied)
        count += len(free)
        after = keys[-1]


async def _busy(connection: AsyncConnection, endpoint_id: str, keys: list[str]) -> set[str]:
    """The keys with a request under way; heads and open deliveries of all of them are locked from now on."""
    await lock_heads(connection, endpoint_id, keys)
    given = {"endpoint": endpoint_id, "keys": keys}
    await connection.execute(_LOCK_OPEN, given)
    return {row.order_key for row in await connection.execute(_BUSY, given)}


async def _queue_again(
    connection: AsyncConnection, endpoint_id: str, keys: list[str], since: datetime, state: EndpointState
) -> int:
    active = state is EndpointState.ACTIVE
    standing = {"state": "pending", "reason": None} if active else {"state": "held", "reason": state.value}
    given = {"endpoint": endpoint_id, "keys": keys}
    changed = await connection.execute(_QUEUE_AGAIN, given | standing | {"since": since})
    await connection.execute(_LINE_UP, given)
    return changed.rowcount
