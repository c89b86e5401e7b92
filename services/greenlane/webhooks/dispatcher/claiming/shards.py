"""Shard leases: each endpoint belongs to one of 64 shards, and each shard to at most one dispatcher at a time."""

import math
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from greenlane.webhooks.tables import SHARDS

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
    WITH free AS (
      SELECT shard, owner FROM shard WHERE owner IS NULL OR lease_until <= now()
      ORDER BY shard LIMIT :wanted FOR UPDATE SKIP LOCKED)
    UPDATE shard s SET owner = :owner, epoch = epoch + 1, lease_until = now() + :seconds * interval '1 second'
    FROM free WHERE s.shard = free.shard
    RETURNING s.shard, s.epoch, free.owner IS NOT NULL AS lapsed""")
_INHERIT = sa.text("""
    UPDATE delivery d SET lease_until = now() + :seconds * interval '1 second'
    FROM (SELECT event_day, event_id, endpoint_id
          FROM delivery JOIN unnest(CAST(:shards AS smallint[]), CAST(:epochs AS bigint[])) AS lapsed(shard, epoch)
            USING (shard, epoch)
          WHERE state = 'leased' AND lease_until > now() + :seconds * interval '1 second'
          FOR UPDATE OF delivery SKIP LOCKED) AS l
    WHERE (d.event_day, d.event_id, d.endpoint_id) = (l.event_day, l.event_id, l.endpoint_id)""")
"""Rows somebody is writing to are left: their owner lives, and a lease that is not cut short ends by itself."""
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


async def renew(engine: AsyncEngine, owner: str, seconds: float, inherited: float | None = None) -> Holding:
    """Renew the leases of `owner` for `seconds`, give up what exceeds its fair share, take what is free up to it.

    What a dispatcher whose shard lease ran out left under a lease stays so for `inherited` seconds at most, if given.
    """
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
            epochs |= await _take(connection, owner, seconds, share - len(epochs), inherited)
        told = (await connection.execute(_TIME, {"owner": owner})).one()
    return Holding(epochs, told.now, told.next_free)


async def release_all(engine: AsyncEngine, owner: str) -> None:
    """Give every shard up, so that another dispatcher need not wait for the leases to end."""
    async with engine.begin() as connection:
        await connection.execute(_RELEASE, {"owner": owner, "shards": list(range(SHARDS))})
        await connection.execute(_BURY, {"gone": owner})


async def _take(
    connection: AsyncConnection, owner: str, seconds: float, wanted: int, inherited: float | None
) -> dict[int, int]:
    found = (await connection.execute(_TAKE, {"owner": owner, "seconds": seconds, "wanted": wanted})).all()
    lapsed = {row.shard: row.epoch - 1 for row in found if row.lapsed}
    if lapsed and inherited is not None:
        cut = {"shards": list(lapsed), "epochs": list(lapsed.values()), "seconds": inherited}
        await connection.execute(_INHERIT, cut)
    return {row.shard: row.epoch for row in found}
