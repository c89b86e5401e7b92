"""What people do with single deliveries: resend, release or cancel one, or everything that an endpoint holds."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from greenlane.errors import ConflictError, UnknownError
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.views import Dispatch, Endpoint, dispatches
from greenlane.webhooks.sql import sql
from greenlane.webhooks.states import EndpointState, Mode, State
from greenlane.webhooks.tables import delivery, endpoint, order_head

CANCELLED_BY_OWNER = "by_owner"
STOPPED = (State.HELD, State.QUARANTINED)
"""States that only a person, or a confirmed endpoint, ends."""

_DUE = sa.text("CASE WHEN due_at = 'infinity' THEN due_at ELSE now() END")

_QUEUE_AGAIN = sql("""
    UPDATE delivery d
    SET state = 'pending', reason = NULL, attempt_no = 0, lost_leases = 0, superseded_by = NULL, finished_at = NULL,
        due_at = CASE WHEN EXISTS (
            SELECT FROM delivery f WHERE f.endpoint_id = d.endpoint_id AND f.order_key = d.order_key AND f.seq < d.seq
              AND f.state IN ({OPEN})) THEN 'infinity'::timestamptz ELSE now() END
    WHERE d.endpoint_id = :endpoint AND d.event_id = :event""")

_NEXT_IN_LINE = sql("""
    UPDATE delivery d SET due_at = now()
    FROM (SELECT DISTINCT ON (f.order_key) f.event_day, f.event_id FROM delivery f
          WHERE f.endpoint_id = :endpoint AND f.order_key = ANY(CAST(:keys AS text[]))
            AND f.state IN ({OPEN}) ORDER BY f.order_key, f.seq) n
    WHERE d.event_day = n.event_day AND d.event_id = n.event_id AND d.endpoint_id = :endpoint
      AND d.due_at = 'infinity'""")


@dataclass(frozen=True, slots=True)
class Occurring:
    """The values that occur among the deliveries of a scope: what a filter can ask for."""

    endpoints: frozenset[str]
    types: frozenset[str]
    sellers: frozenset[str]


async def occurring(desk: Administration) -> Occurring:
    """What the deliveries of the scope can be filtered by, endpoints without any delivery included."""
    found = dispatches().where(desk.scope.within(endpoint)).subquery()
    kinds = sa.select(found.c.endpoint_id, found.c.type, found.c.order_key).distinct()
    endpoints = await desk.list_endpoints()
    async with desk.engine.connect() as connection:
        rows = (await connection.execute(kinds)).all()
    return Occurring(
        frozenset(item.endpoint_id for item in endpoints) | {row.endpoint_id for row in rows},
        frozenset(row.type for row in rows),
        frozenset(row.order_key.rpartition("/")[2] for row in rows if row.order_key is not None),
    )


async def resend(desk: Administration, endpoint_id: str, webhook_id: str) -> Dispatch:
    """Send a delivery again under its own id, now: a finished one, one waiting for a retry, or one that was stopped.

    Raises ConflictError when that would send an older state after a newer one, when it is being sent already,
    or when the endpoint is not active.
    """
    async with desk.engine.begin() as connection:
        target, row, newest = await _line(connection, desk, endpoint_id, webhook_id)
        state = State(row.state)
        _check_active(target, row.mode)
        if state is State.LEASED:
            raise ConflictError("webhook_id", "is being sent at this moment", "look at it again in a minute")
        if state is State.PENDING or state in STOPPED:
            await _release(connection, endpoint_id, delivery.c.event_id == webhook_id)
        elif row.order_key is None or newest == webhook_id:
            await connection.execute(_QUEUE_AGAIN, {"endpoint": endpoint_id, "event": webhook_id})
        else:
            remedy = f"resend {newest}, or replay the seller, which sends everything since then in order"
            raise ConflictError("webhook_id", "a newer state of this seller was accepted after it", remedy)
    return await desk.dispatch(endpoint_id, webhook_id)


async def release(desk: Administration, endpoint_id: str, webhook_id: str) -> Dispatch:
    """Let a held or quarantined delivery go on, with all its attempts before it; ConflictError in any other state."""
    async with desk.engine.begin() as connection:
        target, row, _ = await _line(connection, desk, endpoint_id, webhook_id)
        _check_active(target, row.mode)
        if State(row.state) not in STOPPED:
            raise ConflictError("webhook_id", f"is {row.state}, not held", "resend it instead")
        await _release(connection, endpoint_id, delivery.c.event_id == webhook_id)
    return await desk.dispatch(endpoint_id, webhook_id)


async def cancel(desk: Administration, endpoint_id: str, webhook_id: str) -> Dispatch:
    """Give a waiting or stopped delivery up; the next of its seller goes on. One cancelled already stays so."""
    async with desk.engine.begin() as connection:
        _, row, _ = await _line(connection, desk, endpoint_id, webhook_id)
        state = State(row.state)
        if state is State.PENDING or state in STOPPED:
            await _cancel(connection, endpoint_id, delivery.c.event_id == webhook_id)
        elif state is not State.CANCELLED:
            raise ConflictError("webhook_id", f"is {state}", "only what waits or is held can be cancelled")
    return await desk.dispatch(endpoint_id, webhook_id)


async def release_held(desk: Administration, endpoint_id: str) -> int:
    """Let everything go on that the endpoint holds; how much that is. ConflictError unless the endpoint is active."""
    async with desk.engine.begin() as connection:
        target = await desk.locked(connection, endpoint_id)
        _check_active(target, Mode.FIFO)
        return await _release(connection, endpoint_id, _stopped())


async def cancel_held(desk: Administration, endpoint_id: str) -> int:
    """Give everything up that the endpoint holds; how much that is."""
    async with desk.engine.begin() as connection:
        await desk.locked(connection, endpoint_id)
        return await _cancel(connection, endpoint_id, _stopped())


async def lock_heads(connection: AsyncConnection, endpoint_id: str, order_keys: Collection[str]) -> dict[str, str]:
    """The newest accepted webhook id of each order key; the heads stay locked until the transaction ends."""
    query = (
        sa.select(order_head.c.order_key, order_head.c.accepted_event)
        .where(order_head.c.endpoint_id == endpoint_id, order_head.c.order_key.in_(order_keys))
        .order_by(order_head.c.order_key)
        .with_for_update()
    )
    return {row.order_key: row.accepted_event for row in await connection.execute(query)}


async def _line(
    connection: AsyncConnection, desk: Administration, endpoint_id: str, webhook_id: str
) -> tuple[Endpoint, sa.Row[tuple[object, ...]], str | None]:
    """The endpoint, the delivery, and the newest of its order key: all locked, in the order used everywhere."""
    target = await desk.locked(connection, endpoint_id)
    query = sa.select(delivery).where(delivery.c.endpoint_id == endpoint_id, delivery.c.event_id == webhook_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UnknownError("webhook_id", f"{webhook_id} is not known at {endpoint_id}", "list the deliveries")
    heads = await lock_heads(connection, endpoint_id, [row.order_key]) if row.order_key is not None else {}
    locked = (await connection.execute(query.with_for_update())).one()
    return target, locked, heads.get(locked.order_key)


async def _release(connection: AsyncConnection, endpoint_id: str, which: sa.ColumnElement[bool]) -> int:
    changed = await connection.execute(
        delivery.update()
        .where(delivery.c.endpoint_id == endpoint_id, which)
        .values(state=State.PENDING.value, reason=None, attempt_no=0, lost_leases=0, due_at=_DUE)
    )
    return changed.rowcount


async def _cancel(connection: AsyncConnection, endpoint_id: str, which: sa.ColumnElement[bool]) -> int:
    mine = sa.and_(delivery.c.endpoint_id == endpoint_id, which)
    found = await connection.execute(sa.select(delivery.c.order_key).where(mine, delivery.c.order_key.is_not(None)))
    keys = sorted({row.order_key for row in found})
    await lock_heads(connection, endpoint_id, keys)
    changed = await connection.execute(
        delivery.update()
        .where(mine)
        .values(state=State.CANCELLED.value, reason=CANCELLED_BY_OWNER, finished_at=sa.func.now())
    )
    await connection.execute(_NEXT_IN_LINE, {"endpoint": endpoint_id, "keys": keys})
    return changed.rowcount


def _stopped() -> sa.ColumnElement[bool]:
    return delivery.c.state.in_([state.value for state in STOPPED])


def _check_active(target: Endpoint, mode: str) -> None:
    if target.state is not EndpointState.ACTIVE and mode != Mode.UNORDERED:
        remedy = "send a test; a 2xx answer activates it and releases what is held"
        raise ConflictError("endpoint_id", f"the endpoint is {target.state}", remedy)
