"""Receivers that answer more, or longer, than was asked: no other delivery is answered, delayed or confirmed by it."""

import asyncio
import socket
from typing import Any

import pytest
from tests.integration.webhooks.harness import Receiver, until
from tests.integration.webhooks.test_transport import BODY, HEADERS, FixedResolver, Speak, client, serving, speaking

from greenlane.webhooks.dispatcher.sending.resolver import ACTING_FOR
from greenlane.webhooks.states import Failure

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
FAILED = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"


def once(answer: bytes) -> Speak:
    """Answers the first request on each connection with these bytes and every later one with a failure."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(BODY))
        writer.write(answer)
        while await reader.readuntil(b"\r\n\r\n"):
            await reader.readexactly(len(BODY))
            writer.write(FAILED)

    return speak


@pytest.mark.parametrize(
    "answer",
    [
        OK + OK,
        OK + b"x",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nok",
        b"HTTP/1.1 204 No\r\n\r\n" + OK,
        b"HTTP/1.1 204 No\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 304 No\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + OK,
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok" + OK,
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok" + OK,
    ],
)
async def test_a_connection_with_more_than_the_answer_on_it_is_not_used_again(answer: bytes) -> None:
    async with speaking(once(answer)) as (url, writers), client() as transport:
        for number in (1, 2):
            exchange = await transport.post(url, HEADERS, BODY)
            assert (exchange.failure, exchange.fresh_try, len(writers)) == (None, False, number)
            assert not transport._free


async def test_what_comes_while_a_connection_lies_idle_answers_nothing() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await once(OK)(reader, writer)

    async with speaking(speak) as (url, writers), client() as transport:
        await transport.post(url, HEADERS, BODY)
        (kept,) = [item for items in transport._free.values() for item in items]
        writers[0].write(OK)
        await until(lambda: kept._network_stream.get_extra_info("is_readable"))
        kept.has_expired = lambda: False  # type: ignore[method-assign] # as if it came after the look
        exchange = await transport.post(url, HEADERS, BODY)
        assert (exchange.failure, exchange.fresh_try, len(writers)) == (None, True, 2)


async def test_an_answer_that_was_there_before_the_request_is_none() -> None:
    async def eager(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await asyncio.Event().wait()

    async with serving(eager) as port, client(seconds=60) as transport:
        open_at_once = transport._open

        async def open_and_wait(origin: Any) -> Any:
            opened = await open_at_once(origin)
            await until(lambda: opened._network_stream.get_extra_info("is_readable"))
            return opened

        transport._open = open_and_wait  # type: ignore[method-assign] # the answer is here before the request leaves
        assert (await transport.post(f"http://127.0.0.1:{port}/hook", HEADERS, BODY)).failure is Failure.BROKEN


async def test_two_owners_never_share_a_connection(receiver: Receiver) -> None:
    async def post_as(owner: str) -> None:
        ACTING_FOR.set(owner)
        assert (await transport.post(receiver.url(), HEADERS, BODY)).failure is None

    async with client() as transport:
        for owner in ("demo-vn/", "demo-vn/s-1", "demo-vn/", "demo-vn/s-1", "olist-br/"):
            await asyncio.create_task(post_as(owner))
    assert receiver.connections == 3


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
ENDLESS: dict[str, tuple[bytes, bytes, Failure | None]] = {
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", Failure.BROKEN),
    "interim answers with headers": (
        b"",
        b"HTTP/1.1 103 Early Hints\r\n" + b"x-a: b\r\n" * 100 + b"\r\n",
        Failure.BROKEN,
    ),
    "header lines": (HEAD, b"a: b\r\n", Failure.BROKEN),
    "bare line feeds": (b"HTTP/1.1 200 OK\n", b"a:\n", Failure.BROKEN),
    "one header line": (HEAD + b"x: ", b"a" * 1_000, Failure.BROKEN),
    "a status line": (b"HTTP/1.1 200 ", b"a" * 1_000, Failure.BROKEN),
    "chunk extensions": (CHUNKED, b"1;" + b"x" * 100 + b"\r\na\r\n", None),
    "one chunk extension": (CHUNKED + b"1;", b"x" * 1_000, Failure.BROKEN),
    "chunks of a byte": (CHUNKED, b"1\r\na\r\n", None),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n", None),
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_an_answer_without_end_is_given_up_after_so_many_bytes(kind: str) -> None:
    first, piece, failure = ENDLESS[kind]
    ended = asyncio.Event()

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(first)
            while True:
                writer.write(piece * max(4_000 // len(piece), 1))
                await writer.drain()
        finally:
            ended.set()

    turns = 0

    async def counting() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with speaking(endless) as (url, _), client(seconds=600) as transport:
        others = asyncio.create_task(counting())
        exchange = await transport.post(url, HEADERS, BODY)
        others.cancel()
        assert exchange.failure is failure
        assert exchange.response is None or exchange.response.status_code == 200
        await asyncio.wait_for(ended.wait(), 60)
        assert not transport._free
    assert turns > 1


async def test_an_answer_in_drops_is_given_up_after_so_many_reads() -> None:
    ended = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            writer.write(HEAD + b"x: ")
            while True:
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    async with speaking(drip) as (url, _), client(seconds=600) as transport:
        assert (await transport.post(url, HEADERS, BODY)).failure is Failure.BROKEN
        await asyncio.wait_for(ended.wait(), 60)


async def test_an_ordinary_answer_with_interim_ones_many_headers_and_chunks_is_read_to_its_end() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 2 + HEAD
    answer += b"".join(b"x-%d: %s\r\n" % (number, b"v" * 100) for number in range(60))
    answer += b"transfer-encoding: chunked\r\n\r\n" + b"100\r\n" + b"b" * 256 + b"\r\n" + b"0\r\nx-trailer: t\r\n\r\n"

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readexactly(len(BODY))
            for start in range(0, len(answer), 700):
                writer.write(answer[start : start + 700])
                await writer.drain()
            await reader.readuntil(b"\r\n\r\n")

    async with speaking(speak) as (url, writers), client() as transport:
        for _ in range(3):
            exchange = await transport.post(url, HEADERS, BODY)
            assert exchange.response is not None
            assert (exchange.response.content, "x-59" in exchange.response.headers) == (b"b" * 256, True)
        assert len(writers) == 1


async def test_an_address_that_swallows_what_is_sent_to_it_does_not_hide_the_next_one(receiver: Receiver) -> None:
    """A full queue of connections that nobody accepts answers no SYN, like a firewall that drops them."""
    host, port = "127.0.0.2", int(receiver.url().split(":")[2].split("/")[0])
    with socket.socket() as full:
        full.bind((host, port))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for item in waiting:
            item.setblocking(False)
            item.connect_ex((host, port))
        async with client(resolver=FixedResolver([host, "127.0.0.1"]), seconds=600) as transport:
            exchange = await transport.post(receiver.url(), HEADERS, BODY)
            assert exchange.failure is None
        for item in waiting:
            item.close()
    assert receiver.connections == 1
