"""The API on a real socket: whatever strangers hold, flood or send, a marketplace's own client is answered."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import StringIO

import httpx
import pytest
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.operations.logs import configure_logging
from greenlane.web.rates import Rate
from greenlane.web.server import Listening, server_of
from greenlane.web.slots import ConnectionLimits
from greenlane.webhooks.api.app import build_app
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.keys import add_key
from greenlane.webhooks.vault import Vault

LIMITS = ConnectionLimits(most=50, most_of_address=20, head=3.0, body=1.0, idle=2, reading=1.0)
HEAD = b"POST /v1/keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer TOKEN\r\ncontent-type: application/json\r\n"
SOON = 20.0
"""Seconds within which what must happen has happened, on the busiest machine."""
PROXY = "127.0.0.5"
"""The address of a proxy of ours."""
_ESTABLISHED = b"\x01"


@dataclass
class Api:
    """A server in this process, and what it answers one marketplace."""

    port: int
    desk: Administration
    token: str

    def dial(self, source: str = "127.0.0.1") -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port), SOON, source_address=(source, 0))
        opened.setblocking(False)
        return opened

    def client(self, source: str = "127.0.0.1", token: str | None = None, most: int = 100) -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(local_address=source, limits=httpx.Limits(max_connections=most))
        headers = {"authorization": f"Bearer {token or self.token}"}
        return httpx.AsyncClient(
            transport=transport, headers=headers, base_url=f"http://127.0.0.1:{self.port}", timeout=SOON
        )


@pytest.fixture
async def api(engine: AsyncEngine) -> AsyncIterator[Api]:
    desk = Administration(engine, Vault(b"k" * 32), allow_private=True)
    where = Listening("127.0.0.1", 0, proxies=(PROXY,), limits=LIMITS)
    server = server_of(build_app(desk, Rate(1_000, 1_000), Rate(1.0, 10), LIMITS), where)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        yield Api(listener.getsockname()[1], desk, (await add_key(desk, "demo-vn")).token)
        server.should_exit = True
        await serving


@contextmanager
def held(api: Api, count: int, source: str, first: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that send a beginning and then nothing."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(api.dial(source)) for _ in range(count)]
        for opened in sockets:
            opened.send(first.replace(b"TOKEN", api.token.encode()))
        yield sockets


async def everything_from(opened: socket.socket) -> bytes:
    """What the server sends until it closes."""
    said = bytearray()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(SOON):
        try:
            while part := await loop.sock_recv(opened, 65_536):
                said += part
        except ConnectionError:
            pass
    return bytes(said)


@pytest.mark.parametrize(
    "first",
    [b"", b"GET /v1/keys HTTP/1.1\r\nhost: x\r\n", HEAD + b"content-length: 999\r\n\r\n{", b"\x16\x03\x01"],
    ids=["nothing", "half a head", "half a body", "no HTTP"],
)
async def test_connections_held_by_strangers_keep_nobody_out(api: Api, first: bytes) -> None:
    sources = ("127.0.0.2", "127.0.0.3", "127.0.0.1")
    with ExitStack() as stack:
        for source in sources:
            stack.enter_context(held(api, 2 * LIMITS.most_of_address, source, first))
        statuses = []
        for source in ("127.0.0.9", "127.0.0.1", "127.0.0.2"):
            async with api.client(source) as client:
                statuses += [(await client.get("/v1/endpoints")).status_code for _ in range(3)]
    assert statuses == [200] * 9


async def test_the_connection_that_waited_longest_leaves_and_only_of_the_address_that_has_too_many(api: Api) -> None:
    with held(api, 1, "127.0.0.3", b"") as others, held(api, LIMITS.most_of_address + 1, "127.0.0.2", b"") as own:
        assert await everything_from(own[0]) == b""
        for opened in (*others, own[1]):
            with pytest.raises(BlockingIOError):
                opened.recv(1)


async def test_a_head_that_drips_ends_after_its_time_with_a_reason(api: Api) -> None:
    opened = api.dial()
    with opened:
        answer = asyncio.create_task(everything_from(opened))
        opened.send(b"GET /v1/keys HTTP/1.1\r\nhost: x\r\n")
        began = time.monotonic()
        while not answer.done():
            assert time.monotonic() - began < SOON
            opened.send(b"a: b\r\n")
            await asyncio.wait([answer], timeout=0.1)
    assert answer.result().startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.result().partition(b"\r\n\r\n")[2])["errors"][0]["field"] == "head"


async def test_a_body_that_does_not_come_ends_after_its_time_with_a_reason_and_changes_nothing(api: Api) -> None:
    with held(api, 1, "127.0.0.1", HEAD + b"content-length: 999\r\n\r\n{}") as (opened,):
        answer = await everything_from(opened)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]["field"] == "body"


async def test_a_client_that_leaves_in_the_middle_of_a_body_has_asked_for_nothing(api: Api) -> None:
    with held(api, 1, "127.0.0.1", HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n") as (opened,):
        await asyncio.sleep(0)
        opened.shutdown(socket.SHUT_WR)
        await everything_from(opened)
    async with api.client() as client:
        assert len((await client.get("/v1/keys")).json()) == 1


async def test_an_idle_connection_is_closed_without_a_word(api: Api) -> None:
    asked = b"GET /healthz/ready HTTP/1.1\r\nhost: x\r\n\r\n"
    with held(api, 1, "127.0.0.1", asked) as (kept,), held(api, 1, "127.0.0.1", b"") as (fresh,):
        assert (await everything_from(kept)).count(b"HTTP/1.1 200 ") == 1
        assert await everything_from(fresh) == b""


async def test_answers_that_nobody_reads_are_dropped(api: Api) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\nauthorization: Bearer TOKEN\r\n\r\n"
    async with api.client() as client:
        assert (await client.get("/v1/keys")).status_code == 200
        with socket.socket() as opened:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            opened.connect(("127.0.0.1", api.port))
            opened.setblocking(False)
            opened.send(asked.replace(b"TOKEN", api.token.encode()) * 500)
            async with asyncio.timeout(SOON):
                while opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == _ESTABLISHED:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        assert (await client.get("/v1/keys")).status_code == 200


async def test_wrong_keys_in_a_flood_wait_and_a_good_key_from_the_same_address_does_not(api: Api) -> None:
    wrong = [f"glk_{number:016x}_{'0' * 43}" for number in range(200)]
    async with api.client() as good, api.client(token="none", most=30) as bad:
        assert (await good.get("/v1/endpoints")).status_code == 200
        flood = asyncio.gather(
            *(bad.get("/v1/keys", headers={"authorization": f"Bearer {key}"}) for key in wrong), return_exceptions=True
        )
        statuses = [(await good.get("/v1/endpoints")).status_code for _ in range(20)]
        answers = [answer for answer in await flood if isinstance(answer, httpx.Response)]
    assert statuses == [200] * 20
    told = {answer.status_code for answer in answers}
    assert told == {401, 429}
    late = next(answer for answer in answers if answer.status_code == 429)
    assert int(late.headers["retry-after"]) >= 1
    assert late.json()["errors"][0]["remedy"].startswith("ask again in")
    async with api.client("127.0.0.2", "none") as other:
        assert (await other.get("/v1/endpoints")).status_code == 401


@pytest.mark.parametrize(
    ("source", "clients", "answers"),
    [(PROXY, 100, {401}), (PROXY, 1, {401, 429}), ("127.0.0.6", 100, {401, 429})],
    ids=["many clients of our proxy", "one client of our proxy", "one stranger who names many"],
)
async def test_whom_a_request_is_forwarded_for_is_believed_of_our_proxy_alone(
    api: Api, source: str, clients: int, answers: set[int]
) -> None:
    async with api.client(source, most=10) as client:
        flood = (
            client.get(
                "/v1/keys",
                headers={
                    "authorization": f"Bearer glk_{number:016x}_{'0' * 43}",
                    "x-forwarded-for": f"203.0.113.{number % clients}",
                },
            )
            for number in range(100)
        )
        assert {answer.status_code for answer in await asyncio.gather(*flood)} == answers


async def test_pipelined_requests_of_a_stranger_end_with_the_first_that_must_wait(api: Api) -> None:
    asked = b"GET /v1/keys HTTP/1.1\r\nhost: x\r\n\r\n"
    with held(api, 1, "127.0.0.1", asked * 500) as (opened,):
        answer = await everything_from(opened)
    assert answer.count(b"HTTP/1.1 429 ") == 1
    assert answer.count(b"HTTP/1.1 401 ") <= 40


async def test_requests_of_one_marketplace_in_any_number_do_not_delay_another(api: Api) -> None:
    other = (await add_key(api.desk, "olist-br")).token
    async with api.client("127.0.0.2") as greedy, api.client("127.0.0.3", other) as modest:
        flood = asyncio.gather(
            *(greedy.get("/v1/endpoints", headers={"connection": "close"}) for _ in range(200)), return_exceptions=True
        )
        statuses = [(await modest.get("/v1/endpoints")).status_code for _ in range(10)]
        await flood
    assert statuses == [200] * 10


async def test_each_change_leaves_a_line_of_who_did_what_and_no_secret(api: Api) -> None:
    logged = StringIO()
    configure_logging("INFO", stream=logged)
    try:
        async with api.client() as client:
            added = (await client.post("/v1/endpoints", json={"url": "http://127.0.0.1:9/hook"})).json()
            made = (await client.post("/v1/keys", json={"seller_id": "s-1"})).json()
            await client.delete(f"/v1/endpoints/{added['endpoint']['endpoint_id']}")
            await client.delete(f"/v1/keys/{api.token.split('_')[1]}")
            await client.get("/v1/endpoints")
    finally:
        structlog.reset_defaults()
    lines = [json.loads(line) for line in logged.getvalue().splitlines() if "webhook management" in line]
    told = [(line["action"], line["status"], line["about"], line["made"]) for line in lines]
    endpoint_id, own = added["endpoint"]["endpoint_id"], api.token.split("_")[1]
    assert told == [
        ("add_endpoint", 201, "", f"endpoint_id={endpoint_id}"),
        ("make_key", 201, "", f"key_id={made['key']['key_id']}"),
        ("remove_endpoint", 200, f"endpoint_id={endpoint_id}", ""),
        ("revoke_api_key", 409, f"key_id={own}", ""),
    ]
    assert {(line["key"], line["marketplace"], line["client"]) for line in lines} == {(own, "demo-vn", "127.0.0.1")}
    assert not any(secret in logged.getvalue() for secret in (api.token, added["secret"], made["token"]))
