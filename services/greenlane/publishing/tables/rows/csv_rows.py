"""Bytes become rows of cells with their line, however damaged; memory is bounded by the longest row that is allowed."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from greenlane.publishing.tables.faults import Fault, UnreadableTableError
from greenlane.publishing.tables.rows.encodings import CODECS, Encoded

MAX_ROW = 65_536
"""Characters of the longest row, line feeds inside quotation marks included."""

MAX_LINES = 100
"""Lines of the longest row. A row that goes wrong gives its lines back, so this bounds how often one is read."""

MAX_COLUMNS = 1_000


class Row(NamedTuple):
    """A row: the line where it begins, from 1, and its cells."""

    line: int
    cells: list[str]


class Unread(NamedTuple):
    """A line that is no row, why, and the pieces that may be ids in it."""

    fault: Fault
    pieces: frozenset[str]


class _Joined(io.RawIOBase):
    """A stream whose head was read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # BufferedReader gives one
        """Fill the buffer; 0 at the end."""
        if self._head:
            piece, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            piece = self._stream.read(len(buffer)) or b""
        buffer[: len(piece)] = piece
        return len(piece)


class _Lines:
    """Gives lines to the CSV reader one by one, knows which ones the present row has taken, and can give them back."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self._taken: list[str] = []
        self._room = MAX_ROW
        self.line = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._piece(self.line + 1)
        if not line:
            raise StopIteration
        self.line += 1
        self._taken.append(line)
        self._room -= len(line)
        if self._room < 0 or len(self._taken) > MAX_LINES:
            raise _TooLongError
        return line

    def _piece(self, line: int) -> str:
        """What the stream has next of that line. Raises UnreadableTableError."""
        try:
            return self._text.readline(MAX_ROW + 1)
        except UnicodeDecodeError as error:  # only UTF-16 has bytes that stand for no text at all
            raise UnreadableTableError(_BROKEN.format(line)) from error

    def joined_rows(self, separator: str, width: int) -> bool:
        """Whether each of several lines that the present row has taken could be a row by itself."""
        return len(self._taken) > 1 and all(line.count(separator) >= width - 1 for line in self._taken)

    def begin(self) -> int:
        """A new row begins; returns its line."""
        self._taken.clear()
        self._room = MAX_ROW
        return self.line + 1

    def give_back(self) -> str:
        """Keep the row's first line taken, and give the others back; returns the first line."""
        first, *others = self._taken or [""]
        self._back.extendleft(reversed(others))
        self.line -= len(others)
        if first and not first.endswith(("\n", "\r")):
            self._skip_rest()
        self._taken.clear()
        return first

    def _skip_rest(self) -> None:
        """Leave out what remains of a line that is longer than any row."""
        while not self._back:
            piece = self._piece(self.line)
            if not piece or piece.endswith(("\n", "\r")):
                return


class _TooLongError(Exception):
    """A row has more characters or lines than any may have."""


_BROKEN = "line {}: the bytes are no UTF-16; the file is damaged from here on, so export it again"


def read_rows(
    head: bytes, stream: BinaryIO, encoded: Encoded, separator: str, width: int | None = None
) -> Iterator[Row | Unread]:
    """Every row of a file whose first bytes are `head`. A line that is no row is one `Unread`, and the next ones go on.

    `width`: the columns that a row must have; empty ones at its end may be more. Raises OSError when the stream cannot
    be read on, UnreadableTableError for UTF-16 that breaks off.
    """
    raw = io.BufferedReader(_Joined(head[encoded.mark :], stream), 1 << 16)
    codec = CODECS[encoded.encoding]
    errors = "strict" if codec.startswith("utf-16") else "surrogateescape"
    lines = _Lines(io.TextIOWrapper(raw, encoding=codec, errors=errors, newline=""))
    csv.field_size_limit(MAX_ROW + 1)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLongError:
            reader = csv.reader(lines, delimiter=separator, strict=True)
            problem, remedy = _TOO_LONG if lines.line == line else _QUOTES
        except csv.Error:
            problem, remedy = _QUOTES
        else:
            if lines.line == line and len(cells) == width:
                yield Row(line, cells)
                continue
            problem, remedy = _shape(cells, width, separator, lines.line - line)
            if not problem and width is not None and lines.joined_rows(separator, width):
                problem, remedy = _JOINED
            if not problem:
                yield Row(line, cells if width is None or len(cells) >= width else [""] * width)
                continue
        yield _unread(line, lines.give_back(), separator, problem, remedy)


_TOO_LONG = (f"has more than {MAX_ROW:,} characters", "a row has far fewer; correct the line, or leave it out")
_QUOTES = (
    f"has a quotation mark that is not closed within {MAX_LINES} lines, or text behind the closing one",
    'double the marks inside a quoted value, as in "5"" box", and close it',
)
_JOINED = (
    "has a quotation mark that joins it with the next line, and each of the two has all columns",
    'double the marks inside a quoted value, as in "5"" box"; write a value that has several lines on one line',
)


def _shape(cells: list[str], width: int | None, separator: str, more_lines: int) -> tuple[str, str]:
    """What is wrong with the shape of a row that is out of the ordinary: problem and remedy; empty if nothing."""
    if len(cells) > MAX_COLUMNS:
        return f"has {len(cells)} columns, and a row has at most {MAX_COLUMNS}", "correct the separator"
    if width is None:
        return "", ""
    if more_lines and any(
        line.count(separator) >= width - 1 for cell in cells for line in cell.splitlines()[1:] if len(cell) > width
    ):
        return _QUOTES
    if any(map(str.strip, cells)) and (len(cells) < width or any(cells[width:])):
        remedy = f"put values that contain {_NAMES[separator]} into quotation marks, and give every row all columns"
        return f"has {len(cells)} columns and the header has {width}", remedy
    return "", ""


_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


def _unread(line: int, text: str, separator: str, problem: str, remedy: str) -> Unread:
    pieces = frozenset(piece.strip(' "\r\n') for piece in text[:MAX_ROW].split(separator))
    return Unread(Fault(line, "", "", problem, remedy), pieces)
