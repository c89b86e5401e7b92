"""Notices while an endpoint keeps failing."""

import sqlalchemy as sa
from pydantic import SecretStr

from greenlane.database.connection import migrate, open_database
from greenlane.webhooks.dispatcher.claiming.claims import failing_endpoints
from greenlane.webhooks.dispatcher.recording.failing import give_notices
from greenlane.webhooks.identity import shard_of
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.tables import SHARDS
from greenlane.webhooks.vault import Vault

SHARD_LIST = list(range(SHARDS))


async def test_notices_come_once_at_each_stage_and_again_only_after_a_recovery(database_url: str) -> None:
    await migrate(SecretStr(database_url))
    engine = open_database(SecretStr(database_url))
    try:
        desk = Administration(engine, Vault(b"k" * 32), allow_private=True)
        await desk.add_endpoint("http://127.0.0.1:9/hook", "demo-vn")

        async def failing_for(hours: float) -> list[int]:
            async with engine.begin() as connection:
                await connection.execute(sa.text("UPDATE endpoint SET state = 'active'"))
                await connection.execute(
                    sa.text("""
                        INSERT INTO endpoint_health (endpoint_id, failures, failing_since)
                        SELECT endpoint_id, 1, now() - :hours * interval '1 hour' FROM endpoint
                        ON CONFLICT (endpoint_id) DO UPDATE SET failing_since = EXCLUDED.failing_since"""),
                    {"hours": hours},
                )
            return sorted(notice.hours for notice in await give_notices(engine, SHARD_LIST))

        assert await failing_for(0.9) == []
        assert await failing_for(25.0) == [1, 24]
        assert await give_notices(engine, SHARD_LIST) == []
        assert await failing_for(1.1) == [1]
    finally:
        await engine.dispose()


async def test_a_new_owner_finds_out_which_endpoints_failed_the_last_one(database_url: str) -> None:
    await migrate(SecretStr(database_url))
    engine = open_database(SecretStr(database_url))
    try:
        desk = Administration(engine, Vault(b"k" * 32), allow_private=True)
        failing = (await desk.add_endpoint("http://127.0.0.1:9/hook", "demo-vn")).endpoint.endpoint_id
        wobbly = (await desk.add_endpoint("http://127.0.0.1:9/hook", "demo-vn")).endpoint.endpoint_id
        async with engine.begin() as connection:
            for endpoint_id, failures in ((failing, 5), (wobbly, 4)):
                await connection.execute(
                    sa.text("INSERT INTO endpoint_health (endpoint_id, failures) VALUES (:endpoint, :failures)"),
                    {"endpoint": endpoint_id, "failures": failures},
                )
        assert await failing_endpoints(engine, SHARD_LIST, 5) == [failing]
        assert await failing_endpoints(engine, [n for n in SHARD_LIST if n != shard_of(failing)], 5) == []
    finally:
        await engine.dispose()
