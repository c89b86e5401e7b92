"""What the tables tell a dispatcher about what waits: what is due now, and how much there is in which state."""

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.webhooks.tables import add_active, message

from greenlane.database.connection import open_database
from greenlane.operations.metrics import WebhookMetrics
from greenlane.webhooks.dispatcher.claiming.claims import due_endpoints
from greenlane.webhooks.dispatcher.intake.acceptance import accept
from greenlane.webhooks.dispatcher.recording.measures import measure
from greenlane.webhooks.dispatcher.recording.outcomes import _LOCK_HEADS
from greenlane.webhooks.identity import shard_of
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.states import Mode
from greenlane.webhooks.tables import SHARDS
from greenlane.webhooks.vault import Vault


@pytest.fixture
def webhooks(engine: AsyncEngine) -> Administration:
    return Administration(engine, Vault(b"k" * 32), allow_private=True)


async def test_what_is_due_is_found_beside_an_endpoint_with_much_more_of_it(
    engine: AsyncEngine, webhooks: Administration
) -> None:
    crowded, beside, held, idle = [await add_active(webhooks, seller=seller) for seller in ("s-0", "s-1", "s-2", "s-3")]
    await accept(engine, [message(Mode.FIFO, "s-0", number) for number in range(40)])
    await accept(engine, [message(Mode.FIFO, seller, 1) for seller in ("s-1", "s-2", "s-3")])
    moved = sa.text("UPDATE endpoint SET shard = 7")
    overdue = sa.text("UPDATE delivery SET shard = 7, due_at = now() - interval '1 minute'")
    later = sa.text("UPDATE delivery SET due_at = now() + :seconds * interval '1 second' WHERE endpoint_id = :endpoint")
    hold = sa.text(
        "INSERT INTO endpoint_health (endpoint_id, hold_until) VALUES (:endpoint, now() + interval '1 hour')"
    )
    async with engine.begin() as connection:
        await connection.execute(moved)
        await connection.execute(overdue)
        for endpoint_id, seconds in ((beside, 0), (held, 0), (idle, 3600)):
            await connection.execute(later, {"endpoint": endpoint_id, "seconds": seconds})
        await connection.execute(hold, {"endpoint": held})
    assert sorted(await due_endpoints(engine, [6, 7])) == sorted([crowded, beside])
    assert await due_endpoints(engine, [6]) == []


async def test_the_backlog_is_counted_by_state_in_the_shards_asked_for(
    engine: AsyncEngine, webhooks: Administration
) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, f"s-{number}", 1) for number in range(15)])
    change = sa.text("""
        UPDATE delivery SET state = :state, lease_until = now(),
               due_at = CASE WHEN :behind THEN 'infinity' ELSE now() - interval '100 seconds' END
        WHERE order_key = ANY(:keys)""")
    standing = (("held", 2), ("quarantined", 3), ("leased", 4), ("pending", 1))
    numbers = iter(range(15))
    async with engine.begin() as connection:
        for state, count in (*standing, ("behind", 2)):
            keys = [f"badge:demo-vn/s-{next(numbers)}" for _ in range(count)]
            behind = state == "behind"
            given = {"state": "pending" if behind else state, "behind": behind, "keys": keys}
            await connection.execute(change, given)
    registry = CollectorRegistry()
    metrics = WebhookMetrics(registry)
    await measure(engine, [shard_of(endpoint_id)], metrics)
    states = ("pending", "leased", "held", "quarantined")
    counted = [registry.get_sample_value("greenlane_webhook_pending", {"state": state}) for state in states]
    assert counted == [6, 4, 2, 3]
    assert registry.get_sample_value("greenlane_webhook_deliveries_orphaned") == 2
    oldest = registry.get_sample_value("greenlane_webhook_oldest_due_seconds")
    assert oldest is not None
    assert 100 <= oldest < 130
    await measure(engine, [(shard_of(endpoint_id) + 1) % SHARDS], metrics)
    counted = [registry.get_sample_value("greenlane_webhook_pending", {"state": state}) for state in states]
    assert counted == [0, 0, 0, 0]
    assert registry.get_sample_value("greenlane_webhook_oldest_due_seconds") == 0


async def test_a_dispatcher_finds_rows_by_key_before_the_tables_were_counted(
    engine: AsyncEngine, database_url: str
) -> None:
    asked = {"endpoints": ["ep_7"] * 50, "keys": [f"seller-{number}" for number in range(50)]}
    fill = "INSERT INTO order_head (endpoint_id, order_key, accepted_seq) SELECT 'ep_7', 'seller-' || n, 1 FROM {}"
    async with engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE order_head SET (autovacuum_enabled = false)"))
        await connection.execute(sa.text(fill.format("generate_series(1, 5000) AS n")))
    by_key = open_database(SecretStr(database_url), by_key=True)
    try:
        async with by_key.connect() as connection:
            rows = await connection.execute(sa.text(f"EXPLAIN {_LOCK_HEADS.text}"), asked)
            plan = "\n".join(row[0] for row in rows)
    finally:
        await by_key.dispose()
    assert "Index Scan using order_head_pkey" in plan
    assert "Seq Scan" not in plan
