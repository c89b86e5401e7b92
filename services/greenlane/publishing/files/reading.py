"""Reads files of events as they stand: JSON Lines, JSON arrays, objects over several lines; nothing bad stops it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, cast

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.publishing.files.documents import Document, split

_UTF_16 = "is UTF-16, and events are UTF-8; save the file as UTF-8 and try again"
_PACKED = "is compressed ({}), and events are plain text; unpack it first, for example with: {}"
_FOREIGN: tuple[tuple[bytes, DeadLetterCode, str], ...] = (
    (b"\x1f\x8b", DeadLetterCode.NOT_JSON, _PACKED.format("gzip", "gzip -dc FILE | greenlane validate -")),
    (b"PK\x03\x04", DeadLetterCode.NOT_JSON, _PACKED.format("zip", "unzip -p FILE | greenlane validate -")),
    (b"\x28\xb5\x2f\xfd", DeadLetterCode.NOT_JSON, _PACKED.format("zstd", "zstd -dc FILE | greenlane validate -")),
    (b"BZh", DeadLetterCode.NOT_JSON, _PACKED.format("bzip2", "bzip2 -dc FILE | greenlane validate -")),
    (b"\xfd7zXZ\x00", DeadLetterCode.NOT_JSON, _PACKED.format("xz", "xz -dc FILE | greenlane validate -")),
    (b"\xff\xfe", DeadLetterCode.NOT_UTF8, _UTF_16),
    (b"\xfe\xff", DeadLetterCode.NOT_UTF8, _UTF_16),
    (b"{\x00", DeadLetterCode.NOT_UTF8, _UTF_16),
    (b"[\x00", DeadLetterCode.NOT_UTF8, _UTF_16),
    (b"\x00{", DeadLetterCode.NOT_UTF8, _UTF_16),
    (b"\x00[", DeadLetterCode.NOT_UTF8, _UTF_16),
)
"""How files begin that hold no JSON in UTF-8, and what to do with them."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """One event of a file: the line where it begins (from 1), its bytes, and the event or why it is refused."""

    line: int
    raw: bytes
    event: FulfilmentEvent | None
    refusal: Refusal | None


class _Begun:
    """A stream of which the beginning has been read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readline(self, size: int) -> bytes:
        """At most `size` bytes, up to and with the next line feed."""
        head, self._head = self._head, b""
        return head if head.endswith(b"\n") else head + self._stream.readline(size)


def read_file(stream: BinaryIO, now: datetime) -> Iterator[FileEvent]:
    """Every event of `stream`, good or bad, read as it goes; `now` judges times that lie in the future.

    A bad event leaves the others alone, whatever is wrong with it: what is no event is refused with its line. A file
    that is compressed or UTF-16 is one refusal; so is what follows where the file cannot be read on.
    """
    last = 1
    try:
        head = stream.readline(MAX_EVENT_BYTES)
        for begin, code, problem in _FOREIGN:
            if head.startswith(begin):
                yield FileEvent(1, b"", None, Refusal.because(code, "", f"the file {problem}"))
                return
        for document in split(cast("BinaryIO", _Begun(head, stream)), MAX_EVENT_BYTES):
            last = document.line
            yield _check(document, now)
    except OSError as error:
        message = f"the file cannot be read after this line: {error.strerror or error}; copy it and try again"
        yield FileEvent(last, b"", None, Refusal.because(DeadLetterCode.NOT_JSON, "", message))


def _check(document: Document, now: datetime) -> FileEvent:
    try:
        if document.problem:
            raise Refusal.because(DeadLetterCode.NOT_JSON, "", document.problem)
        if b"\x00" in document.raw:
            message = "holds NUL bytes; the file is damaged or no UTF-8 text, so write it again"
            raise Refusal.because(DeadLetterCode.NOT_JSON, "", message)
        return FileEvent(document.line, document.raw, read_document(document.raw, now), None)
    except Refusal as refusal:
        return FileEvent(document.line, document.raw, None, refusal)
