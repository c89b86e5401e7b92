"""Canaries in secrets, keys and bodies reach nothing that a dispatcher writes: neither its output nor the database."""

import base64

import asyncpg
from tests.integration.webhooks.harness import ENCRYPTION_KEY, World, decision, receiving, until

from greenlane.webhooks.management.administration import administration
from greenlane.webhooks.management.keys import add_key
from greenlane.webhooks.management.secrets import rotate_secret
from greenlane.webhooks.states import EndpointState


async def test_no_secret_is_written_anywhere_while_it_signs_rotates_and_fails(world: World) -> None:
    world.start()
    async with administration(world.settings()) as desk, receiving() as receiver:
        new = await desk.add_endpoint(receiver.url(), "demo-vn")
        token = (await add_key(desk, "demo-vn")).token

        async def confirmed() -> bool:
            return (await desk.endpoint(new.endpoint.endpoint_id)).state is EndpointState.ACTIVE

        await until(confirmed)
        rotated = await rotate_secret(desk, new.endpoint.endpoint_id)
        await world.append(decision("canary-seller", 1))
        await until(lambda: len(receiver.got()) == 1)
        assert len(receiver.got()[0].headers["webhook-signature"].split()) == 2
        async with desk.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE endpoint_secret SET ciphertext = 'altered'")
            await connection.exec_driver_sql("UPDATE endpoint SET version = version + 1")
        await world.append(decision("canary-seller", 2))

        async def paused() -> bool:
            return any(item.reason == "key_missing" for item in await desk.deliveries())

        await until(paused)
    world.end()
    written = "".join(log.read_text() for log in world.folder.glob("*.log")) + await _stored(world.database_url)
    assert new.endpoint.endpoint_id in written
    secrets = [new.secret.removeprefix("whsec_"), rotated.secret.removeprefix("whsec_"), token.split("_", 2)[2]]
    raw = [base64.b64decode(text).hex() for text in secrets[:2]] + [base64.b64decode(ENCRYPTION_KEY).hex()]
    for canary in (*secrets, *raw, ENCRYPTION_KEY):
        assert len(canary) > 40
        assert canary not in written
    assert "canary-seller" not in "".join(log.read_text() for log in world.folder.glob("*.log"))


async def _stored(database_url: str) -> str:
    """Every row of every table as text."""
    connection = await asyncpg.connect(database_url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text FROM "{name[0]}" t') for name in names]  # noqa: S608 - names of our tables
    finally:
        await connection.close()
    return "\n".join(str(row[0]) for table in rows for row in table)
