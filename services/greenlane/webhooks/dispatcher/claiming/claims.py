"""TX2: due deliveries are leased to this dispatcher, and the lease is committed before anything is sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.database.direct import direct
from greenlane.webhooks.states import Mode


class Want(NamedTuple):
    """Up to `count` due deliveries of an endpoint, asked for under the epoch at which its shard is held."""

    endpoint_id: str
    shard: int
    epoch: int
    limit: int


class RowKey(NamedTuple):
    """What identifies a delivery."""

    day: date
    webhook_id: str
    endpoint_id: str


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

    @property
    def key(self) -> RowKey:
        """What identifies the delivery."""
        return RowKey(self.day, self.webhook_id, self.endpoint_id)


class Claimed(NamedTuple):
    """The leased deliveries, and for endpoints with nothing more due the seconds until something is.

    `unreadable` were leased too, but this version of the code cannot read them.
    """

    claims: list[Claim]
    next_due: dict[str, float]
    unreadable: list["RowKey"]


_CLAIM = sa.text("""
    WITH asked AS (
      SELECT * FROM unnest(CAST(:endpoints AS text[]), CAST(:shards AS smallint[]), CAST(:epochs AS bigint[]),
                           CAST(:counts AS integer[])) AS k(endpoint_id, shard, epoch, count)),
    held AS MATERIALIZED (
      SELECT s.shard, s.epoch FROM shard s
      WHERE s.owner = :owner AND s.lease_until > now() AND (s.shard, s.epoch) IN (SELECT shard, epoch FROM asked)
      ORDER BY s.shard FOR SHARE),
    want AS MATERIALIZED (
      SELECT k.endpoint_id, k.epoch, k.count, h.hold_until
      FROM asked k JOIN held USING (shard, epoch) LEFT JOIN endpoint_health h USING (endpoint_id)),
    due AS MATERIALIZED (
      SELECT d.*, w.epoch AS claim_epoch FROM want w CROSS JOIN LATERAL (
        SELECT p.event_day, p.event_id, p.endpoint_id, p.due_at FROM delivery p
        WHERE p.endpoint_id = w.endpoint_id AND p.state = 'pending' AND p.due_at <= now()
        ORDER BY p.due_at LIMIT w.count FOR UPDATE SKIP LOCKED) d
      WHERE w.hold_until IS NULL OR w.hold_until <= now()),
    claimed AS (
      UPDATE delivery d
      SET state = 'leased', attempt_no = d.attempt_no + 1, epoch = due.claim_epoch,
          lease_until = now() + :seconds * interval '1 second'
      FROM due
      WHERE d.event_day = due.event_day AND d.event_id = due.event_id AND d.endpoint_id = due.endpoint_id
      RETURNING d.event_day, d.event_id, d.endpoint_id, d.shard, d.order_key, d.seq, d.mode, d.attempt_no,
                d.lost_leases, d.epoch, extract(epoch FROM now() - due.due_at)::float8 AS waited)
    SELECT c.event_day, c.event_id, c.endpoint_id, c.shard, c.order_key, c.seq, c.mode, c.attempt_no, c.lost_leases,
           c.epoch, p.url, p.version, e.body, c.waited, NULL::float8 AS next_due
    FROM claimed c JOIN event e USING (event_day, event_id) JOIN endpoint p USING (endpoint_id)
    UNION ALL
    SELECT NULL, NULL, w.endpoint_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           extract(epoch FROM greatest(n.due_at, w.hold_until) - now())::float8
    FROM want w CROSS JOIN LATERAL (
      SELECT p.due_at FROM delivery p
      WHERE p.endpoint_id = w.endpoint_id AND p.state = 'pending' AND p.due_at < 'infinity'
        AND p.due_at > CASE WHEN w.hold_until > now() THEN '-infinity' ELSE now() END
      ORDER BY p.due_at LIMIT 1) n""")
"""One statement and so one transaction; a shard taken over meanwhile is waited for, then left out."""

_EXPIRED = sa.text("""
    SELECT event_day, event_id, endpoint_id, shard, order_key, seq, mode, attempt_no, lost_leases, epoch
    FROM delivery WHERE state = 'leased' AND shard = ANY(CAST(:shards AS smallint[])) AND lease_until < now()
    ORDER BY lease_until LIMIT :limit""")

_DUE = sa.text("""
    WITH earliest AS MATERIALIZED (
      SELECT d.shard, d.endpoint_id FROM unnest(CAST(:shards AS smallint[])) AS s(shard) CROSS JOIN LATERAL (
        SELECT p.shard, p.endpoint_id FROM delivery p
        WHERE p.shard = s.shard AND p.state = 'pending' AND p.due_at <= now() ORDER BY p.due_at LIMIT :few) d),
    crowded AS (SELECT shard FROM earliest GROUP BY shard HAVING count(*) >= :few),
    due AS (
      SELECT endpoint_id FROM earliest
      UNION
      SELECT e.endpoint_id FROM crowded JOIN endpoint e USING (shard)
      CROSS JOIN LATERAL (SELECT FROM delivery d
                          WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending' AND d.due_at <= now() LIMIT 1) d)
    SELECT endpoint_id FROM due JOIN endpoint e USING (endpoint_id)
    WHERE e.state <> 'removed'
      AND NOT EXISTS (SELECT FROM endpoint_health h WHERE h.endpoint_id = e.endpoint_id AND h.hold_until > now())""")
"""A look at each shard; its endpoints are asked one by one only where more is due than a few rows tell."""

_FEW = 16

_FAILING = sa.text("""
    SELECT endpoint_id FROM endpoint e JOIN endpoint_health h USING (endpoint_id)
    WHERE e.shard = ANY(CAST(:shards AS smallint[])) AND e.state <> 'removed' AND h.failures >= :failures""")


async def claim(engine: AsyncEngine, owner: str, wants: Sequence[Want], lease_seconds: float) -> Claimed:
    """Lease due deliveries; nothing for shards that are no longer held under the epoch asked with."""
    async with direct(engine) as connection:
        rows = await connection.execute(
            _CLAIM,
            {
                "owner": owner,
                "endpoints": [want.endpoint_id for want in wants],
                "shards": [want.shard for want in wants],
                "epochs": [want.epoch for want in wants],
                "counts": [want.limit for want in wants],
                "seconds": lease_seconds,
            },
        )
    claims, unreadable = _read([tuple(row)[:-1] for row in rows if row["event_id"] is not None])
    next_due = {row["endpoint_id"]: row["next_due"] for row in rows if row["event_id"] is None}
    return Claimed(claims, next_due, unreadable)


async def expired(
    engine: AsyncEngine, shards: Sequence[int], limit: int, unreadable: list[RowKey] | None = None
) -> list[Claim]:
    """Deliveries of these shards whose lease ended without an outcome, the oldest first.

    Those that this version of the code cannot read are appended to `unreadable` instead.
    """
    async with direct(engine) as connection:
        rows = await connection.execute(_EXPIRED, {"shards": shards, "limit": limit})
    claims, others = _read([tuple(row) for row in rows])
    if unreadable is not None:
        unreadable += others
    return claims


async def due_endpoints(engine: AsyncEngine, shards: Sequence[int]) -> list[str]:
    """The endpoints of these shards that have something due and are not held."""
    async with direct(engine) as connection:
        return [row["endpoint_id"] for row in await connection.execute(_DUE, {"shards": shards, "few": _FEW})]


async def failing_endpoints(engine: AsyncEngine, shards: Iterable[int], failures: int) -> list[str]:
    """The endpoints of these shards whose last `failures` attempts or more failed, whoever made them."""
    async with direct(engine) as connection:
        rows = await connection.execute(_FAILING, {"shards": list(shards), "failures": failures})
        return [row["endpoint_id"] for row in rows]


def _read(rows: Iterable[Sequence[Any]]) -> tuple[list[Claim], list[RowKey]]:
    """The claims of these rows, and the keys of rows that are none: one of them must not stop the others."""
    claims: list[Claim] = []
    unreadable: list[RowKey] = []
    for row in rows:
        try:
            claims.append(_claim_of(row))
        except (ValueError, TypeError):
            unreadable.append(RowKey(*row[:3]))
    return claims, unreadable


def _claim_of(row: Sequence[Any]) -> Claim:
    """The claim of a row whose columns are in the order of its fields; the last may be left out."""
    day, webhook_id, endpoint_id, shard, order_key, seq, mode, *others = row
    return Claim(day, webhook_id, endpoint_id, shard, order_key, seq, Mode(mode), *others)
