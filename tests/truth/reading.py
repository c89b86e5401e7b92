"""Reads the truth file of a simulation."""

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLOSED = b'{"records"'
PLAN = b'{"plan"'
SELLER = b'{"seller_id":"'


@dataclass(frozen=True)
class Fact:
    """An event that counts when days are closed from `first` on, and before `until` if that is a day."""

    seller: str
    first: dt.date
    until: dt.date | None
    event: dict[str, Any]


@dataclass(frozen=True)
class Ending:
    """The last line: how many records were published, by kind, and the runs of closed days."""

    records: int
    by_kind: dict[str, int]
    closed: list[tuple[dt.date, dt.date]]


def lines(path: Path) -> Iterator[bytes]:
    """The lines as they are."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        yield from file


def seller_of(line: bytes) -> bytes:
    """Whose fact a line is, without reading all of it; empty for the first and the last line."""
    return line[len(SELLER) : line.index(b'"', len(SELLER))] if line.startswith(SELLER) else b""


def fact_of(line: bytes) -> Fact:
    """The fact of a line."""
    said = json.loads(line)
    until = said["until"]
    return Fact(said["seller_id"], _day(said["from"]), None if until is None else _day(until), said["event"])


def ending_of(path: Path) -> Ending:
    """The last line. Raises ValueError for a file whose simulation did not end."""
    last = b""
    for last in lines(path):  # noqa: B007 - the last one is wanted
        pass
    if not last.startswith(CLOSED):
        raise ValueError(f"{path} has no last line: its simulation did not end. Simulate again")
    said = json.loads(last)
    closed = [(dt.date.fromisoformat(first), dt.date.fromisoformat(end)) for first, end in said["closed"]]
    return Ending(said["records"], said["by_kind"], closed)


def _day(moment: str) -> dt.date:
    return dt.datetime.fromisoformat(moment).astimezone(dt.UTC).date()
