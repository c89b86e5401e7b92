"""What is wrong with a cell, a row or a file, and the two errors of this folder."""

import re
from typing import NamedTuple

from greenlane.errors import GreenlaneError

LONGEST_SHOWN = 24
"""Characters of a value that a fault shows."""

SHAPE = "\ufdd0"
"""Stands in a cell for an object or a list of JSON where one value is mapped, or for a value where a list is."""

_FOREIGN_BYTE = re.compile("[\udc80-\udcff\ufffd]")
_BETWEEN_WORDS = re.compile(r"(?<![0-9]),|,(?![0-9])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff\ud800-\udfff]")


class UnreadableTableError(GreenlaneError):
    """A file is no table that can be read; the text names the place, the problem and the remedy."""


class MappingError(GreenlaneError):
    """A mapping is not sound, or does not fit its file; the text names the line to write."""


class Fault(NamedTuple):
    """Why a row, or what a row says of one event, is refused: line (from 1), column, value, problem, remedy.

    The value is shortened. It is empty for a column that is not mapped and for a row as a whole.
    """

    line: int
    column: str
    value: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"line {self.line}"
        if self.column:
            where += f", column {self.column}"
        what = f" {self.value!r}" if self.value else ""
        return f"{where}:{what} {self.problem}; {self.remedy}"


class CellFault(Exception):  # noqa: N818 - it is the answer to a cell, raised to its row, not a fault of ours
    """A cell cannot be read for certain; the text names problem and remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class AmbiguousCell(CellFault):
    """A cell has two meanings until the mapping says which one."""


def shortened(value: str) -> str:
    """A value as a message shows it: one line of at most 24 characters, without control characters.

    Of what commas divide, and digits do not stand on both sides of, only the end is shown: no names and streets.
    """
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value.strip().lstrip(f"\x1f{SHAPE}"))
    if _BETWEEN_WORDS.search(shown):  # an address: its end is the place that was looked for
        shown = f"…,{shown.rpartition(',')[2]}"
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[: LONGEST_SHOWN - 1]}…"


def damage(value: str) -> CellFault | None:
    """The fault of a value of another shape, or with bytes that the encoding or a program has lost; else None."""
    if value == SHAPE:
        return CellFault("is an object, a list or a value where the path has another", "correct the order, or the path")
    found = _FOREIGN_BYTE.search(value)
    if found is None:
        return None
    byte = ord(found[0]) - 0xDC00
    what = f"the byte 0x{byte:02X}, which the file's encoding lacks" if byte < 0x100 else "a character that was lost"
    return CellFault(f"has {what}", "write the file again as UTF-8, or correct `encoding` below `file`")
