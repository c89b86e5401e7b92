"""Splits a stream of bytes into JSON documents: lines, arrays, objects over several lines, however damaged it is.

Nothing is dropped: what belongs to no document is a document of its own, for its reader to refuse. Memory is bounded
by the largest document that is kept, also for a line without end.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import BinaryIO

import orjson

_PIECE_BYTES = 65_536
BLANKS = b" \t\r\n"
"""What JSON calls white space; any other byte belongs to a document."""

_BLANK = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)*")
_CONTEXT = b'"specversion"'
"""Stands in every event, so a line with it that is an object by itself is no part of another event."""

CUT_SHORT = "the file ends inside this event; the file was cut short, so export or fetch it again"
EMPTY_ENTRY = "is an empty entry of the array: a comma with no event beside it; remove the comma or add the event"


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of a file that may be an event: the line where it begins (from 1) and its bytes, cut after a limit.

    `problem` says why it cannot be an event if the bytes do not tell; empty otherwise.
    """

    line: int
    raw: bytes
    problem: str = ""


class _Form(Enum):
    """What is being read, by the marks that end it or nest in it; the value of the first three is what opens it."""

    OBJECT = b"{"
    ARRAY = b"["
    TEXT = b""
    NOTHING = None


class _Slot(Enum):
    """What stands before the next entry of an array."""

    BEGINNING = 0
    COMMA = 1
    ENTRY = 2


_MARKS = {
    _Form.OBJECT: re.compile(rb'["{}\n]'),
    _Form.ARRAY: re.compile(rb'["\[\]\n]'),
}
_IN_STRING = re.compile(rb'["\\\n]')
_TEXT_IN_ARRAY = re.compile(rb'[",\]\n]')
_END_OF_LINE = re.compile(rb"\n")


def split(stream: BinaryIO, most: int) -> Iterator[Document]:
    """Every document of `stream`, read as it goes; of each at most `most` + 1 bytes are kept.

    An array's entries are documents. A line that is a whole event ends whatever was open before it, so that a brace
    that lacks damages one event only. Raises OSError when the stream cannot be read on.
    """
    splitter = _Splitter(most)
    line, begins = 1, True
    for piece in iter(partial(stream.readline, max(_PIECE_BYTES, most + 2)), b""):
        ends = piece.endswith(b"\n")
        if not (begins and (yield from splitter.whole_line(piece, line))):
            yield from splitter.feed(piece, line)
        line, begins = line + ends, ends
    yield from splitter.finish()


class _Splitter:
    """Follows strings and brackets over pieces of a file."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._array: int | None = None
        self._slot = _Slot.BEGINNING
        self._form = _Form.NOTHING
        self._depth = 0
        self._in_string = False
        self._escaped = 0
        self._line = 0
        self._text = bytearray()

    def whole_line(self, piece: bytes, line: int) -> Generator[Document, None, bool]:
        """Take a line that is an object by itself without following its marks; returns whether it was taken.

        An event that is open when such a line comes was never closed: it ends here.
        """
        body = piece.strip(BLANKS)
        core = body.removesuffix(b",").rstrip(BLANKS)
        if self._form is not _Form.NOTHING:
            core = core.rstrip(b"], \t")
            if _CONTEXT not in core or not _is_object(core):
                return False
            yield self._ended()
            return False
        if not _is_object(core):
            return False
        self._slot = _Slot.ENTRY if core == body else _Slot.COMMA
        yield Document(line, core)
        return True

    def feed(self, piece: bytes, line: int) -> Iterator[Document]:
        """Follow the marks of a piece."""
        position = 0
        while position < len(piece):
            if self._form is _Form.NOTHING:
                position = yield from self._between(piece, position, line)
            else:
                position = yield from self._inside(piece, position)

    def finish(self) -> Iterator[Document]:
        """What is open when the file ends."""
        if self._form is _Form.TEXT:
            yield self._ended()
        elif self._form is not _Form.NOTHING:
            yield self._ended(CUT_SHORT)
        elif self._array is not None:
            problem = "the array that begins here is not closed; the file was cut short, so export or fetch it again"
            yield Document(self._array, b"", problem)

    def _between(self, piece: bytes, position: int, line: int) -> Generator[Document, None, int]:
        blank = _BLANK.match(piece, position)
        position = position if blank is None else blank.end()
        mark = piece[position : position + 1]
        if mark == b"[" and self._array is None:
            self._array, self._slot = line, _Slot.BEGINNING
        elif mark == b",":
            if self._array is not None and self._slot is not _Slot.ENTRY:
                yield Document(line, b"", EMPTY_ENTRY)
            self._slot = _Slot.COMMA
        elif mark == b"]" and self._array is not None:
            if self._slot is _Slot.COMMA:
                yield Document(line, b"", EMPTY_ENTRY)
            self._array = None
        elif mark:
            self._form = _Form(mark) if mark in {b"{", b"["} else _Form.TEXT
            self._line, self._slot = line, _Slot.ENTRY
            return position
        return position + 1

    def _inside(self, piece: bytes, position: int) -> Generator[Document, None, int]:
        begin, position, self._escaped = position, position + self._escaped, 0
        while found := self._marks().search(piece, position):
            mark, position = found[0], found.end()
            if mark == b"\\":
                position += 1
            elif mark == b'"':
                self._in_string = not self._in_string
            elif mark == b"\n":
                # a string of JSON never holds a line feed: a quote that lacks damages its line only
                self._in_string = False
                if self._form is _Form.TEXT:
                    self._keep(piece[begin : found.start()])
                    yield self._ended()
                    return position
            elif self._form is _Form.TEXT:
                self._keep(piece[begin : found.start()])
                yield self._ended()
                return found.start()
            else:
                self._depth += 1 if mark == self._form.value else -1
                if self._depth == 0:
                    self._keep(piece[begin:position])
                    yield self._ended()
                    return position
        self._escaped = max(0, position - len(piece))
        self._keep(piece[begin:])
        return len(piece)

    def _marks(self) -> re.Pattern[bytes]:
        if self._form is _Form.TEXT and self._array is None:
            return _END_OF_LINE
        if self._in_string:
            return _IN_STRING
        return _MARKS.get(self._form, _TEXT_IN_ARRAY)

    def _keep(self, text: bytes) -> None:
        self._text += text[: self._most + 1 - len(self._text)]

    def _ended(self, problem: str = "") -> Document:
        document = Document(self._line, bytes(self._text.strip(BLANKS)), problem)
        self._form, self._depth, self._in_string, self._escaped = _Form.NOTHING, 0, False, 0
        self._text.clear()
        return document


def _is_object(text: bytes) -> bool:
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
