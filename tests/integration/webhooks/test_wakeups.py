"""What one process makes due another one sends at once, and a process that froze keeps no locks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.webhooks.harness import until
from tests.integration.webhooks.tables import OWNER, add_active, message

from greenlane.database.connection import Watch, migrate, open_database, will_pass
from greenlane.database.direct import direct_transaction
from greenlane.webhooks.dispatcher.claiming.shards import renew
from greenlane.webhooks.dispatcher.intake.acceptance import accept
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.states import Mode
from greenlane.webhooks.vault import Vault
from greenlane.webhooks.wakeups import hear_due

_LOCK = sa.text("SELECT shard FROM shard WHERE shard = :shard FOR UPDATE")
_LISTENERS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Administration]:
    await migrate(SecretStr(database_url))
    engine = open_database(SecretStr(database_url))
    yield Administration(engine, Vault(b"k" * 32), allow_private=True)
    await engine.dispose()


@contextlib.asynccontextmanager
async def hearing(engine: AsyncEngine) -> AsyncIterator[list[str]]:
    heard: list[str] = []
    ears = asyncio.create_task(hear_due(engine, heard.append))

    async def listens() -> bool:
        async with engine.connect() as connection:
            return bool((await connection.execute(_LISTENERS)).scalar_one())

    await until(listens)
    yield heard
    ears.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ears


async def test_a_change_by_the_owner_is_heard(desk: Administration) -> None:
    async with hearing(desk.engine) as heard:
        added = (await desk.add_endpoint("http://127.0.0.1:9/hook", "demo-vn")).endpoint.endpoint_id
        await until(lambda: heard == [added])
        await desk.send_test(added)
        await until(lambda: heard == [added, added])


async def test_a_message_taken_in_for_another_dispatchers_endpoint_is_heard_and_an_own_one_is_not(
    desk: Administration,
) -> None:
    own, other = await add_active(desk, "demo-vn"), await add_active(desk, "demo-eu")
    messages = [message(Mode.FIFO, "s-1", 1, marketplace) for marketplace in ("demo-vn", "demo-eu")]
    async with hearing(desk.engine) as heard:
        accepted = await accept(desk.engine, messages, own.__eq__)
        assert accepted.ready == {own, other}
        await until(lambda: heard == [other])


async def test_the_server_takes_the_locks_from_a_process_that_freezes_between_two_statements(
    database_url: str, desk: Administration
) -> None:
    frozen = open_database(SecretStr(database_url), watch=Watch(1.0))
    try:
        with pytest.raises(Exception, match=r"transaction timeout|closed") as caught:  # noqa: PT012 - one freeze
            async with direct_transaction(frozen) as connection:
                await connection.execute(_LOCK, {"shard": 1})
                await connection._driver.prepare("SELECT 1 FROM delivery")
                async with desk.engine.begin() as waiting:
                    assert (await waiting.execute(_LOCK, {"shard": 1})).scalar_one() == 1
                await connection.execute(_LOCK, {"shard": 1})
        assert will_pass(caught.value)
    finally:
        await frozen.dispose()


async def test_a_dispatcher_knows_when_the_shards_of_another_may_become_free(desk: Administration) -> None:
    assert (await renew(desk.engine, OWNER, 60.0)).next_free is None
    next_free = (await renew(desk.engine, "late", 60.0)).next_free
    assert next_free is not None
    assert 0 < next_free <= 60
