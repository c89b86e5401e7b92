"""Reads single cells of the Olist data set: numbers with their unit, times, ids; what is ambiguous is refused."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from greenlane.publishing.adapters.olist.files import ROW, Row

_MISSING = frozenset({"", "nan", "null", "none", "na", "n/a"})
"""What data tools write where there is no value."""

_NUMBER = re.compile(r"([0-9]+)(?:([.,])([0-9]+))?\s*([A-Za-z]*)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\s*(Z|[+-]\d\d:?\d\d)?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")

_UNITS = {"g": {"": 1.0, "g": 1.0, "kg": 1000.0}, "cm": {"": 1.0, "cm": 1.0, "mm": 0.1, "m": 100.0}}
_MOST = {"g": 1_000_000.0, "cm": 2_000.0}
_LEAST = {"g": 0.0005, "cm": 0.05}
"""What the contract takes: up to a tonne and 20 m; less becomes nothing when it is rounded to mg and mm."""


class CellError(Exception):
    """A cell cannot be read for certain; the text names row, column, problem and remedy."""

    def __init__(self, row: Row, column: str, problem: str) -> None:
        super().__init__(f"row {row.get(ROW, '?')}, column {column}: {problem}")


def measure(row: Row, column: str, unit: str) -> float | None:
    """A mass in g or a length in cm, None where the cell is empty, NaN or 0. Raises CellError.

    A unit that stands in the cell counts. One comma is a decimal comma unless three digits follow it.
    """
    text = row.get(column, "").strip()
    if text.lower() in _MISSING:
        return None
    found = _NUMBER.fullmatch(text)
    factor = _UNITS[unit].get(found[4].lower()) if found else None
    if found is None or factor is None:
        raise CellError(row, column, f"{text[:40]!r} is no number of {unit}; write it like 350.5")
    if found[2] == "," and len(found[3]) == 3:
        raise CellError(row, column, f"{text[:40]!r} has two meanings; write it like 1350 or 1.350, without a comma")
    value = float(f"{found[1]}.{found[3] or 0}") * factor
    if value == 0:
        return None
    if not _LEAST[unit] <= value <= _MOST[unit]:
        least, most = f"{_LEAST[unit]:g}", f"{_MOST[unit]:,.0f}"
        raise CellError(row, column, f"{text[:40]!r} is outside {least} to {most} {unit}; correct it or leave it empty")
    return value


def moment(row: Row, column: str, zone: ZoneInfo) -> datetime | None:
    """When something happened, in `zone` unless the cell has an offset of its own; None if empty. Raises CellError."""
    text = row.get(column, "").strip()
    if text.lower() in _MISSING:
        return None
    problem = f"{text[:40]!r} is no time for certain; write it like 2018-01-11 12:00:00"
    if not _TIME.fullmatch(text):
        raise CellError(row, column, problem)
    try:
        found = datetime.fromisoformat(re.sub(r"\s+(?=[Z+-])", "", text))
    except ValueError:
        raise CellError(row, column, problem) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def identifier(row: Row, column: str, most: int) -> str:
    """An id as the contract takes it, of at most `most` characters. Raises CellError."""
    text = row[column]
    if not _ID.fullmatch(text) or len(text) > most:
        rule = f"letters, digits and . _ : - only, at most {most}, no space"
        raise CellError(row, column, f"{text[:40]!r} is no id: {rule}; correct it in every file")
    return text
