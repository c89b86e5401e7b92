"""What another process made due is sent at once: PostgreSQL tells the dispatcher that holds the endpoint's shard.

A lost notification costs a second at most, for the sweep finds the same.
"""

from collections.abc import Callable, Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.database.direct import Executes, direct

_CHANNEL = "greenlane_webhook_due"
_TELL = sa.text("SELECT pg_notify(:channel, e) FROM unnest(CAST(:endpoints AS text[])) AS e")


async def tell_due(connection: Executes, endpoints: Iterable[str]) -> None:
    """Say, when the connection's transaction commits, that these endpoints may have something due."""
    await connection.execute(_TELL, {"channel": _CHANNEL, "endpoints": list(endpoints)})


async def hear_due(engine: AsyncEngine, heard: Callable[[str], None]) -> None:
    """Pass on the endpoints that others tell of, until the connection is lost."""
    async with direct(engine) as connection:
        await connection.listen(_CHANNEL, heard)
