"""Kafka's record batches as bytes: bounded decompression, and what can still be read of a damaged batch.

A client library raises at the first batch that it cannot decode, and every record behind it waits for ever. Here such
a batch becomes a record whose value is `Unreadable`, so that a dead letter can name its offsets and reading goes on.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cramjam
import lz4.frame
import zstandard

from greenlane.contracts.unreadable import Unreadable

MAX_DECODED_BYTES = 16 * 1024 * 1024
"""Largest batch after decompression: 64 times the largest batch that a fulfilment topic takes."""

MAX_BATCH_RECORDS = 65_536
"""Most records in one compressed batch: events have ids of their own, so no batch that a topic takes holds more."""

FORMAT = 2
"""The batch format that Kafka writes since 0.11."""

_HEADER = struct.Struct(">qiibIhiqqqhii")
_LENGTH_PREFIX = 12
_CODEC_MASK = 0x07
_APPEND_TIME = 0x08
_ZSTD_WINDOW = 2**27
_GZIP = b"\x1f\x8b"
"""How a member begins. What follows the last one and begins otherwise is ignored, as brokers do."""

_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16
_MOST_VARINT_BITS = 64

HEADER_BYTES = _HEADER.size


class UndecodableError(Exception):
    """A batch cannot be decoded; the text says why, without a byte of it."""


class RawRecord(NamedTuple):
    """One record of a batch, with the names that both client libraries use; times are milliseconds since 1970."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    checksum: None = None
    size_in_bytes: int = 0

    def validate_crc(self) -> bool:
        """Records of this format have no checksum of their own."""
        return True


class BatchHeader(NamedTuple):
    """The fixed part of a batch."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @property
    def codec(self) -> int:
        """Number of the compression: 0 is none."""
        return self.attributes & _CODEC_MASK

    @property
    def last_offset(self) -> int:
        """Offset of the last record; never before the first, whatever the header claims."""
        return self.base_offset + max(0, self.last_offset_delta)


def header_of(batch: bytes | memoryview) -> BatchHeader:
    """Read the header of a batch of format 2. Raises UndecodableError when the batch is shorter than a header."""
    if len(batch) < HEADER_BYTES:
        raise UndecodableError("the batch is shorter than its header")
    return BatchHeader(*_HEADER.unpack_from(batch))


def plain(batch: bytes | memoryview) -> bytes | memoryview:
    """The same batch without compression; its checksum is no longer valid. Raises UndecodableError.

    At most `MAX_DECODED_BYTES` and `MAX_BATCH_RECORDS` come out of a compressed batch.
    """
    header = header_of(batch)
    if header.codec == 0:
        return batch
    if header.records > MAX_BATCH_RECORDS:
        raise UndecodableError(f"the compressed batch claims more than {MAX_BATCH_RECORDS} records")
    records = decompress(header.codec, bytes(batch[HEADER_BYTES:]))
    changed = header._replace(
        length=HEADER_BYTES - _LENGTH_PREFIX + len(records), attributes=header.attributes & ~_CODEC_MASK
    )
    return _HEADER.pack(*changed) + records


def decompress(codec: int, data: bytes) -> bytes:
    """The records of a batch; `codec` is Kafka's number. Raises UndecodableError, also beyond `MAX_DECODED_BYTES`."""
    name, decode = _CODECS.get(codec, ("", None))
    if decode is None:
        raise UndecodableError(f"compression {codec} is none that Kafka knows")
    try:
        decoded = decode(data)
    except UndecodableError:
        raise
    except Exception as error:
        raise UndecodableError(f"the {name} data cannot be decompressed ({type(error).__name__})") from error
    if len(decoded) > MAX_DECODED_BYTES:
        raise UndecodableError(f"the {name} data is more than {MAX_DECODED_BYTES} bytes when decompressed")
    return decoded


def readable(batch: bytes | memoryview) -> list[RawRecord]:
    """What can be read of a batch of format 2, record by record, in order; what cannot is one `Unreadable` record."""
    header = header_of(batch)
    try:
        uncompressed = plain(batch)
    except UndecodableError as error:
        return [unreadable(header, header.base_offset, str(error))]
    return list(_records(header, bytes(uncompressed[HEADER_BYTES:])))


def unreadable(header: BatchHeader, first_offset: int, reason: str, last_offset: int | None = None) -> RawRecord:
    """The record that stands for the offsets from `first_offset` to the end of the batch, or to `last_offset`."""
    last = header.last_offset if last_offset is None else last_offset
    kind = int(bool(header.attributes & _APPEND_TIME))
    return RawRecord(last, header.max_timestamp, kind, None, Unreadable(first_offset, last, reason), [])


def _records(header: BatchHeader, data: bytes) -> Iterator[RawRecord]:
    position, expected = 0, header.base_offset
    for _ in range(header.records):
        try:
            length, start = _varint(data, position)
        except IndexError:
            length, start = -1, position
        end = start + length
        if length <= 0 or end > len(data):
            yield unreadable(header, expected, "the batch ends within a record")
            return
        try:
            record = _record(header, data[start:end])
        except (IndexError, ValueError):
            record = unreadable(header, expected, "the record's parts do not fit into it", expected)
        if not expected <= record.offset <= header.last_offset:
            yield unreadable(header, expected, "the offsets in the batch are out of order")
            return
        yield record
        position, expected = end, record.offset + 1
    if position != len(data):
        reason = "the batch holds other bytes than the records it claims"
        yield unreadable(header, min(expected, header.last_offset), reason, max(expected - 1, header.last_offset))


def _record(header: BatchHeader, data: bytes) -> RawRecord:
    """One record from its own bytes, without the length before them. Raises IndexError or ValueError."""
    delta_ms, position = _varint(data, 1)
    delta, position = _varint(data, position)
    key, position = _bytes(data, position)
    value, position = _bytes(data, position)
    count, position = _varint(data, position)
    headers: list[tuple[str, bytes | None]] = []
    if not 0 <= count <= len(data):
        raise ValueError("header count")
    for _ in range(count):
        name, position = _bytes(data, position)
        content, position = _bytes(data, position)
        # a name is no text to a broker; what is not UTF-8 in it harms nobody
        headers.append(((name or b"").decode("utf-8", "backslashreplace"), content))
    if position != len(data):
        raise ValueError("bytes left over")
    appended = bool(header.attributes & _APPEND_TIME)
    timestamp = header.max_timestamp if appended else header.first_timestamp + delta_ms
    return RawRecord(header.base_offset + delta, timestamp, int(appended), key, value, headers, size_in_bytes=len(data))


def _bytes(data: bytes, position: int) -> tuple[bytes | None, int]:
    size, position = _varint(data, position)
    if size < 0:
        return None, position
    end = position + size
    if end > len(data):
        raise IndexError
    return data[position:end], end


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A zigzag-encoded number and the place behind it. Raises IndexError or ValueError."""
    value, shift = 0, 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position
        shift += 7
        if shift >= _MOST_VARINT_BITS:
            raise IndexError("a number of more than 64 bits")


def _gunzip(data: bytes) -> bytes:
    parts = bytearray()
    while data.startswith(_GZIP) or not parts:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        parts += member.decompress(data, MAX_DECODED_BYTES + 1 - len(parts))
        if len(parts) > MAX_DECODED_BYTES:
            break
        if not member.eof:
            raise UndecodableError("the gzip data ends too early")
        data = member.unused_data
    return bytes(parts)


def _unsnappy(data: bytes) -> bytes:
    if not data.startswith(_XERIAL):
        return _unsnappy_block(data, MAX_DECODED_BYTES)
    parts, position = bytearray(), _XERIAL_HEADER_BYTES
    while position < len(data):
        (size,) = struct.unpack_from(">i", data, position)
        position += 4
        if size <= 0 or position + size > len(data):
            raise UndecodableError("the snappy data ends within a block")
        parts += _unsnappy_block(data[position : position + size], MAX_DECODED_BYTES - len(parts))
        position += size
    return bytes(parts)


def _unsnappy_block(data: bytes, most: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(data) > most:
        raise UndecodableError(f"the snappy data is more than {MAX_DECODED_BYTES} bytes when decompressed")
    return bytes(cramjam.snappy.decompress_raw(data))


def _unlz4(data: bytes) -> bytes:
    parts = bytearray()
    while data:
        frame = lz4.frame.LZ4FrameDecompressor()
        parts += frame.decompress(data, max_length=MAX_DECODED_BYTES + 1 - len(parts))
        if len(parts) > MAX_DECODED_BYTES:
            break
        if not frame.eof:
            raise UndecodableError("the lz4 data ends too early")
        data = frame.unused_data or b""
    return bytes(parts)


def _unzstd(data: bytes) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    with decompressor.stream_reader(data, read_across_frames=True) as reader:
        parts = bytearray()
        while len(parts) <= MAX_DECODED_BYTES and (part := reader.read(MAX_DECODED_BYTES + 1 - len(parts))):
            parts += part
    return bytes(parts)


_CODECS: dict[int, tuple[str, Callable[[bytes], bytes]]] = {
    1: ("gzip", _gunzip),
    2: ("snappy", _unsnappy),
    3: ("lz4", _unlz4),
    4: ("zstd", _unzstd),
}

_SAMPLE = b"greenlane"
_SAMPLES = {
    1: b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03K/JM\xcd\xcbI\xccK\x05\x00\xfb`\x88i\t\x00\x00\x00",
    2: b"\t greenlane",
    3: b'\x04"M\x18h@\t\x00\x00\x00\x00\x00\x00\x00m\t\x00\x00\x80greenlane\x00\x00\x00\x00',
    4: b"(\xb5/\xfd \tI\x00\x00greenlane",
}


def failing_codecs() -> list[str]:
    """Names of the compressions that this installation does not decode; empty when all is well."""
    failing: list[str] = []
    for number, sample in _SAMPLES.items():
        try:
            sound = decompress(number, sample) == _SAMPLE
        except UndecodableError:
            sound = False
        if not sound:
            failing.append(_CODECS[number][0])
    return failing
