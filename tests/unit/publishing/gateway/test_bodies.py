"""Bodies within limits: slow, large, compressed, and compressed in order to grow."""

import asyncio
import gzip
import zlib
from collections.abc import Iterable

import pytest
import zstandard
from starlette.types import Message, Receive

from greenlane.publishing.gateway.bodies import (
    MAX_BODY,
    MAX_DECODED,
    Inbound,
    TooLargeError,
    UndecodableError,
    WrongEncodingError,
    decoder_of,
    read,
)


def sending(*messages: Message) -> Receive:
    waiting = list(messages)

    async def receive() -> Message:
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    return receive


def parts(chunks: Iterable[bytes]) -> list[Message]:
    sent: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    return [*sent, {"type": "http.request", "body": b"", "more_body": False}]


async def test_a_body_is_read_whole_in_one_part_or_many() -> None:
    assert await read(sending({"type": "http.request", "body": b"all"}), 1) == b"all"
    assert await read(sending(*parts([b"a", b"", b"bc"])), 1) == b"abc"
    assert await read(sending(*parts([b"a"])[:1], {"type": "http.disconnect"}), 1) is None
    assert await read(sending({"type": "http.disconnect"}), 1) is None


async def test_a_body_that_does_not_come_or_does_not_end_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        await read(sending(*parts([b"a"])[:1]), 0.01)
    endless = sending(*parts([b"x" * 65_536] * 100))
    with pytest.raises(TooLargeError, match=str(MAX_BODY)):
        await read(endless, 5)
    assert (await endless())["more_body"], "the rest was not read"


async def test_the_rest_of_a_body_is_dropped_within_limits() -> None:
    whole = Inbound(sending(*parts([b"x" * 65_536] * 40)))
    await whole.drop()
    assert whole.complete
    endless = Inbound(sending(*parts([b"x" * 65_536] * 1000)))
    await endless.drop()
    assert not endless.complete


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "GZIP ", "zstd"])
def test_every_offered_encoding_is_taken_off(encoding: str) -> None:
    text = b'[{"a":1}]' * 1000
    encoded = {"gzip": gzip.compress(text), "zstd": zstandard.compress(text)}.get(encoding.strip().lower(), text)
    assert decoder_of(encoding)(encoded) == text


def test_several_members_are_one_body_and_thousands_are_none() -> None:
    assert decoder_of("gzip")(gzip.compress(b"a") + gzip.compress(b"b")) == b"ab"
    assert decoder_of("zstd")(zstandard.compress(b"a") + zstandard.compress(b"b")) == b"ab"
    with pytest.raises(UndecodableError):
        decoder_of("gzip")(gzip.compress(b"") * 40_000)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "gzip, zstd", "x-gzip", "é"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(WrongEncodingError, match="gzip, zstd"):
        decoder_of(encoding)


def test_a_bomb_is_given_up_at_the_limit() -> None:
    for encoding, compress in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        assert len(decoder_of(encoding)(compress(b" " * MAX_DECODED))) == MAX_DECODED
        with pytest.raises(TooLargeError, match="after decompression"):
            decoder_of(encoding)(compress(b" " * (MAX_DECODED + 1)))
        assert len(compress(b" " * 200 * MAX_BODY)) < MAX_BODY
        with pytest.raises(TooLargeError):
            decoder_of(encoding)(compress(b" " * 200 * MAX_BODY))


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    "body",
    [b"", b"plain text", zlib.compress(b"a"), gzip.compress(b"a" * 99)[:-9] + b"x" * 9],
    ids=["empty", "text", "zlib", "damaged"],
)
def test_what_is_not_so_encoded_is_refused(encoding: str, body: bytes) -> None:
    if encoding == "zstd" and not body:
        assert decoder_of(encoding)(body) == b""
        return
    with pytest.raises(UndecodableError):
        decoder_of(encoding)(body)
