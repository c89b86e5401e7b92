"""How a table is written: encoding, separator, header; found by what fits the rows, asked for where two things fit."""

import io
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import BinaryIO, NamedTuple

from greenlane.publishing.tables.faults import UnreadableTableError
from greenlane.publishing.tables.mapping import FileForm, Separator
from greenlane.publishing.tables.rows.csv_rows import Row, Unread, read_rows
from greenlane.publishing.tables.rows.encodings import CODECS, Encoded, encoding_of

HEAD_BYTES = 1_048_576
"""How much of a file is looked at to find its form and to guess a mapping."""

SAMPLE_ROWS = 2_000
_TRIED_ROWS = 200
_HEADER_WITHIN = 20
_SEPARATORS: tuple[Separator, ...] = (",", ";", "\t", "|")
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

Known = Callable[[Sequence[str]], int]
"""How many names of a row are names of columns that are looked for."""


class Form(NamedTuple):
    """The form of a table. `header_line` is where the names of the columns stand, 0 if nowhere."""

    encoded: Encoded
    separator: Separator
    header_line: int
    header: tuple[str, ...]


class _Try(NamedTuple):
    separator: Separator
    header: Row
    known: int


def form_of(head: bytes, said: FileForm, known: Known) -> Form:
    """The form of a file by its first bytes and what the mapping says. Raises UnreadableTableError."""
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\r\n\t \x00"):
        raise UnreadableTableError("the file is empty; name the table that was exported")
    encoded = encoding_of(head, said.encoding)
    named, skipped = _named_separator(head, encoded)
    separators = (said.separator,) if said.separator else (named,) if named else _SEPARATORS
    text = _Beginning(_whole_lines(head, encoded), encoded, skipped)
    tries = [found for one in separators if (found := _tried(text, one, said, known)) is not None]
    if len(tries) > 1:
        most = max(found.known for found in tries)
        tries = [found for found in tries if found.known == most]
    if not tries:
        raise UnreadableTableError(
            "no separator of comma, semicolon, tab and bar splits the rows into the header's columns; name it in the "
            'mapping: `file: {separator: ";", header_line: 1}`, or export the table again as CSV'
        )
    if len(tries) > 1:
        names = " and ".join(SEPARATOR_NAMES[found.separator] for found in tries)
        raise UnreadableTableError(f'both {names} fit the rows; name one in the mapping: `file: {{separator: ";"}}`')
    found = tries[0]
    if said.header_line == 0:
        return Form(encoded, found.separator, 0, tuple(str(n) for n in range(1, len(found.header.cells) + 1)))
    return Form(encoded, found.separator, found.header.line, tuple(column_name(cell) for cell in found.header.cells))


def column_name(cell: str) -> str:
    """A column's name on one line, its letters composed."""
    return unicodedata.normalize("NFC", " ".join(cell.replace("\ufeff", "").split()))


def body_rows(form: Form, head: bytes, stream: BinaryIO) -> Iterator[Row | Unread]:
    """The rows below the header. Raises OSError, UnreadableTableError."""
    for row in read_rows(head, stream, form.encoded, form.separator, len(form.header)):
        line = row.line if isinstance(row, Row) else row.fault.line
        if line > form.header_line:
            yield row


def sample(form: Form, head: bytes) -> list[Row]:
    """The rows of the first bytes that are sound."""
    rows = body_rows(form, _whole_lines(head, form.encoded), io.BytesIO())
    return [row for row in islice(rows, SAMPLE_ROWS) if isinstance(row, Row) and any(row.cells)]


def _whole_lines(head: bytes, encoded: Encoded) -> bytes:
    """The bytes up to the last line feed, where more may follow."""
    if len(head) < HEAD_BYTES:
        return head
    feed = "\n".encode(CODECS[encoded.encoding])
    end = head.rfind(feed)
    if encoded.encoding.startswith("utf-16"):
        while end > 0 and (end - encoded.mark) % 2:
            end = head.rfind(feed, 0, end)
    return head[: end + len(feed)] if end > 0 else head


def _named_separator(head: bytes, encoded: Encoded) -> tuple[Separator | None, int]:
    """The separator of Excel's first line `sep=;`, and how many lines it takes."""
    text = head[encoded.mark : encoded.mark + 64].decode(CODECS[encoded.encoding], "replace").lstrip('"')
    if text[:4].lower() != "sep=":
        return None, 0
    return next((one for one in _SEPARATORS if text[4:5] == one), None), 1


class _Beginning(NamedTuple):
    """The first bytes of a file, and how many lines at its beginning are no rows."""

    head: bytes
    encoded: Encoded
    skipped: int


def _tried(text: _Beginning, separator: Separator, said: FileForm, known: Known) -> _Try | None:
    """The header by this separator; None where it does not split the rows into the header's columns."""
    rows = [
        row
        for row in islice(read_rows(text.head, io.BytesIO(), text.encoded, separator), _TRIED_ROWS)
        if isinstance(row, Row) and any(cell.strip() for cell in row.cells) and row.line > text.skipped
    ]
    header = _header(rows, said, known)
    if header is None or len(header.cells) < 2:
        return None
    below = [row for row in rows if row.line > header.line]
    fitting = sum(1 for row in below if len(row.cells) == len(header.cells) or not any(row.cells[len(header.cells) :]))
    found = known([column_name(cell) for cell in header.cells])
    if said.separator is None and 2 * fitting < len(below) and found < 2:
        return None
    return _Try(separator, header, found)


def _header(rows: list[Row], said: FileForm, known: Known) -> Row | None:
    if said.header_line:
        return next((row for row in rows if row.line == said.header_line), None)
    if said.header_line == 0 or not rows:
        return rows[0] if rows else None
    scores = [known([column_name(cell) for cell in row.cells]) for row in rows[:_HEADER_WITHIN]]
    return rows[scores.index(max(scores))] if max(scores) >= 2 else rows[0]
