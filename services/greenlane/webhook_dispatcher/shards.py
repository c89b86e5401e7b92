"""Shard leases: each endpoint belongs to one of 64 shards, and each shard to at most one dispatcher at a time."""

import hashlib
import math
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from greenlane.webhook_dispatcher.tables import SHARDS

_ALIVE = sa.text("""
    INSERT INTO dispatcher (owner, alive_until) VALUES (:owner, now() + :seconds * interval '1 second')
    ON CONFLICT (owner) DO UPDATE SET alive_until = EXCLUDED.alive_until""")
_BURY = sa.text("DELETE FROM dispatcher WHERE alive_until < now() - interval '1 hour' OR owner = :gone")
_COUNT = sa.text("SELECT count(*) FROM dispatcher WHERE alive_until > now()")
_RENEW = sa.text("""
    UPDATE shard SET lease_until = now() + :seconds * interval '1 second' WHERE owner = :owner
    RETURNING shard, epoch""")
_RELEASE = sa.text("UPDATE shard SET owner = NULL, lease_until = NULL WHERE owner = :owner AND shard = ANY(:shards)")
_TAKE = sa.text("""
    UPDATE shard SET owner = :owner, epoch = epoch + 1, lease_until = now() + :seconds * interval '1 second'
    WHERE shard IN (SELECT shard FROM shard WHERE owner IS NULL OR lease_until <= now()
                    ORDER BY shard LIMIT :wanted FOR UPDATE SKIP LOCKED)
    RETURNING shard, epoch""")
_TIME = sa.text("""
    SELECT extract(epoch FROM clock_timestamp())::float8 AS now,
           (SELECT extract(epoch FROM min(lease_until) - clock_timestamp())::float8
            FROM shard WHERE owner <> :owner) AS next_free""")


@dataclass(frozen=True, slots=True)
class Holding:
    """The shards held, each with its epoch, and the database's time in seconds since 1970 UTC.

    `next_free` is in how many seconds the first lease of somebody else ends unless it is renewed; None without one.
    """

    epochs: dict[int, int]
    database_time: float
    next_free: float | None = None


def shard_of(endpoint_id: str) -> int:
    """The endpoint's shard, the same for ever."""
    return int.from_bytes(hashlib.sha256(endpoint_id.encode()).digest()[:8]) % SHARDS


async def renew(engine: AsyncEngine, owner: str, seconds: float) -> Holding:
    """Renew the leases of `owner` for `seconds`, give up what exceeds its fair share, take what is free up to it."""
    async with engine.begin() as connection:
        await connection.execute(_ALIVE, {"owner": owner, "seconds": seconds})
        await connection.execute(_BURY, {"gone": ""})
        dispatchers = (await connection.execute(_COUNT)).scalar_one()
        share = math.ceil(SHARDS / max(dispatchers, 1))
        found = await connection.execute(_RENEW, {"owner": owner, "seconds": seconds})
        epochs = {row.shard: row.epoch for row in found}
        surplus = sorted(epochs)[share:]
        if surplus:
            await connection.execute(_RELEASE, {"owner": owner, "shards": surplus})
            epochs = {shard: epoch for shard, epoch in epochs.items() if shard not in surplus}
        elif len(epochs) < share:
            epochs |= await _take(connection, owner, seconds, share - len(epochs))
        told = (await connection.execute(_TIME, {"owner": owner})).one()
    return Holding(epochs, told.now, told.next_free)


async def release_all(engine: AsyncEngine, owner: str) -> None:
    """Give every shard up, so that another dispatcher need not wait for the leases to end."""
    async with engine.begin() as connection:
        await connection.execute(_RELEASE, {"owner": owner, "shards": list(range(SHARDS))})
        await connection.execute(_BURY, {"gone": owner})


async def _take(connection: AsyncConnection, owner: str, seconds: float, wanted: int) -> dict[int, int]:
    found = await connection.execute(_TAKE, {"owner": owner, "seconds": seconds, "wanted": wanted})
    return {row.shard: row.epoch for row in found}
