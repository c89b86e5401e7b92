"""Reads a request's body and takes its compression off, within limits on bytes and time."""

import asyncio
import contextlib
import zlib
from collections.abc import Callable

import zstandard
from starlette.types import Message, Receive

MAX_BODY = 1_048_576
"""Most bytes of a body as it is sent."""

MAX_DECODED = 4_194_304
"""Most bytes of a body after decompression."""

ENCODINGS = ("gzip", "zstd")
Decoder = Callable[[bytes], bytes]
_MOST_MEMBERS = 16
"""Gzip members one after the other: each costs a copy of what follows it."""
_DROP_BYTES, _DROP_SECONDS = 4 * MAX_BODY, 2.0
_ZSTD_WINDOW = 8 * 1_048_576


class TooLargeError(Exception):
    """The body is over a limit; the text says which."""


class UndecodableError(Exception):
    """The body is not what its Content-Encoding says."""


class WrongEncodingError(Exception):
    """The Content-Encoding is not offered."""


class Inbound:
    """A request's body as it comes in, and whether all of it is here."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False

    async def __call__(self) -> Message:
        """The next part."""
        message = await self._receive()
        self.complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drop(self) -> None:
        """Take the rest in and keep nothing of it, within limits: who still sends would not see an answer."""
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DROP_SECONDS):
                while not self.complete and dropped <= _DROP_BYTES:
                    dropped += len((await self()).get("body", b""))


async def read(receive: Receive, seconds: float) -> bytes | None:
    """The whole body; None when the client has gone. Raises TooLargeError, and TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        first: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return _within(first)
        body = bytearray(first)
        while message.get("more_body", False):
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > MAX_BODY:
                break
        return _within(bytes(body))


def _within(body: bytes) -> bytes:
    if len(body) > MAX_BODY:
        raise TooLargeError(f"send at most {MAX_BODY} bytes, compressed or not")
    return body


def decoder_of(encoding: str) -> Decoder:
    """What takes this Content-Encoding off, `plain` when there is none. Raises WrongEncodingError."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return plain
    if name == "gzip":
        return _gunzip
    if name == "zstd":
        return _unzstd
    raise WrongEncodingError(f"send it as it is, or with one of {', '.join(ENCODINGS)}")


def plain(body: bytes) -> bytes:
    """The body as it is."""
    return body


def _gunzip(body: bytes) -> bytes:
    parts = bytearray()
    rest = body
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            parts += member.decompress(rest, MAX_DECODED + 1 - len(parts))
        except zlib.error:
            raise UndecodableError from None
        _refuse_more(parts)
        if not member.eof:
            raise UndecodableError
        rest = member.unused_data
        if not rest:
            return bytes(parts)
    raise UndecodableError


def _unzstd(body: bytes) -> bytes:
    parts = bytearray()
    try:
        with zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(
            body, read_across_frames=True
        ) as reader:
            while part := reader.read(MAX_DECODED + 1 - len(parts)):
                parts += part
                _refuse_more(parts)
    except zstandard.ZstdError:
        raise UndecodableError from None
    return bytes(parts)


def _refuse_more(parts: bytearray) -> None:
    if len(parts) > MAX_DECODED:
        raise TooLargeError(f"send at most {MAX_DECODED} bytes after decompression")
