"""The management over HTTP: what it offers, and that a key opens its own scope and nothing else."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.webhooks.tables import add_active, answered, claimed, identity, sent, take_in

from greenlane.database.connection import open_database
from greenlane.operations.logs import configure_logging
from greenlane.web.rates import Buckets, Rate
from greenlane.webhooks.api.app import build_app
from greenlane.webhooks.api.guard import MAX_BODY
from greenlane.webhooks.dispatcher.verdicts import Answer
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.keys import NewApiKey, add_key, revoke_key
from greenlane.webhooks.management.scope import Quotas
from greenlane.webhooks.states import Mode
from greenlane.webhooks.tables import metadata
from greenlane.webhooks.vault import Vault

URL = "http://127.0.0.1:9/hook"
PLENTY = Rate(10_000, 10_000)
OPEN_TO_ALL = {"/openapi.json", "/healthz/ready"}


@pytest.fixture
def desk(engine: AsyncEngine) -> Administration:
    return Administration(engine, Vault(b"k" * 32), allow_private=True, marketplaces=("demo-vn", "olist-br"))


@pytest.fixture
def app(desk: Administration) -> FastAPI:
    return build_app(desk, PLENTY, PLENTY)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        yield http


def bearing(key: NewApiKey) -> dict[str, str]:
    return {"authorization": f"Bearer {key.token}"}


@dataclass
class Tenant:
    key: NewApiKey
    endpoint_id: str
    secret_id: str
    webhook_ids: list[str] = field(default_factory=list)

    def path(self, template: str, webhook_id: str) -> str:
        values = {
            "endpoint_id": self.endpoint_id,
            "webhook_id": webhook_id,
            "key_id": self.secret_id if "/secrets/" in template else self.key.key.key_id,
        }
        return template.format(**values)


async def tenant(desk: Administration, marketplace: str, seller: str | None) -> Tenant:
    """A key with an endpoint that has one delivery in each state a person can change."""
    key = await add_key(desk, marketplace, seller)
    endpoint_id = await add_active(desk, marketplace, seller)
    who = seller or f"some-of-{marketplace}"
    await take_in(desk, Mode.FIFO, who, 1, marketplace=marketplace)
    await sent(desk, endpoint_id)
    await take_in(desk, Mode.FIFO, who, 2, 3, marketplace=marketplace)
    async with desk.engine.begin() as connection:
        query = "SELECT key_id FROM endpoint_secret WHERE endpoint_id = :id"
        secret_id = (await connection.execute(sa.text(query), {"id": endpoint_id})).scalar_one()
        held = "UPDATE delivery SET state = 'held', reason = 'refused' WHERE endpoint_id = :id AND event_id = :event"
        second = identity(Mode.FIFO, who, 2, marketplace)
        await connection.execute(sa.text(held), {"id": endpoint_id, "event": second})
    ids = [identity(Mode.FIFO, who, number, marketplace) for number in (1, 2, 3)]
    return Tenant(key, endpoint_id, secret_id, ids)


async def everything(engine: AsyncEngine) -> dict[str, list[str]]:
    """Every row of every table."""
    async with engine.connect() as connection:
        return {
            table.name: sorted((await connection.execute(sa.text(f"SELECT t::text FROM {table.name} t"))).scalars())  # noqa: S608 - names of our tables
            for table in metadata.sorted_tables
        }


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            if path not in OPEN_TO_ALL:
                yield method.upper(), path


BODIES = {
    "/v1/endpoints/{endpoint_id}/replay": {"since": "2020-01-01T00:00:00Z"},
    "/v1/endpoints/{endpoint_id}": {"types": ["badge.granted"]},
}


async def test_no_key_reads_or_touches_anything_of_another_tenant_by_any_route(
    desk: Administration, app: FastAPI, http: httpx.AsyncClient
) -> None:
    victims = [
        await tenant(desk, "demo-vn", "s-1"),
        await tenant(desk, "olist-br", None),
    ]
    attackers = [
        await add_key(desk, "demo-vn", "s-2"),
        await add_key(desk, "olist-br", "s-1"),
    ]
    before = await everything(desk.engine)
    tried = 0
    for method, template in routes(app):
        if "{" not in template:
            continue
        for victim in victims:
            for attacker in attackers:
                for webhook_id in victim.webhook_ids if "webhook_id" in template else [""]:
                    path = victim.path(template, webhook_id)
                    reply = await http.request(method, path, headers=bearing(attacker), json=BODIES.get(template))
                    assert reply.status_code == 404, f"{method} {template} answered {reply.status_code}"
                    tried += 1
    assert tried >= 100
    assert await everything(desk.engine) == before
    for attacker in attackers:
        for path in ("/v1/endpoints", "/v1/keys"):
            shown = (await http.get(path, headers=bearing(attacker))).text
            assert not any(item in shown for victim in victims for item in (victim.endpoint_id, victim.key.key.key_id))


async def test_what_is_answered_of_anothers_is_what_is_answered_of_nothing(
    desk: Administration, http: httpx.AsyncClient
) -> None:
    victim = await tenant(desk, "demo-vn", "s-1")
    attacker = await add_key(desk, "demo-vn", "s-2")
    nothing = "ep_" + "0" * 24
    real = await http.get(f"/v1/endpoints/{victim.endpoint_id}", headers=bearing(attacker))
    absent = await http.get(f"/v1/endpoints/{nothing}", headers=bearing(attacker))
    assert real.text.replace(victim.endpoint_id, nothing) == absent.text


@pytest.mark.parametrize("seller", [None, "s-1", "s-2"])
async def test_a_key_adds_endpoints_and_keys_within_its_scope_only(
    desk: Administration, http: httpx.AsyncClient, seller: str | None
) -> None:
    key = await add_key(desk, "demo-vn", "s-1")
    asked = {"seller_id": seller} if seller else {}
    endpoint = await http.post("/v1/endpoints", headers=bearing(key), json={"url": URL} | asked)
    other = await http.post("/v1/keys", headers=bearing(key), json=asked)
    if seller == "s-2":
        assert (endpoint.status_code, other.status_code) == (422, 422)
        return
    assert endpoint.json()["endpoint"]["seller_id"] == "s-1"
    assert other.json()["key"]["seller_id"] == "s-1"


async def test_without_a_valid_key_every_route_is_closed(
    desk: Administration, app: FastAPI, http: httpx.AsyncClient
) -> None:
    victim = await tenant(desk, "demo-vn", None)
    revoked = await add_key(desk, "demo-vn")
    await revoke_key(desk, revoked.key.key_id)
    before = await everything(desk.engine)
    for method, template in routes(app):
        for headers in ({}, bearing(revoked), {"authorization": f"Basic {victim.key.token}"}):
            path = victim.path(template, victim.webhook_ids[0])
            reply = await http.request(method, path, headers=headers, json=BODIES.get(template))
            assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer"), f"{method} {template}"
            assert reply.json()["errors"][0]["remedy"]
    assert await everything(desk.engine) == before


async def test_every_route_but_the_description_and_health_asks_for_a_key(app: FastAPI) -> None:
    described = set(app.openapi()["paths"])
    served = {route.path for route in app.routes if isinstance(route, APIRoute)}
    assert app.openapi()["openapi"].startswith("3.1")
    assert served <= described
    assert all(
        operation.get("security")
        for path, operations in app.openapi()["paths"].items()
        if path not in OPEN_TO_ALL
        for operation in operations.values()
    )


async def test_an_endpoint_lives_from_its_first_test_to_its_removal(
    desk: Administration, http: httpx.AsyncClient
) -> None:
    http.headers.update(bearing(await add_key(desk, "demo-vn")))
    wanted = {"url": URL, "types": ["badge.granted"], "sellers": ["s-1"], "scheme": "v1a"}
    added = (await http.post("/v1/endpoints", json=wanted)).json()
    path = f"/v1/endpoints/{added['endpoint']['endpoint_id']}"
    assert added["secret"].startswith("whpk_")
    assert added["endpoint"]["state"] == "unconfirmed"
    assert (await http.get(path)).json() == added["endpoint"]
    changed = (await http.patch(path, json={"types": ["badge.revoked"], "sellers": []})).json()
    assert (changed["types"], changed["sellers"]) == (["badge.revoked"], None)
    test = await http.post(f"{path}/test")
    assert (test.status_code, test.json()["type"]) == (202, "endpoint.test")
    rotated = (await http.post(f"{path}/secrets", json={"scheme": "v1", "overlap_hours": 1})).json()
    listed = (await http.get(f"{path}/secrets")).json()
    assert [item["scheme"] for item in listed] == ["v1", "v1a"]
    assert rotated["secret"] not in json.dumps(listed)
    (public,) = (await http.get(f"{path}/jwks.json")).json()["keys"]
    assert public["kid"] == listed[1]["key_id"]
    assert (await http.delete(f"{path}/secrets/{public['kid']}")).status_code == 204
    assert (await http.post(f"{path}/disable")).json()["state"] == "disabled"
    for query, count in (({"type": "badge.revoked"}, 1), ({"type": "badge.granted"}, 0), ({"state": "active"}, 0)):
        assert len((await http.get("/v1/endpoints", params=query)).json()["items"]) == count
    assert (await http.delete(path)).status_code == 200
    assert (await http.get(path)).status_code == 404


async def test_an_endpoint_without_events_tells_how_its_test_stands_and_what_to_do(
    desk: Administration, http: httpx.AsyncClient
) -> None:
    http.headers.update(bearing(await add_key(desk, "demo-vn")))
    endpoint_id = (await http.post("/v1/endpoints", json={"url": URL})).json()["endpoint"]["endpoint_id"]

    async def told() -> tuple[str | None, str | None, str | None]:
        (shown,) = (await http.get("/v1/endpoints")).json()["items"]
        assert shown == (await http.get(f"/v1/endpoints/{endpoint_id}")).json()
        return shown["reason"], shown["last_test"], shown["remedy"]

    assert await told() == (None, "pending", "wait for the answer to the test that was sent")
    give_up = "UPDATE delivery SET state = 'exhausted', reason = :reason WHERE endpoint_id = :id"
    for reason, correct in (
        ("dns", "correct the host name in the URL, or its entry in the DNS, then send a test"),
        ("status_500", "correct the receiver so that it answers 2xx, then send a test"),
    ):
        async with desk.engine.begin() as connection:
            await connection.execute(sa.text(give_up), {"id": endpoint_id, "reason": reason})
        assert await told() == (None, f"exhausted: {reason}", correct)
    await http.post(f"/v1/endpoints/{endpoint_id}/disable")
    _, last_test, remedy = await told()
    assert (last_test, str(remedy)[:11]) == ("exhausted: status_500", "send a test")
    async with desk.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE endpoint SET state = 'active', reason = NULL"))
    assert await told() == (None, None, None)


async def test_endpoints_are_paged_and_filtered_by_seller(desk: Administration, http: httpx.AsyncClient) -> None:
    http.headers.update(bearing(await add_key(desk, "demo-vn")))
    sellers: tuple[dict[str, object], ...] = (
        {},
        {"seller_id": "s-1"},
        {"sellers": ["s-1", "s-2"]},
        {"seller_id": "s-3"},
    )
    added = [(await http.post("/v1/endpoints", json={"url": URL} | asked)).json()["endpoint"] for asked in sellers]
    await add_active(desk, "olist-br")
    first = (await http.get("/v1/endpoints", params={"limit": 3})).json()
    second = (await http.get("/v1/endpoints", params={"limit": 3, "after": first["next"]})).json()
    ids = [item["endpoint_id"] for item in added]  # their first tests run meanwhile
    assert ([item["endpoint_id"] for item in first["items"] + second["items"]], second["next"]) == (ids, None)
    theirs = (await http.get("/v1/endpoints", params={"seller_id": "s-1"})).json()["items"]
    assert [item["endpoint_id"] for item in theirs] == ids[1:3]
    assert (await http.get("/v1/endpoints", params={"after": "bm9uZQ=="})).status_code == 422


async def test_deliveries_are_paged_filtered_and_shown_with_the_timings_of_their_attempts(
    desk: Administration, http: httpx.AsyncClient
) -> None:
    http.headers.update(bearing(await add_key(desk, "demo-vn")))
    endpoint_id = await add_active(desk)
    path = f"/v1/endpoints/{endpoint_id}"
    for number in range(7):
        await take_in(desk, Mode.FIFO, f"s-{number}", 1)
    await answered(desk, await claimed(desk, endpoint_id, 1), Answer(503, retry_after=0.0))
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await http.get(f"{path}/deliveries", params=query)).json()
        seen += [item["webhook_id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["before"] = page["next"]
    assert seen == [identity(Mode.FIFO, f"s-{number}", 1) for number in reversed(range(7))]
    tried = (await http.get(f"{path}/deliveries/{identity(Mode.FIFO, 's-0', 1)}")).json()
    (attempt,) = tried["attempts"]
    assert tried["delivery"]["attempts"] == 1
    assert (attempt["status"], attempt["total_ms"], attempt["headers_ms"]) == (503, 12, 7)
    one = (await http.get(f"{path}/deliveries", params={"seller_id": "s-3"})).json()["items"]
    assert [item["order_key"] for item in one] == ["badge:demo-vn/s-3"]
    none = (await http.get(f"{path}/deliveries", params={"since": "2100-01-01T00:00:00Z"})).json()
    assert none == {"items": [], "next": None}
    wrong = await http.get(f"{path}/deliveries", params={"before": "bm9uc2Vuc2U="})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "before")


async def test_held_resent_cancelled_and_replayed_over_http(desk: Administration, http: httpx.AsyncClient) -> None:
    mine = await tenant(desk, "demo-vn", None)
    http.headers.update(bearing(mine.key))
    path = f"/v1/endpoints/{mine.endpoint_id}"
    first, second, third = mine.webhook_ids
    (held,) = (await http.get(f"{path}/deliveries", params={"state": "held"})).json()["items"]
    assert held["webhook_id"] == second
    refused = await http.post(f"{path}/deliveries/{first}/resend")
    assert (refused.status_code, third in refused.text) == (409, True)
    assert (await http.post(f"{path}/deliveries/{second}/release")).json()["state"] == "pending"
    assert (await http.post(f"{path}/deliveries/{second}/cancel")).json()["state"] == "cancelled"
    assert await sent(desk, mine.endpoint_id) == [third]
    assert (await http.post(f"{path}/deliveries/{third}/resend")).status_code == 202
    assert await sent(desk, mine.endpoint_id) == [third]
    replayed = (await http.post(f"{path}/replay", json={"since": "2020-01-01T00:00:00Z"})).json()
    assert replayed == {"queued": 2, "keys": 1, "busy": []}
    assert await sent(desk, mine.endpoint_id) == [first, third]
    assert (await http.post(f"{path}/held/release")).json() == {"deliveries": 0}
    assert (await http.post(f"{path}/held/cancel")).json() == {"deliveries": 0}


async def test_keys_are_made_rotated_and_revoked_but_never_the_one_that_asks(
    desk: Administration, http: httpx.AsyncClient
) -> None:
    mine = await add_key(desk, "demo-vn")
    http.headers.update(bearing(mine))
    made = (await http.post("/v1/keys", json={"seller_id": "s-1", "label": "shop"})).json()
    assert made["token"].startswith("glk_")
    fresh = (await http.post(f"/v1/keys/{made['key']['key_id']}/rotate", json={"overlap_hours": 0})).json()
    listed = (await http.get("/v1/keys")).json()
    assert [item["key_id"] for item in listed] == [mine.key.key_id, fresh["key"]["key_id"]]
    assert "token" not in json.dumps(listed)
    assert (await http.delete(f"/v1/keys/{mine.key.key_id}")).status_code == 409
    locked_out = await http.post(f"/v1/keys/{mine.key.key_id}/rotate", json={"overlap_hours": 0})
    assert (locked_out.status_code, locked_out.json()["errors"][0]["field"]) == (409, "overlap_hours")
    assert (await http.delete(f"/v1/keys/{fresh['key']['key_id']}")).status_code == 204


async def test_one_marketplace_makes_so_many_endpoints_and_keys_and_no_more(desk: Administration) -> None:
    few = replace(desk, quotas=Quotas(endpoints=3, keys=2))
    key, other = await add_key(few, "demo-vn"), await add_key(few, "olist-br")
    transport = httpx.ASGITransport(build_app(few, PLENTY, PLENTY))
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=bearing(key)) as http:
        endpoints = [await http.post("/v1/endpoints", json={"url": URL, "seller_id": f"s-{n}"}) for n in range(4)]
        keys = [await http.post("/v1/keys", json={"seller_id": f"s-{n}"}) for n in range(2)]
        assert (await http.post(f"/v1/keys/{keys[0].json()['key']['key_id']}/rotate")).status_code == 201
        assert (await http.post("/v1/endpoints", json={"url": URL}, headers=bearing(other))).status_code == 201
        removed = endpoints[0].json()["endpoint"]["endpoint_id"]
        assert (await http.delete(f"/v1/endpoints/{removed}")).status_code == 200
        assert (await http.post("/v1/endpoints", json={"url": URL})).status_code == 201
    assert [answer.status_code for answer in endpoints] == [201, 201, 201, 409]
    assert [answer.status_code for answer in keys] == [201, 409]
    for answer, limit in ((endpoints[-1], "at most 3 endpoints"), (keys[-1], "at most 2 keys")):
        (error,) = answer.json()["errors"]
        assert error["problem"].endswith(limit)
        assert "_PER_MARKETPLACE" in error["remedy"]
    assert (await few.add_endpoint(URL, "demo-vn")).endpoint.marketplace == "demo-vn", "operators add any number"
    await add_key(few, "demo-vn", "s-9")


@pytest.mark.parametrize(
    ("sent_json", "field_name"),
    [
        ({}, "url"),
        ({"url": "ftp://x/"}, "url"),
        ({"url": URL, "types": ["badge.lost"]}, "types.0"),
        ({"url": URL, "colour": "green"}, "colour"),
        ({"url": URL, "seller_id": "a\0b"}, "seller_id"),
        ({"url": "http://127.0.0.1:9/hook#part"}, "url"),
    ],
)
async def test_an_error_names_the_field_the_problem_and_the_remedy(
    desk: Administration, http: httpx.AsyncClient, sent_json: dict[str, Any], field_name: str
) -> None:
    http.headers.update(bearing(await add_key(desk, "demo-vn")))
    reply = await http.post("/v1/endpoints", json=sent_json)
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    error = reply.json()["errors"][0]
    assert error["field"] == field_name
    assert error["problem"]
    assert error["remedy"]


async def test_a_method_that_is_not_offered_is_answered_with_those_that_are(http: httpx.AsyncClient) -> None:
    reply = await http.put(f"/v1/endpoints/ep_{'0' * 24}")
    assert (reply.status_code, reply.headers["allow"]) == (405, "DELETE, GET, PATCH")


async def test_a_request_over_the_limit_is_refused_unread_announced_or_not(http: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * MAX_BODY

    for content in (b"x" * (MAX_BODY + 1), chunks()):
        reply = await http.post("/v1/endpoints", content=content)
        assert (reply.status_code, reply.headers["content-type"]) == (413, "application/problem+json")


async def test_a_key_that_asks_too_often_waits_and_others_do_not(desk: Administration) -> None:
    keys = [await add_key(desk, "demo-vn"), await add_key(desk, "demo-vn")]
    transport = httpx.ASGITransport(build_app(desk, Rate(0.001, 3)))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        statuses = [(await http.get("/v1/keys", headers=bearing(keys[0]))).status_code for _ in range(4)]
        refused = await http.get("/v1/keys", headers=bearing(keys[0]))
        other = await http.get("/v1/keys", headers=bearing(keys[1]))
    assert statuses == [200, 200, 200, 429]
    assert int(refused.headers["retry-after"]) > 900
    assert other.status_code == 200


def test_a_bucket_fills_again_with_time() -> None:
    now = [0.0]
    buckets = Buckets(Rate(2.0, 2), lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, 0.5]
    now[0] = 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0.0, 0.5]
    now[0] = 100.0
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, 0.5]


async def test_an_outage_of_the_database_is_told_as_such(desk: Administration) -> None:
    away = open_database(SecretStr("postgresql://nobody:canary@127.0.0.1:1/x"))
    transport = httpx.ASGITransport(build_app(Administration(away, desk.vault, allow_private=True)))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        for path in ("/v1/keys", "/healthz/ready"):
            reply = await http.get(path, headers={"authorization": "Bearer glk_" + "0" * 16 + "_" + "A" * 43})
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "30")
            assert "canary" not in reply.text
    await away.dispose()


async def test_no_secret_key_or_token_reaches_a_log_or_a_second_answer(
    desk: Administration, http: httpx.AsyncClient
) -> None:
    logged = StringIO()
    configure_logging("DEBUG", stream=logged)
    try:
        made = await add_key(desk, "demo-vn")
        http.headers.update(bearing(made))
        added = (await http.post("/v1/endpoints", json={"url": URL})).json()
        path = f"/v1/endpoints/{added['endpoint']['endpoint_id']}"
        rotated = (await http.post(f"{path}/secrets")).json()
        canaries = [made.token, added["secret"], rotated["secret"]]
        async with desk.engine.begin() as connection:
            await connection.execute(sa.text("UPDATE endpoint_secret SET ciphertext = 'altered'"))
            await connection.execute(sa.text("UPDATE endpoint_secret SET scheme = 'v1a'"))
        answers = [
            await http.get(path),
            await http.get("/v1/endpoints"),
            await http.get("/v1/keys"),
            await http.get(f"{path}/secrets"),
            await http.post("/v1/endpoints", json={"url": added["secret"], "colour": made.token}),
        ]
    finally:
        structlog.reset_defaults()
    assert answers[3].status_code == 500
    text = logged.getvalue() + "".join(answer.text for answer in answers[:4])
    assert "webhook management failed" in text
    for canary in canaries:
        assert not re.search(re.escape(canary.split("_", 2)[-1][:20]), text)
