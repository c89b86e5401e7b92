"""What the tables say about the backlog, written to the gauges now and then."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.webhooks.dispatcher.telemetry import WebhookMetrics
from greenlane.webhooks.sql import sql
from greenlane.webhooks.states import OPEN

_BACKLOG = sa.text("""
    SELECT 'pending' AS state, coalesce(sum(p.deliveries), 0)::bigint AS deliveries,
           coalesce(extract(epoch FROM now() - min(p.earliest)), 0)::float8 AS oldest
    FROM unnest(CAST(:shards AS smallint[])) AS s(shard) CROSS JOIN LATERAL (
      SELECT count(*) AS deliveries, min(d.due_at) FILTER (WHERE d.due_at <= now()) AS earliest FROM delivery d
      WHERE d.shard = s.shard AND d.state = 'pending') p
    UNION ALL
    SELECT 'leased', count(*), 0 FROM delivery WHERE state = 'leased' AND shard = ANY(CAST(:shards AS smallint[]))
    UNION ALL
    SELECT state, count(*), 0 FROM delivery
    WHERE state IN ('held', 'quarantined') AND shard = ANY(CAST(:shards AS smallint[])) GROUP BY state""")
"""Each state from an index of its own, without the rows."""

_ORPHANS = sql("""
    SELECT (SELECT count(*) FROM delivery
            WHERE state = 'leased' AND lease_until IS NULL AND shard = ANY(CAST(:shards AS smallint[])))
         + (SELECT count(*) FROM delivery d
            WHERE d.state = 'pending' AND d.due_at = 'infinity' AND d.shard = ANY(CAST(:shards AS smallint[]))
              AND NOT EXISTS (
                SELECT FROM delivery f
                WHERE f.endpoint_id = d.endpoint_id AND f.order_key = d.order_key AND f.seq < d.seq
                  AND f.state IN ({OPEN})))""")


async def measure(engine: AsyncEngine, shards: Sequence[int], metrics: WebhookMetrics) -> None:
    """Set the gauges of the backlog in these shards."""
    async with engine.connect() as connection:
        rows = (await connection.execute(_BACKLOG, {"shards": list(shards)})).all()
        orphans: int = (await connection.execute(_ORPHANS, {"shards": list(shards)})).scalar_one()
    counts = {row.state: row.deliveries for row in rows}
    for state in OPEN:
        metrics.webhook_pending.labels(state.value).set(counts.get(state.value, 0))
    metrics.webhook_oldest_due_seconds.set(max((row.oldest for row in rows), default=0.0))
    metrics.webhook_deliveries_orphaned.set(orphans)
