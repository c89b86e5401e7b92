"""TX2: due deliveries are leased to this dispatcher, and the lease is committed before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from greenlane.webhook_dispatcher.policy import Mode


class Want(NamedTuple):
    """Up to `count` due deliveries of an endpoint, asked for under the epoch at which its shard is held."""

    endpoint_id: str
    shard: int
    epoch: int
    limit: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased delivery with everything its attempt needs; `waited` is in seconds since it was due."""

    day: date
    webhook_id: str
    endpoint_id: str
    shard: int
    order_key: str | None
    seq: int
    mode: Mode
    attempt_no: int
    lost_leases: int
    epoch: int
    url: str = ""
    version: int = 0
    body: bytes = b""
    waited: float = 0.0


class Claimed(NamedTuple):
    """The leased deliveries, and for endpoints with nothing more due the seconds until something is."""

    claims: list[Claim]
    next_due: dict[str, float]


_FENCE = sa.text("""
    SELECT s.shard FROM shard s
    JOIN unnest(CAST(:shards AS smallint[]), CAST(:epochs AS bigint[])) AS k(shard, epoch) USING (shard, epoch)
    WHERE s.owner = :owner AND s.lease_until > now() ORDER BY s.shard FOR SHARE OF s""")

_CLAIM = sa.text("""
    WITH want AS (
      SELECT w.* FROM unnest(CAST(:endpoints AS text[]), CAST(:epochs AS bigint[]), CAST(:counts AS integer[]))
        AS w(endpoint_id, epoch, count)
      WHERE NOT EXISTS (SELECT FROM endpoint_health h WHERE h.endpoint_id = w.endpoint_id AND h.hold_until > now())),
    due AS MATERIALIZED (
      SELECT d.*, w.epoch AS claim_epoch FROM want w CROSS JOIN LATERAL (
        SELECT p.event_day, p.event_id, p.endpoint_id, p.due_at FROM delivery p
        WHERE p.endpoint_id = w.endpoint_id AND p.state = 'pending' AND p.due_at <= now()
        ORDER BY p.due_at LIMIT w.count FOR UPDATE SKIP LOCKED) d)
    UPDATE delivery d
    SET state = 'leased', attempt_no = d.attempt_no + 1, epoch = due.claim_epoch,
        lease_until = now() + :seconds * interval '1 second'
    FROM due JOIN event e USING (event_day, event_id) JOIN endpoint p USING (endpoint_id)
    WHERE d.event_day = due.event_day AND d.event_id = due.event_id AND d.endpoint_id = due.endpoint_id
    RETURNING d.event_day, d.event_id, d.endpoint_id, d.shard, d.order_key, d.seq, d.mode, d.attempt_no,
              d.lost_leases, d.epoch, p.url, p.version, e.body,
              extract(epoch FROM now() - due.due_at)::float8 AS waited""")

_NEXT_DUE = sa.text("""
    SELECT w.endpoint_id, extract(epoch FROM greatest(d.due_at, h.hold_until) - now())::float8 AS seconds
    FROM unnest(CAST(:endpoints AS text[])) AS w(endpoint_id)
    CROSS JOIN LATERAL (SELECT p.due_at FROM delivery p WHERE p.endpoint_id = w.endpoint_id AND p.state = 'pending'
                          AND p.due_at < 'infinity' ORDER BY p.due_at LIMIT 1) d
    LEFT JOIN endpoint_health h ON h.endpoint_id = w.endpoint_id""")

_EXPIRED = sa.text("""
    SELECT event_day, event_id, endpoint_id, shard, order_key, seq, mode, attempt_no, lost_leases, epoch
    FROM delivery WHERE state = 'leased' AND shard = ANY(CAST(:shards AS smallint[])) AND lease_until < now()
    ORDER BY lease_until LIMIT :limit""")

_DUE = sa.text("""
    SELECT e.endpoint_id, e.shard FROM endpoint e
    WHERE e.shard = ANY(CAST(:shards AS smallint[])) AND e.state <> 'removed'
      AND EXISTS (SELECT FROM delivery d
                  WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending' AND d.due_at <= now())
      AND NOT EXISTS (SELECT FROM endpoint_health h WHERE h.endpoint_id = e.endpoint_id AND h.hold_until > now())""")


async def claim(engine: AsyncEngine, owner: str, wants: Sequence[Want], lease_seconds: float) -> Claimed:
    """Lease due deliveries; nothing for shards that are no longer held under the epoch asked with."""
    async with engine.begin() as connection:
        held = await _held(connection, owner, wants)
        asked = [want for want in wants if want.shard in held]
        if not asked:
            return Claimed([], {})
        found = await connection.execute(
            _CLAIM,
            {
                "endpoints": [want.endpoint_id for want in asked],
                "epochs": [want.epoch for want in asked],
                "counts": [want.limit for want in asked],
                "seconds": lease_seconds,
            },
        )
        claims = [_claim_of(row) for row in found]
        next_due = await _next_due(connection, [want.endpoint_id for want in asked])
    return Claimed(claims, next_due)


async def expired(engine: AsyncEngine, shards: Sequence[int], limit: int) -> list[Claim]:
    """Deliveries of these shards whose lease ended without an outcome, the oldest first."""
    async with engine.connect() as connection:
        found = await connection.execute(_EXPIRED, {"shards": list(shards), "limit": limit})
        return [
            Claim(
                row.event_day,
                row.event_id,
                row.endpoint_id,
                row.shard,
                row.order_key,
                row.seq,
                Mode(row.mode),
                row.attempt_no,
                row.lost_leases,
                row.epoch,
            )
            for row in found
        ]


async def due_endpoints(engine: AsyncEngine, shards: Sequence[int]) -> list[str]:
    """The endpoints of these shards that have something due and are not held."""
    async with engine.connect() as connection:
        found = await connection.execute(_DUE, {"shards": list(shards)})
        return [row.endpoint_id for row in found]


async def _held(connection: AsyncConnection, owner: str, wants: Sequence[Want]) -> set[int]:
    epochs = {want.shard: want.epoch for want in wants}
    found = await connection.execute(_FENCE, {"owner": owner, "shards": list(epochs), "epochs": list(epochs.values())})
    return {row.shard for row in found}


async def _next_due(connection: AsyncConnection, endpoints: Sequence[str]) -> dict[str, float]:
    found = await connection.execute(_NEXT_DUE, {"endpoints": list(endpoints)})
    return {row.endpoint_id: row.seconds for row in found}


def _claim_of(row: sa.Row[tuple[object, ...]]) -> Claim:
    return Claim(
        row.event_day,
        row.event_id,
        row.endpoint_id,
        row.shard,
        row.order_key,
        row.seq,
        Mode(row.mode),
        row.attempt_no,
        row.lost_leases,
        row.epoch,
        row.url,
        row.version,
        row.body,
        row.waited,
    )
