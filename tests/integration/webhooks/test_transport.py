"""The HTTP client against receivers that hang, lie, trickle or vanish."""

import asyncio
import contextlib
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import httpcore
import pytest
from tests.integration.webhooks.harness import Receiver, Reply, until

from greenlane.webhooks.dispatcher.sending.network import GuardedBackend, Resolver
from greenlane.webhooks.dispatcher.sending.transport import BODY_BYTES, Transport
from greenlane.webhooks.states import Failure

HEADERS = {"webhook-id": "msg_1", "content-type": "application/json"}
BODY = b'{"type":"badge.granted"}'
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class FixedResolver(Resolver):
    """Answers as it is told, one list after the other."""

    def __init__(self, *answers: list[str]) -> None:
        super().__init__()
        self._answers = list(answers)

    async def resolve(self, host: str, port: int) -> list[str]:
        del host, port
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@contextlib.asynccontextmanager
async def client(
    *, resolver: Resolver | None = None, private: bool = True, seconds: float = 15.0
) -> AsyncIterator[Transport]:
    used = resolver or Resolver()
    transport = Transport(GuardedBackend(used, allow_private=private), attempt_seconds=seconds)
    try:
        yield transport
    finally:
        await transport.close()
        used.close()


@contextlib.asynccontextmanager
async def speaking(speak: Speak) -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """A server that reads a request's head and then does what `speak` does; gives its URL and its connections."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await speak(reader, writer)

    async with serving(serve) as port:
        yield f"http://127.0.0.1:{port}/hook", writers


@contextlib.asynccontextmanager
async def serving(speak: Speak) -> AsyncIterator[int]:
    """A server whose every connection does what `speak` does; at the end each of its connections is closed and gone."""
    tasks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.add(writer)
        try:
            await speak(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        await server.wait_closed()


async def test_one_connection_serves_one_request_after_the_other(receiver: Receiver) -> None:
    async with client() as transport:
        for _ in range(20):
            exchange = await transport.post(receiver.url(), HEADERS, BODY)
            assert exchange.response is not None
            assert exchange.response.status_code == 200
    assert receiver.connections == 1
    assert {item.body for item in receiver.requests} == {BODY}
    assert receiver.requests[0].headers["accept-encoding"] == "identity"


async def test_requests_at_the_same_time_get_connections_of_their_own(receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(delay=0.2)
    async with client() as transport:
        await asyncio.gather(*(transport.post(receiver.url(), HEADERS, BODY) for _ in range(8)))
        assert receiver.connections == 8
        await asyncio.gather(*(transport.post(receiver.url(), HEADERS, BODY) for _ in range(8)))
    assert receiver.connections == 8


async def test_a_kept_connection_that_died_gets_one_fresh_try_in_the_same_attempt(receiver: Receiver) -> None:
    async with client() as transport:
        await transport.post(receiver.url(), HEADERS, BODY)
        (kept,) = [connection for connections in transport._free.values() for connection in connections]
        await receiver.down()
        await receiver.up()
        kept.has_expired = lambda: False  # type: ignore[method-assign] # as if the end had not been noticed yet
        exchange = await transport.post(receiver.url(), HEADERS, BODY)
        assert exchange.fresh_try
        assert exchange.response is not None
        assert exchange.response.status_code == 200


async def test_a_fresh_connection_that_breaks_is_not_tried_again() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with speaking(reset) as (url, writers), client() as transport:
        exchange = await transport.post(url, HEADERS, BODY)
        assert (exchange.failure, exchange.fresh_try, len(writers)) == (Failure.BROKEN, False, 1)


async def test_a_receiver_that_never_answers_ends_in_a_timeout_and_its_connection_is_closed() -> None:
    closed = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        closed.set()

    async with speaking(hang) as (url, _), client(seconds=0.3) as transport:
        assert (await transport.post(url, HEADERS, BODY)).failure is Failure.TIMEOUT
        await asyncio.wait_for(closed.wait(), 10)


async def test_a_receiver_that_trickles_its_body_ends_in_a_timeout() -> None:
    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with speaking(trickle) as (url, _), client(seconds=0.5) as transport:
        exchange = await transport.post(url, HEADERS, BODY)
        assert exchange.failure is Failure.TIMEOUT
        assert exchange.headers is not None


async def test_a_tls_handshake_that_hangs_leaves_no_connection_behind() -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        ended.set()

    gc.disable()
    try:
        async with serving(serve) as port, client(seconds=0.3) as transport:
            assert (await transport.post(f"https://127.0.0.1:{port}/hook", HEADERS, BODY)).failure is Failure.TIMEOUT
            await asyncio.wait_for(ended.wait(), 10)
    finally:
        gc.enable()


async def test_no_more_than_16_kb_of_an_endless_body_is_read_and_nothing_is_decoded() -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"\0" * 4096 + b"\r\n")
            await writer.drain()

    async with speaking(flood) as (url, _), client() as transport:
        exchange = await transport.post(url, HEADERS, BODY)
        assert exchange.response is not None
        assert exchange.response.status_code == 200
        assert len(exchange.response.content) == BODY_BYTES


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _: Reply(302, {"location": receiver.url("/elsewhere")})
    async with client() as transport:
        exchange = await transport.post(receiver.url(), HEADERS, BODY)
    assert exchange.response is not None
    assert exchange.response.status_code == 302
    assert [item.path for item in receiver.requests] == ["/hook"]


async def test_what_is_no_http_is_a_broken_answer() -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        await writer.drain()

    async with speaking(babble) as (url, _), client() as transport:
        assert (await transport.post(url, HEADERS, BODY)).failure is Failure.BROKEN


async def test_a_certificate_that_is_not_trusted_is_a_tls_failure(receiver: Receiver) -> None:
    async with client() as transport:
        exchange = await transport.post(receiver.url().replace("http:", "https:"), HEADERS, BODY)
    assert exchange.failure is Failure.TLS
    assert receiver.requests == []


async def test_a_refused_connection_and_an_unknown_name_are_told_apart(receiver: Receiver) -> None:
    await receiver.down()
    async with client() as transport:
        assert (await transport.post(receiver.url(), HEADERS, BODY)).failure is Failure.CONNECT
        assert (await transport.post("http://no-such-host.invalid/hook", HEADERS, BODY)).failure is Failure.DNS


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["::1"]])
async def test_one_forbidden_address_among_the_answers_forbids_the_host(receiver: Receiver, answers: list[str]) -> None:
    async with client(resolver=FixedResolver(answers), private=False) as transport:
        exchange = await transport.post(receiver.url().replace("127.0.0.1", "hooks.example.com"), HEADERS, BODY)
    assert exchange.failure is Failure.FORBIDDEN_ADDRESS
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "localhost", "[::ffff:127.0.0.1]"])
async def test_loopback_in_disguise_is_not_dialled(receiver: Receiver, host: str) -> None:
    async with client(private=False) as transport:
        exchange = await transport.post(receiver.url().replace("127.0.0.1", host), HEADERS, BODY)
    assert exchange.failure is Failure.FORBIDDEN_ADDRESS
    assert receiver.connections == 0


async def test_the_name_keeps_its_place_in_the_host_header(receiver: Receiver) -> None:
    async with client(resolver=FixedResolver(["127.0.0.1"])) as transport:
        url = receiver.url().replace("127.0.0.1", "hooks.example.com")
        assert (await transport.post(url, HEADERS, BODY)).failure is None
    assert receiver.requests[0].headers["host"].startswith("hooks.example.com:")


async def test_idle_connections_are_closed_when_the_other_side_has_closed_them(receiver: Receiver) -> None:
    async with client() as transport:
        await transport.post(receiver.url(), HEADERS, BODY)
        await receiver.down()

        async def gone() -> bool:
            await transport.close_expired()
            return not transport._free

        await until(gone, 10)


async def test_no_proxy_of_the_environment_is_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with client() as transport:
        assert (await transport.post(receiver.url(), HEADERS, BODY)).failure is None


def test_the_certificate_is_checked_against_the_name() -> None:
    transport = Transport(GuardedBackend(Resolver(), allow_private=False))
    assert transport._context.check_hostname
    assert transport._context.verify_mode is ssl.CERT_REQUIRED
    assert issubclass(GuardedBackend, httpcore.AsyncNetworkBackend)
