"""Events over HTTP on a real Kafka and PostgreSQL: every event ends where its verdict says, and nobody else's way."""

import asyncio
import gzip
import json
import random
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import zstandard
from tests.integration.publishing.gateway.harness import Door, event, listed, single, until

from greenlane.contracts.topics import fulfilment_topic
from greenlane.database.api_keys import KeyScope
from greenlane.publishing.gateway.admission import Admission
from greenlane.publishing.gateway.bodies import MAX_BODY, MAX_DECODED
from greenlane.publishing.gateway.forms import BATCH, LARGEST_EVENT, MAX_EVENTS
from greenlane.publishing.gateway.known_keys import KeysUnavailableError
from greenlane.web.rates import Rate
from greenlane.webhooks.management.keys import revoke_key

Market = Callable[[], str]
EVENTS = "/v1/events"


async def test_every_event_of_a_list_stands_where_its_verdict_says(door: Door, market: Market) -> None:
    name = market()
    sent = [event(name, number) for number in range(100)]
    async with door.client(await door.token(name)) as client:
        answer = await client.post(EVENTS, **listed(sent))
    assert answer.status_code == 200
    said = answer.json()
    assert {word: said[word] for word in ("accepted", "refused", "unknown")} == {
        "accepted": 100,
        "refused": 0,
        "unknown": 0,
    }
    stored = {(partition, offset): (key, value) for partition, offset, key, value in door.records(name)}
    assert len(stored) == 100
    assert len({partition for partition, _ in stored}) == 3
    for number, verdict in enumerate(said["verdicts"]):
        assert (verdict["verdict"], verdict["index"], verdict["topic"]) == ("accepted", number, fulfilment_topic(name))
        key, value = stored[verdict["partition"], verdict["offset"]]
        assert key == sent[number]["subject"].encode()
        assert json.loads(value)["id"] == verdict["id"] == sent[number]["id"]
    assert door.metric("gateway_events_total", marketplace="other", verdict="accepted") == 100
    assert door.intake.room.held == 0


async def test_a_bad_event_does_not_keep_its_neighbours_out(door: Door, market: Market) -> None:
    name, other = market(), market()
    sent: list[dict[str, Any] | bytes] = [
        event(name, 1),
        event(other, 2),
        b"7",
        event(name, 3, time="2026-07-01"),
        event(name, 4, buyer_name="x"),
        event(name, 5),
    ]
    async with door.client(await door.token(name)) as client:
        answer = await client.post(EVENTS, **listed(sent))
    assert answer.status_code == 207
    verdicts = answer.json()["verdicts"]
    assert [item["verdict"] for item in verdicts] == ["accepted", *["refused"] * 4, "accepted"]
    assert [[error["field"] for error in item["errors"]] for item in verdicts[1:5]] == [
        ["source"],
        ["event"],
        ["time"],
        ["buyer_name"],
    ]
    assert all(error["problem"] and error["remedy"] for item in verdicts[1:5] for error in item["errors"])
    assert {json.loads(value)["id"] for _, _, _, value in door.records(name)} == {"p-1.packed", "p-5.packed"}
    assert door.records(other) == [], "a tenant publishes for nobody else"


async def test_one_event_in_each_mode_and_encoding(door: Door, market: Market) -> None:
    name = market()
    one = event(name, 1)
    attributes = {f"ce-{key}": str(one[key]) for key in ("specversion", "type", "source", "id", "subject", "time")}
    raw = json.dumps(one).encode()
    async with door.client(await door.token(name)) as client:
        for body, headers in (
            (raw, {}),
            (gzip.compress(raw), {"content-encoding": "gzip"}),
            (zstandard.compress(raw), {"content-encoding": "zstd"}),
        ):
            request = single(body)
            request["headers"] |= headers
            answer = await client.post(EVENTS, **request)
            assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
        binary = {"content-type": "application/json"} | attributes
        answer = await client.post(EVENTS, content=json.dumps(one["data"]).encode(), headers=binary)
        assert answer.status_code == 200, answer.text
    values = [json.loads(value) for _, _, _, value in door.records(name)]
    assert len(values) == 4
    assert {json.dumps(value["data"], sort_keys=True) for value in values} == {json.dumps(one["data"], sort_keys=True)}


async def test_a_single_bad_event_is_a_problem_with_its_status(door: Door, market: Market) -> None:
    name = market()
    bomb = {"content-encoding": "gzip"}
    async with door.client(await door.token(name)) as client:
        for request, headers, status, field in (
            (single(event(name, 1, subject="a b")), {}, 422, "subject"),
            (single(event("another", 1)), {}, 422, "source"),
            (single(b"{"), {}, 400, "event"),
            (single(b" " * (LARGEST_EVENT + 1)), {}, 413, "event"),
            (single(b"x" * (MAX_BODY + 1)), {}, 413, "body"),
            (single(gzip.compress(b" " * (MAX_DECODED + 1))), bomb, 413, "body"),
            (single(b"no gzip"), bomb, 400, "body"),
            (single(b"x"), {"content-encoding": "br"}, 415, "content-encoding"),
            (single(b"x"), {"content-type": "text/plain"}, 415, "content-type"),
            (listed([b"1"] * (MAX_EVENTS + 1)), {}, 422, "events"),
            (listed([b"["]), {}, 400, "body"),
        ):
            request["headers"] |= headers
            answer = await client.post(EVENTS, **request)
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert [item["field"] for item in answer.json()["errors"]] == [field]
    assert door.records(name) == []
    assert door.intake.room.held == 0


async def test_a_key_is_needed_that_may_send_events(door: Door, market: Market) -> None:
    name = market()
    request = listed([event(name, 1)])
    for token, status in ((None, 401), ("nonsense", 401), (await door.token(name, KeyScope.MANAGE_WEBHOOKS), 403)):
        async with door.client(token) as client:
            answer = await client.post(EVENTS, **request)
            assert answer.status_code == status
            assert answer.json()["errors"][0]["remedy"]
    assert door.records(name) == []


async def test_a_revoked_key_stops_once_keys_are_confirmed_and_known_ones_outlive_the_database(
    door: Door, market: Market
) -> None:
    name = market()
    request = listed([event(name, 1)])
    kept, revoked = await door.token(name), await door.token(name)
    async with door.client(kept) as good, door.client(revoked) as bad:
        for client in (good, bad):
            assert (await client.post(EVENTS, **request)).status_code == 200
        await revoke_key(door.desk, revoked.split("_")[1])
        await door.intake.admission.keys.confirm()
        assert (await bad.post(EVENTS, **request)).status_code == 401
        fresh = await door.token(name)
        async with door.desk.engine.begin() as connection:
            await connection.execute(sa.text("ALTER TABLE api_key RENAME TO away"))
        with pytest.raises(KeysUnavailableError):
            await door.intake.admission.keys.confirm()
        assert (await good.post(EVENTS, **request)).status_code == 200
        async with door.client(fresh) as unknown:
            answer = await unknown.post(EVENTS, **request)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_whoever_sends_too_much_is_told_when_to_go_on_and_others_go_on(door: Door, market: Market) -> None:
    name, other = market(), market()
    door.intake.admission = Admission(door.intake.admission.keys, Rate(100, 50), lambda: 0.0)
    async with door.client(await door.token(name)) as loud, door.client(await door.token(other)) as quiet:
        assert (await loud.post(EVENTS, **listed(event(name, number) for number in range(90)))).status_code == 200
        answer = await loud.post(EVENTS, **listed([event(name, 1)]))
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "1"
        assert (await quiet.post(EVENTS, **listed([event(other, 1)]))).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (zstandard.compress(b"[" + b" " * (MAX_DECODED - 2) + b"]"), 200),
        (zstandard.compress(b" " * MAX_DECODED), 400),
        (zstandard.compress(b" " * (MAX_DECODED + 1)), 413),
        (zstandard.compress(b" " * MAX_DECODED)[:-4], 400),
    ],
    ids=["empty list", "no list", "too large", "damaged"],
)
async def test_a_body_costs_its_sender_what_reading_it_costs_everybody(
    door: Door, market: Market, body: bytes, status: int
) -> None:
    name, other = market(), market()
    door.intake.admission = Admission(door.intake.admission.keys, Rate(100, 1_000), lambda: 0.0)
    request: dict[str, Any] = {"content": body, "headers": {"content-type": BATCH, "content-encoding": "zstd"}}
    async with door.client(await door.token(name)) as loud, door.client(await door.token(other)) as quiet:
        assert (await loud.post(EVENTS, **request)).status_code == status
        answer = await loud.post(EVENTS, **request)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 1
        assert (await quiet.post(EVENTS, **listed([event(other, 1)]))).status_code == 200


async def test_a_slow_body_is_given_up_and_leaves_no_bytes_behind(door: Door, market: Market) -> None:
    name = market()

    host, port = door.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {EVENTS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {await door.token(name)}\r\n"
    writer.write(f"{head}content-type: {BATCH}\r\ncontent-length: 1000\r\n\r\n[".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"took too long" in answer
    assert door.intake.room.held == 0


async def test_any_subset_may_be_sent_again_for_ever(door: Door, market: Market) -> None:
    """The client retries at random, answered or not: each event stands at least once, byte for byte."""
    name = market()
    chosen = random.Random(5)  # noqa: S311 - a test that can be repeated
    sent = [event(name, number) for number in range(40)]
    async with door.client(await door.token(name)) as client:
        for _ in range(5):
            some = chosen.sample(sent, 20)
            assert (await client.post(EVENTS, **listed(some))).status_code == 200
        assert (await client.post(EVENTS, **listed(sent))).status_code == 200
    values = {value for _, _, _, value in door.records(name)}
    assert values == {json.dumps(one).encode() for one in sent}


async def test_a_marketplace_without_a_topic_is_told_so(door: Door) -> None:
    async with door.client(await door.token("nowhere")) as client:
        answer = await client.post(EVENTS, **listed([event("nowhere", 1)]))
    assert answer.status_code == 503
    assert "Kafka does not answer" in answer.text or "no topic" in answer.text


async def test_strangers_are_bounded_before_any_look_up(door: Door) -> None:
    door.intake.admission = Admission(door.intake.admission.keys, Rate(1, 1), lambda: 0.0, Rate(1, 5))
    async with door.client("glk_0123456789abcdef_" + "A" * 43) as client:
        codes = [(await client.post(EVENTS, **listed([]))).status_code for _ in range(8)]
    assert codes == [401] * 5 + [429] * 3


async def test_the_rest_of_the_server_answers_in_problems(door: Door) -> None:
    async with httpx.AsyncClient(base_url=door.url) as client:
        assert (await client.get("/healthz/ready")).json() == {"ready": True}
        assert (await client.get("/openapi.json")).json()["openapi"] == "3.1.0"
        assert (await client.get("/nowhere")).status_code == 404
        wrong = await client.get(EVENTS)
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


async def test_it_is_not_ready_and_says_why(door: Door) -> None:
    async with httpx.AsyncClient(base_url=door.url) as client:
        for away, answered, reason in (("Kafka is gone", 0.0, "Kafka is gone"), ("", float("-inf"), "database")):
            await until(lambda: not door.intake.broker.away)
            door.intake.admission.keys.answered = answered
            door.intake.broker.away = away
            ready = await client.get("/healthz/ready")
            assert (ready.status_code, ready.headers["retry-after"]) == (503, "5")
            assert reason in ready.json()["errors"][0]["problem"]


async def test_a_page_checks_and_scores_an_event_and_publishes_nothing(door: Door, market: Market) -> None:
    name = market()
    async with httpx.AsyncClient(base_url=door.url) as client:
        page = await client.get("/")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        for file in re.findall(r'(?:href|src)="([^"]+)"', page.text):
            assert (await client.get(f"/{file}")).status_code == 200
        assert " style=" not in page.text
        assert "<script>" not in page.text
        good = (await client.post("/v1/check", **single(event(name, 1)))).json()
        assert good["dimension"] == "packaging"
        assert 0 <= good["score"] <= 100
        assert "packaging CO2e" in good["explanation"]
        assert good["warnings"] == []
        doubted = event(name, 1)
        doubted["data"]["items"] = [{"quantity": 1, "mass_g": 300, "length_mm": 20, "width_mm": 15, "height_mm": 5}]
        (warning,) = (await client.post("/v1/check", **single(doubted))).json()["warnings"]
        assert warning["field"] == "data.items.0"
        assert "centimetres" in warning["remedy"]
        bad = await client.post("/v1/check", **single(event(name, 1, subject="a b")))
        assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "subject")
        assert (await client.post("/v1/check", **single(b" " * (LARGEST_EVENT + 1)))).status_code == 413
    assert door.records(name) == []


def test_the_page_says_everything_in_both_languages() -> None:
    script = files("greenlane.publishing.gateway.page").joinpath("page.js").read_text(encoding="utf-8")
    page = files("greenlane.publishing.gateway.page").joinpath("index.html").read_text(encoding="utf-8")
    parts = re.findall(r"  (?:en|vi): \{(.*?)\n  \}", script, re.DOTALL)
    english, vietnamese = (set(re.findall(r"^    (\w+):", part, re.MULTILINE)) for part in parts)
    assert english == vietnamese
    assert set(re.findall(r'data-text="(\w+)"', page)) <= english
