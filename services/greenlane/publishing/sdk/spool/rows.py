"""An event as a row of the spool, with a checksum: what comes back is what was written, or is not sent."""

import zlib
from dataclasses import dataclass

import msgspec

from greenlane.publishing.history.timeline import RawRecord

LARGEST_ROW = 4 * 1_048_576
"""Bytes of the longest value that SQLite may read from a row: several times the largest record."""

_HEADERS = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...])


@dataclass(frozen=True, slots=True)
class Row:
    """One event: `number` gives the order in which events were taken."""

    number: int
    event_id: str
    record: RawRecord


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A row whose bytes are not those that were written."""

    number: int
    event_id: str


def to_columns(row: Row) -> tuple[int, str, int, int, bytes | None, bytes, bytes | None]:
    """number, id, size, checksum, key, headers, value."""
    headers = msgspec.msgpack.encode(row.record.headers)
    key, value = row.record.key, row.record.value
    size = len(row.event_id) + len(key or b"") + len(headers) + len(value or b"")
    return row.number, row.event_id, size, _checksum(row.event_id, key, headers, value), key, headers, value


def from_columns(number: int, event_id: object, checksum: object, *parts: object) -> Row | DamagedRow:
    """The row as it was written; a file may have been altered, so every type is looked at."""
    key, headers, value = parts
    sound = isinstance(event_id, str) and isinstance(headers, bytes)
    if sound and isinstance(key, bytes | None) and isinstance(value, bytes | None):
        assert isinstance(event_id, str), "looked at above"
        assert isinstance(headers, bytes), "looked at above"
        if checksum == _checksum(event_id, key, headers, value):
            try:
                return Row(number, event_id, RawRecord(key, value, _HEADERS.decode(headers)))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                pass
    return DamagedRow(number, event_id if isinstance(event_id, str) else "")


def _checksum(event_id: str, key: bytes | None, headers: bytes, value: bytes | None) -> int:
    parts = (event_id.encode("utf-8", "surrogatepass"), key, headers, value)
    found = zlib.crc32(repr([-1 if part is None else len(part) for part in parts]).encode())
    for part in parts:
        found = zlib.crc32(part or b"", found)
    return found
