"""What the tables say about the backlog, written to the gauges now and then."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.webhook_dispatcher.policy import OPEN
from greenlane.webhook_dispatcher.telemetry import WebhookMetrics

_BACKLOG = sa.text("""
    SELECT state, count(*) AS deliveries,
           coalesce(max(extract(epoch FROM now() - due_at))
                      FILTER (WHERE state = 'pending' AND due_at <= now()), 0)::float8 AS oldest
    FROM delivery
    WHERE state IN ('pending', 'leased', 'held', 'quarantined') AND shard = ANY(CAST(:shards AS smallint[]))
    GROUP BY state""")

_ORPHANS = sa.text("""
    SELECT count(*) FROM delivery d
    WHERE d.state IN ('pending', 'leased') AND d.shard = ANY(CAST(:shards AS smallint[]))
      AND ((d.state = 'leased' AND d.lease_until IS NULL)
        OR (d.state = 'pending' AND d.due_at = 'infinity' AND NOT EXISTS (
              SELECT FROM delivery f
              WHERE f.endpoint_id = d.endpoint_id AND f.order_key = d.order_key AND f.seq < d.seq
                AND f.state IN ('pending', 'leased', 'held', 'quarantined'))))""")


async def measure(engine: AsyncEngine, shards: Sequence[int], metrics: WebhookMetrics) -> None:
    """Set the gauges of the backlog in these shards."""
    async with engine.connect() as connection:
        rows = (await connection.execute(_BACKLOG, {"shards": list(shards)})).all()
        orphans: int = (await connection.execute(_ORPHANS, {"shards": list(shards)})).scalar_one()
    counts = {row.state: row.deliveries for row in rows}
    for state in OPEN:
        metrics.webhook_pending.labels(state.value).set(counts.get(state.value, 0))
    metrics.webhook_oldest_due_seconds.set(max((row.oldest for row in rows), default=0.0))
    metrics.webhook_orphans.set(orphans)
