"""An endpoint that is down for a thousand updates of one seller, and a million deliveries that wait for their retry."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
from pydantic import SecretStr
from tests.integration.webhooks.harness import World, score, until

from greenlane.database.connection import open_database
from greenlane.webhooks.dispatcher.claiming.claims import due_endpoints
from greenlane.webhooks.tables import SHARDS

EVENTS, POLLS = 2_000, 200
UPDATES = 1_000
_FILL = (
    """INSERT INTO event (event_day, event_id, type, seq, body)
       SELECT '2026-01-01', 'msg_backlog_' || n, 'badge.granted', n, '{}' FROM generate_series(1, $1::integer) n""",
    """INSERT INTO delivery (event_day, event_id, endpoint_id, shard, order_key, seq, mode, state, attempt_no, due_at)
       SELECT '2026-01-01', 'msg_backlog_' || n, e.endpoint_id, e.shard, 'badge:backlog/' || n, n, 'fifo', 'pending', 5,
              now() + interval '1 hour' + n * interval '10 seconds'
       FROM generate_series(1, $1::integer) n CROSS JOIN endpoint e WHERE e.state = 'active'""",
)


async def outage(
    world: World, marketplace: str, meanwhile: Callable[[], Awaitable[None]], up: Callable[[], object]
) -> int:
    """Deliveries after an outage of the endpoint during which one seller's score changed a thousand times.

    The endpoint is down already; `up` ends the outage.
    """
    await world.append(*(score("down", number, marketplace=marketplace) for number in range(1, UPDATES + 1)))
    await meanwhile()
    connection = await asyncpg.connect(world.database_url)
    key = f"score:{marketplace}/down"

    async def all_accepted() -> bool:
        return bool(await connection.fetchval("SELECT count(*) FROM delivery WHERE order_key = $1", key) == UPDATES)

    async def delivered() -> int:
        query = "SELECT count(*) FROM delivery WHERE order_key = $1 AND state = 'delivered'"
        found: int = await connection.fetchval(query, key)
        return found

    try:
        await until(all_accepted)
        up()
        await until(delivered, 90)
        return await delivered()
    finally:
        await connection.close()


async def fill(world: World) -> None:
    """Put a million deliveries in that are due in some hours."""
    connection = await asyncpg.connect(world.database_url)
    try:
        for statement in _FILL:
            await connection.execute(statement, EVENTS, timeout=120)
    finally:
        await connection.close()


async def due_poll_ms(world: World) -> list[float]:
    """Milliseconds in which the dispatcher's own query finds the endpoints that have something due, sorted."""
    engine = open_database(SecretStr(world.database_url), ping=False)
    took = []
    try:
        for _ in range(POLLS):
            began = time.perf_counter()
            await due_endpoints(engine, list(range(SHARDS)))
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.02)
    finally:
        await engine.dispose()
    return sorted(took)
