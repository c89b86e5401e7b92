"""What an API key may be used for: it opens its own doors, gives no more than it has, and old keys stay so."""

from collections.abc import AsyncIterator

import httpx
import pytest
import sqlalchemy as sa

from greenlane.database.api_keys import KeyScope, key_of_token, keys_still_open
from greenlane.errors import ConflictError, WrongUseError
from greenlane.webhooks.api.app import build_app
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.keys import NewApiKey, add_key, revoke_key, rotate_key

EVENTS = (KeyScope.WRITE_EVENTS,)
BOTH = tuple(KeyScope)


@pytest.fixture
async def api(desk: Administration) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build_app(desk))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


def bearer(key: NewApiKey) -> dict[str, str]:
    return {"authorization": f"Bearer {key.token}"}


async def test_a_key_that_writes_events_manages_no_webhooks(api: httpx.AsyncClient, desk: Administration) -> None:
    key = await add_key(desk, "demo-vn", scopes=EVENTS)
    answer = await api.get("/v1/endpoints", headers=bearer(key))
    assert answer.status_code == 403
    assert "webhooks:manage" in answer.json()["errors"][0]["remedy"]


async def test_a_key_gives_no_scope_that_it_lacks(api: httpx.AsyncClient, desk: Administration) -> None:
    manager, both = await add_key(desk, "demo-vn"), await add_key(desk, "demo-vn", scopes=BOTH)
    wanted = {"scopes": ["events:write"]}
    assert (await api.post("/v1/keys", headers=bearer(manager), json=wanted)).status_code == 422
    made = await api.post("/v1/keys", headers=bearer(both), json=wanted)
    assert made.json()["key"]["scopes"] == ["events:write"]
    rotate = f"/v1/keys/{made.json()['key']['key_id']}/rotate"
    assert (await api.post(rotate, headers=bearer(manager))).status_code == 409
    assert (await api.post(rotate, headers=bearer(both))).json()["key"]["scopes"] == ["events:write"]
    inherited = await api.post("/v1/keys", headers=bearer(both))
    assert inherited.json()["key"]["scopes"] == list(BOTH)
    sellers = await api.post("/v1/keys", headers=bearer(both), json={"seller_id": "s-1"})
    assert sellers.json()["key"]["scopes"] == ["webhooks:manage"]


async def test_a_seller_publishes_nothing_and_a_key_has_a_scope(desk: Administration) -> None:
    with pytest.raises(WrongUseError, match="is for a marketplace"):
        await add_key(desk, "demo-vn", "s-1", scopes=EVENTS)
    with pytest.raises(WrongUseError, match="names none"):
        await add_key(desk, "demo-vn", scopes=())
    key = await add_key(desk, "demo-vn", scopes=EVENTS)
    with pytest.raises(ConflictError, match="has the scope events:write"):
        await rotate_key(desk, key.key.key_id, own_scopes=(KeyScope.MANAGE_WEBHOOKS,))


async def test_keys_of_before_manage_webhooks_alone(desk: Administration) -> None:
    key = await add_key(desk, "demo-vn", scopes=BOTH)
    async with desk.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE api_key SET scopes = DEFAULT"))
    known = await key_of_token(desk.engine, key.token)
    assert known is not None
    assert known.scopes == (KeyScope.MANAGE_WEBHOOKS,)


async def test_which_of_several_keys_still_open_something_is_one_question(desk: Administration) -> None:
    first, second = await add_key(desk, "demo-vn", scopes=EVENTS), await add_key(desk, "demo-vn", scopes=BOTH)
    await revoke_key(desk, second.key.key_id)
    asked = [first.key.key_id, second.key.key_id, "0" * 16]
    assert await keys_still_open(desk.engine, asked) == {first.key.key_id: first.key}
