"""Receivers that answer what no receiver should, each on a port of its own, in a process of their own.

`python -m tests.faults.tenants.receivers` tells `{"ports": {name: port}}` and serves until it is ended. Every
connection lasts a minute at the most, whatever it does.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

Speech = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LONGEST_SECONDS = 60.0
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def says(*parts: bytes, close: bool = True) -> Speech:
    """Answer every request with these bytes."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request(reader):
            writer.writelines(parts)
            await writer.drain()
            if close:
                return

    return speak


def repeats(first: bytes, part: bytes, pause: float = 0.0) -> Speech:
    """Begin every answer with `first`, then send `part` for ever."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await request(reader):
            writer.write(first)
            while True:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)

    return speak


async def request(reader: asyncio.StreamReader) -> bool:
    """Read one request; whether there was one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
        )
        await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    return True


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def reads_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(LONGEST_SECONDS)


async def answers_before_it_is_asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK * 50)
    await writer.drain()
    await request(reader)


async def speaks_while_idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await request(reader):
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.write(OK)


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SPEECHES: dict[str, Speech] = {
    "reset": reset,
    "reads_nothing": reads_nothing,
    "answers_before_it_is_asked": answers_before_it_is_asked,
    "speaks_while_idle": speaks_while_idle,
    "two_answers_in_one_write": says(OK, OK, close=False),
    "fifty_answers_in_one_write": says(OK * 50, close=False),
    "endless_interim_answers": repeats(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1_000),
    "slow_interim_answers": repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
    "interim_answers_with_large_headers": repeats(b"", b"HTTP/1.1 103 x\r\na: " + b"b" * 60_000 + b"\r\n\r\n"),
    "switching_protocols": says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"),
    "endless_header": repeats(b"HTTP/1.1 200 OK\r\na: ", b"b" * 65_536),
    "endless_headers": repeats(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 10_000),
    "dripping_header": repeats(b"HTTP/1.1 200 OK\r\na: ", b"b", 0.05),
    "dripping_body": repeats(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", b"b", 0.05),
    "endless_body": repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"b" * 65_536),
    "endless_chunk_extension": repeats(CHUNKED + b"1;a=", b"b" * 65_536),
    "endless_chunks_of_one_byte": repeats(CHUNKED, b"1\r\na\r\n" * 10_000),
    "endless_trailers": repeats(CHUNKED + b"0\r\n", b"a: b\r\n" * 10_000),
    "chunk_of_a_huge_size": says(CHUNKED + b"f" * 300 + b"\r\n"),
    "chunk_of_a_negative_size": says(CHUNKED + b"-1\r\n\r\n"),
    "body_of_a_huge_length": says(b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 5_000 + b"\r\n\r\n"),
    "body_of_a_negative_length": says(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"),
    "two_lengths": says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok"),
    "length_and_chunks": says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "more_than_its_length": says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" + b"x" * 70_000, close=False),
    "no_content_with_a_body": says(b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok", close=False),
    "not_http": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "http_2": says(b"HTTP/2 200\r\n\r\n"),
    "http_9": says(b"HTTP/9.9 200 OK\r\n\r\n"),
    "status_of_a_thousand": says(b"HTTP/1.1 1000 OK\r\n\r\n"),
    "status_in_words": says(b"HTTP/1.1 OK OK\r\n\r\n"),
    "bytes_in_the_reason": says(b"HTTP/1.1 500 \xff\xfe\x00\r\n\r\n"),
    "bytes_in_a_header": says(b"HTTP/1.1 200 OK\r\nx: \xff\xfe\r\ncontent-length: 0\r\n\r\n"),
    "newline_in_a_header": says(b"HTTP/1.1 200 OK\r\nx: a\n\r b\r\ncontent-length: 0\r\n\r\n"),
    "compressed_bomb": says(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08"),
    "retry_after_a_billion": says(b"HTTP/1.1 503 x\r\nretry-after: " + b"9" * 400 + b"\r\ncontent-length: 0\r\n\r\n"),
    "retry_after_in_words": says(b"HTTP/1.1 503 x\r\nretry-after: \xff soon\r\ncontent-length: 0\r\n\r\n"),
    "retry_after_an_impossible_date": says(
        b"HTTP/1.1 503 x\r\nretry-after: Mon, 99 Abc 99999 99:99:99 GMT\r\ncontent-length: 0\r\n\r\n"
    ),
    "redirect_inwards": says(b"HTTP/1.1 302 x\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"),
    "redirect_to_nonsense": says(b"HTTP/1.1 302 x\r\nlocation: http://[::1\r\ncontent-length: 0\r\n\r\n"),
    "disable_and_abort": says(
        b"HTTP/1.1 200 x\r\nwebhook-delivery: disable\r\nwebhook-delivery: abort-message\r\ncontent-length: 0\r\n\r\n"
    ),
    "closes_at_once": says(b""),
    "half_a_status_line": says(b"HTTP/1."),
    "early_end_of_the_body": says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nok"),
}
"""What each receiver says once its endpoint is confirmed, by name."""


class Liar:
    """Confirms its endpoint like an honest receiver: the first request is answered well, later ones are not."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._confirmed = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                if not self._confirmed and await request(reader):
                    writer.write(OK.replace(b"\r\ncontent", b"\r\nconnection: close\r\ncontent"))
                    self._confirmed = True
                    return
                await self._speech(reader, writer)
        except (TimeoutError, ConnectionError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            writer.close()


async def main() -> None:
    async with contextlib.AsyncExitStack() as servers:
        ports = {}
        for name, speech in SPEECHES.items():
            server = await servers.enter_async_context(_listening(Liar(speech)))
            ports[name] = server.sockets[0].getsockname()[1]
        sys.stdout.write(json.dumps({"ports": ports}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def _listening(liar: Liar) -> AsyncIterator[asyncio.Server]:
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def hostile_receivers() -> Iterator[dict[str, int]]:
    """The ports of the receivers by name, while their process runs."""
    command = [sys.executable, "-m", "tests.faults.tenants.receivers"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        ports: dict[str, int] = json.loads(process.stdout.readline())["ports"]
        yield ports
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(main())
