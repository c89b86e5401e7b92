"""Documents of other vocabularies over HTTP, with a key or a shop's signature; and nobody publishes for another."""

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.publishing.gateway.harness import Door, door_of, event, listed, single

from greenlane.factors.loading import load_method
from greenlane.publishing.adapters.document import MAX_DOCUMENT_BYTES
from greenlane.publishing.adapters.sender import Sender
from greenlane.publishing.adapters.signatures import HEADERS
from greenlane.publishing.adapters.vocabularies import VOCABULARIES, convert
from greenlane.publishing.gateway.converting import SECONDS
from greenlane.web.rates import Rate

Market = Callable[[], str]
DOCUMENTS = Path(__file__).parents[4] / "examples/documents"
SECRET = "shpss_0123456789abcdef"
OTHER_SECRET = "shpss_fedcba9876543210"
PATH = "/v1/adapters/"
SELLER = "seller-0042"
SHOPIFY = (DOCUMENTS / "shopify/fulfilment-with-scans.json").read_bytes()


@pytest.fixture
async def shops(engine: AsyncEngine, bootstrap_servers: str, market: Market) -> AsyncIterator[tuple[Door, str, str]]:
    """A gateway that knows a seller's shops of one marketplace and a shop of another one."""
    name, other = market(), market()
    secrets = {f"{name}/{SELLER}/{vocabulary}": SECRET for vocabulary in HEADERS}
    secrets[f"{other}/{SELLER}/shopify"] = OTHER_SECRET
    async with door_of(engine, bootstrap_servers, shops=secrets) as door:
        yield door, name, other


def signed(body: bytes, vocabulary: str = "shopify", secret: str = SECRET) -> dict[str, str]:
    signature = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
    return {"content-type": "application/json", HEADERS[vocabulary]: signature}


def asked(market: str | None = None, **more: str) -> dict[str, str]:
    return ({"marketplace": market} if market else {}) | {"seller": SELLER, "country": "VN"} | more


def parcels(door: Door, market: str) -> list[str]:
    return sorted(json.loads(value)["data"]["parcel_id"] for *_, value in door.records(market))


async def test_every_vocabulary_gives_what_convert_gives(door: Door, market: Market) -> None:
    name = market()
    method = load_method()
    sender = Sender(marketplace=name, seller_id=SELLER, country="VN")
    async with door.client(await door.token(name)) as client:
        client.timeout = httpx.Timeout(2 * SECONDS)
        for vocabulary in VOCABULARIES:
            for path in sorted((DOCUMENTS / vocabulary).glob("*.json")):
                wanted = convert(vocabulary, path.read_bytes(), sender, method)
                answer = await client.post(
                    PATH + vocabulary,
                    params=asked(),
                    content=gzip.compress(path.read_bytes()),
                    headers={"content-type": "application/json", "content-encoding": "gzip"},
                )
                said = answer.json()
                report = wanted.report()
                if not wanted.events:
                    assert answer.status_code == 422
                    assert [item["problem"] for item in said["errors"]] == [one.problem for one in wanted.refusals]
                    continue
                assert answer.status_code == (207 if wanted.refusals else 200), answer.text
                assert [item["id"] for item in said["verdicts"]] == [one.id for one in wanted.events]
                assert said["accepted"] == len(wanted.events)
                for part in ("refusals", "unused", "undeclared", "together"):
                    assert said[part] == json.loads(json.dumps(report[part])), vocabulary
    assert door.intake.room.held == 0


async def test_a_shop_posts_twice_and_late_and_it_counts_once(shops: tuple[Door, str, str]) -> None:
    door, name, _ = shops
    async with door.client(None) as client:
        for vocabulary in HEADERS:
            for path in sorted((DOCUMENTS / vocabulary).glob("*.json")):
                body = path.read_bytes()
                for _ in range(2):
                    answer = await client.post(
                        PATH + vocabulary, params=asked(name), content=body, headers=signed(body, vocabulary)
                    )
                    assert answer.status_code == 200, answer.text
        nothing = b'{"id": 1}'
        answer = await client.post(PATH + "shopify", params=asked(name), content=nothing, headers=signed(nothing))
        assert (answer.status_code, answer.json()["accepted"]) == (200, 0), "the same bytes help at no other time"
        assert answer.json()["refusals"]
    values = [value for *_, value in door.records(name)]
    assert len(values) == 2 * len(set(values)), "what came twice stands there twice, under the same ids"
    assert {json.loads(value)["subject"] for value in values} == {SELLER}


async def test_nobody_publishes_for_another(shops: tuple[Door, str, str]) -> None:
    door, name, other = shops
    good = signed(SHOPIFY)
    async with door.client(None) as client:

        async def status(body: bytes, headers: Any, **params: str) -> int:
            answer = await client.post(PATH + "shopify", params=params, content=body, headers=headers)
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            assert all(item["remedy"] for item in answer.json()["errors"])
            assert SECRET not in answer.text
            return answer.status_code

        assert await status(SHOPIFY, {"content-type": "application/json"}, **asked(name)) == 401
        assert await status(SHOPIFY + b" ", good, **asked(name)) == 401
        assert await status(SHOPIFY, good, **asked(other)) == 401, "a secret of another marketplace"
        assert await status(SHOPIFY, good, **(asked(name) | {"seller": "seller-0043"})) == 401
        assert await status(SHOPIFY, good, **asked()) == 401
        assert await status(SHOPIFY, good | {"authorization": "Bearer x"}, **asked(name)) == 401
        assert await status(SHOPIFY, signed(SHOPIFY, secret=""), **asked(name)) == 401
        assert await status(SHOPIFY, signed(SHOPIFY, secret="nobody's secret, so that an unknown shop takes as long"),
                            **asked("nowhere")) == 401  # fmt: skip
        twice = [*good.items(), ("authorization", "Bearer a"), ("authorization", "Bearer b")]
        assert await status(SHOPIFY, twice, **asked(name)) == 401
        both = [("content-type", "application/json"), (HEADERS["shopify"], "x"), *good.items()]
        assert await status(SHOPIFY, both, **asked(name)) in {401, 415}
        wrong = await client.post(PATH + "woocommerce", params=asked(name), content=SHOPIFY, headers=good)
        assert wrong.status_code == 401, "a signature in another software's header"
    async with door.client(await door.token(other)) as client:
        answer = await client.post(
            PATH + "shopify", params=asked(name), content=SHOPIFY, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 403
        forged = await client.post(PATH + "shopify", params=asked(), content=SHOPIFY, headers=good)
        assert forged.status_code == 401, "a shop that is known here must have signed, whoever passes it on"
    assert parcels(door, name) == parcels(door, other) == []
    assert door.intake.room.held == 0


async def test_headers_that_contradict_the_event_or_stand_twice_are_refused(door: Door, market: Market) -> None:
    name, other = market(), market()
    token = await door.token(name)
    one = event(name, 1)
    async with door.client(token) as client:
        for more, request, field in (
            ([("ce-source", f"/marketplaces/{other}")], single(one), "ce-source"),
            ([("ce-subject", "s-9")], single(one), "ce-subject"),
            ([("ce-source", f"/marketplaces/{other}")], listed([one]), "ce-source"),
            ([("ce-id", "a"), ("ce-id", "b")], single(one), "ce-id"),
            ([("content-type", "application/cloudevents-batch+json")], single(one), "content-type"),
        ):
            headers = [*request["headers"].items(), *more]
            answer = await client.post("/v1/events", content=request["content"], headers=headers)
            assert answer.status_code == 400, answer.text
            assert [item["field"] for item in answer.json()["errors"]] == [field]
        same = single(one)
        same["headers"] |= {"ce-source": one["source"], "ce-id": one["id"]}
        assert (await client.post("/v1/events", **same)).status_code == 200, "headers may repeat the event"
        inside = dict(one) | {"data": one["data"] | {"source": f"/marketplaces/{other}"}}
        assert (await client.post("/v1/events", **single(inside))).status_code == 422
    host, port = door.url.removeprefix("http://").split(":")
    body = json.dumps(one).encode()
    for smuggled in (
        f"content-length: {len(body)}\r\ncontent-length: 3\r\n",
        f"content-length: {len(body)}\r\ntransfer-encoding: chunked\r\n",
        f"content-length: {len(body)}\r\nauthorization: Bearer {await door.token(other)}\r\n",
        f"content-length: {len(body)}\r\nce-source : /marketplaces/{other}\r\n",
    ):
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n"
        writer.write(f"{head}content-type: application/cloudevents+json\r\n{smuggled}\r\n".encode() + body)
        answered = await reader.read()
        writer.close()
        assert answered.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ", b"HTTP/1.1 408 ")), answered
    assert parcels(door, name) == ["p-1"]
    assert parcels(door, other) == []


async def test_what_is_wrong_is_named(door: Door, market: Market) -> None:
    name = market()
    json_type = {"content-type": "application/json"}
    async with door.client(await door.token(name)) as client:
        for path, params, body, headers, status, field in (
            ("nothing", asked(), b"{}", json_type, 404, "path"),
            ("shopify/", asked(), b"{}", json_type, 404, "path"),
            ("shopify", {}, b"{}", json_type, 422, "seller"),
            ("shopify", {"seller": "a b"}, b"{}", json_type, 422, "seller"),
            ("shopify", asked(country="Vietnam"), b"{}", json_type, 422, "country"),
            ("shopify", {"seller": SELLER, "origin": "79"}, b"{}", json_type, 422, "country"),
            ("shopify", asked(stated_by="verifier"), b"{}", json_type, 422, "stated_by"),
            ("shopify", asked(colour="green"), b"{}", json_type, 400, "query"),
            ("shopify", asked(), b"{}", {"content-type": "text/plain"}, 415, "content-type"),
            ("shopify", asked(), b"{}", json_type | {"content-encoding": "br"}, 415, "content-encoding"),
            ("shopify", asked(), b"x" * (MAX_DOCUMENT_BYTES + 1), json_type, 413, "body"),
            ("shopify", asked(), b"{", json_type, 422, "body"),
            ("shopify", asked(), b"[" * 100_000, json_type, 422, "body"),
            ("shopify", asked(), b'{"a":[' + b"1," * 20_000 + b"1]}", json_type, 422, "body"),
        ):
            answer = await client.post(PATH + path, params=params, content=body, headers=headers)
            assert answer.status_code == status, (path, params, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert [item["field"] for item in answer.json()["errors"]] == [field], answer.text
        bomb = json_type | {"content-encoding": "gzip"}
        answer = await client.post(
            PATH + "shopify", params=asked(), content=gzip.compress(b" " * 2_000_000), headers=bomb
        )
        assert answer.status_code == 422
        twice = await client.post(f"{PATH}shopify?seller=a&seller=b", content=b"{}", headers=json_type)
        assert twice.status_code == 400
    async with door.client(None) as client:
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert (await client.post(f"{PATH}woocommerce", content=b"webhook_id=7", headers=form)).status_code == 200
        assert (await client.post(f"{PATH}woocommerce", content=b"webhook_id=7&x", headers=form)).status_code == 401
    assert door.records(name) == []


async def test_a_document_costs_its_key_what_its_events_cost_to_convert(door: Door, market: Market) -> None:
    name = market()
    door.intake.admission = type(door.intake.admission)(door.intake.admission.keys, Rate(100, 20), lambda: 0.0)
    request: dict[str, Any] = {"content": SHOPIFY, "headers": {"content-type": "application/json"}, "params": asked()}
    async with door.client(await door.token(name)) as client:
        assert (await client.post(PATH + "shopify", **request)).status_code == 200
        assert (await client.post(PATH + "shopify", **request)).status_code == 429


async def test_what_the_guide_shows_about_http_runs(shops: tuple[Door, str, str]) -> None:
    door, name, _ = shops
    guide = (DOCUMENTS.parents[1] / "docs/publishing/adapters.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", guide, re.DOTALL)
    environment = os.environ | {"GATEWAY": door.url, "KEY": await door.token(name), "SECRET": SECRET}
    for block in blocks:
        ran = await asyncio.create_subprocess_exec(
            "bash", "-euc", block.replace("demo-vn", name), cwd=DOCUMENTS.parents[1], env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await ran.communicate()
        assert ran.returncode == 0, output
        assert json.loads(output)["accepted"] > 0
    assert len(blocks) == 2
