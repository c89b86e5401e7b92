"""A table that was opened: its form, its columns, a sample of its rows, and all of them; CSV or JSON Lines."""

import io
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import BinaryIO, NamedTuple

from greenlane.publishing.tables.faults import MappingError, UnreadableTableError
from greenlane.publishing.tables.guessing import Guess, Told, Wanted, guess
from greenlane.publishing.tables.header_words import is_known
from greenlane.publishing.tables.mapping import FileForm, Mapping
from greenlane.publishing.tables.plan import Plan, plan
from greenlane.publishing.tables.rows.csv_rows import Row, Unread
from greenlane.publishing.tables.rows.encodings import encoding_of
from greenlane.publishing.tables.rows.form import (
    HEAD_BYTES,
    SAMPLE_ROWS,
    SEPARATOR_NAMES,
    Form,
    body_rows,
    column_name,
    form_of,
    sample,
)
from greenlane.publishing.tables.rows.json_rows import absent, lists_in, paths, read_json_rows


class Table(NamedTuple):
    """A table's columns and first bytes. `form` is None for JSON Lines."""

    head: bytes
    stream: BinaryIO
    form: Form | None
    header: tuple[str, ...]

    def described(self) -> str:
        """How the table is written, in words."""
        if self.form is None:
            return f"JSON Lines, {len(self.header)} fields"
        header = f"header in line {self.form.header_line}" if self.form.header_line else "no header"
        separator = SEPARATOR_NAMES[self.form.separator]
        return f"{self.form.encoded.encoding} ({self.form.encoded.reason}), separated by {separator}, {header}"

    def is_named(self) -> bool:
        """Whether the columns have names for certain; else their names may be the values of a parcel."""
        return self.form is None or sum(map(is_known, self.header)) >= 2

    def sampled(self) -> list[Row]:
        """The sound rows of the first bytes."""
        if self.form is not None:
            return sample(self.form, self.head)
        end = self.head.rfind(b"\n") + 1 if len(self.head) >= HEAD_BYTES else len(self.head)
        rows = read_json_rows(self.head[:end], io.BytesIO(), self.header)
        return [row for row, _ in zip(rows, range(SAMPLE_ROWS), strict=False) if isinstance(row, Row)]

    def file_form(self) -> FileForm:
        """The form as a mapping says it, so that another file of the same program is read the same way."""
        if self.form is None:
            return FileForm()
        encoding = self.form.encoded.encoding
        header = None if self.form.header_line == 1 else self.form.header_line
        return FileForm(
            encoding=None if self.form.encoded.mark else encoding, separator=self.form.separator, header_line=header
        )


def open_table(stream: BinaryIO, mapping: Mapping | None, *, json_lines: bool) -> Table:
    """Look at the first bytes of a file. Raises UnreadableTableError, MappingError, OSError."""
    head = stream.read(HEAD_BYTES)
    if json_lines:
        return _json_table(head, stream, mapping)
    if mapping is not None and mapping.file.header_line is None and mapping.has_numbers_only():
        raise MappingError(
            "the mapping names columns by their numbers only, so nothing says whether the first line is a parcel; "
            "write `file: {header_line: 0}` if it is, `file: {header_line: 1}` if it has the names of the columns"
        )
    form = form_of(head, mapping.file if mapping is not None else FileForm(), _known(mapping))
    return Table(head, stream, form, form.header)


def _json_table(head: bytes, stream: BinaryIO, mapping: Mapping | None) -> Table:
    if encoding_of(head, None).encoding != "utf-8":
        raise UnreadableTableError("JSON Lines are UTF-8, and the file is not; save it as UTF-8")
    found = paths(head)
    names = set(map(column_name, found))
    mapped = [] if mapping is None else [str(source.column) for source in mapping.facts.values() if source.column]
    header = tuple(dict.fromkeys([*(path for path in mapped if column_name(path) not in names), *found]))
    if not header:
        raise UnreadableTableError("no line of the file's beginning is a JSON object; write one order a line")
    return Table(head, stream, None, header)


def _known(mapping: Mapping | None) -> Callable[[Sequence[str]], int]:
    if mapping is None:
        return lambda names: sum(1 for name in names if is_known(name))
    wanted = set(map(column_name, mapping.names_columns()))
    return lambda names: sum(1 for name in names if name in wanted)


def guessed(table: Table, told: Told, wanted: Wanted | None = None) -> Guess:
    """The mapping that a table suggests; of `wanted` facts alone, where it is given."""
    return guess(table.header, [row.cells for row in table.sampled()], table.file_form(), told, wanted)


def planned(table: Table, mapping: Mapping, now: datetime) -> Plan:
    """The plan of a mapping for a table. Raises MappingError."""
    if table.form is None and any(isinstance(source.column, int) for source in mapping.facts.values()):
        raise MappingError("columns of JSON Lines have names, not numbers; write the path of the field")
    found = plan(mapping, table.header, now)
    if table.form is not None:
        return found
    names = tuple(table.header[column] for column in found.columns)  # as the file writes them, letters not composed
    _refuse_paths(table, names)
    return found._replace(columns=tuple(range(len(names))), names=names)


def _refuse_paths(table: Table, names: Sequence[str]) -> None:
    """Raises MappingError for paths that cannot be read, or that no object has, with those near it."""
    for name in names:
        if lists_in(name) > 1:
            raise MappingError(
                f"the path {name!r} goes through a list inside a list, and a row is an entry of one list; "
                "write the inner entries as lines or as one list"
            )
    for name in absent(table.head, names):
        close = get_close_matches(name, paths(table.head), n=3, cutoff=0.5)
        near = f"near it: {', '.join(close)}" if close else "a name with a dot or [] in it cannot be mapped: rename it"
        raise MappingError(
            f"no order of the file's beginning has the path {name!r}; {near}; correct it, or take it out of the mapping"
        )


def rows_of(table: Table, found: Plan) -> Iterator[Row | Unread]:
    """Every row of a table for that plan. Raises OSError, UnreadableTableError."""
    if table.form is not None:
        return body_rows(table.form, table.head, table.stream)
    return read_json_rows(table.head, table.stream, found.names, found.parcel.place)
