"""Reads a table as the command does, for the tests beside it."""

import io
import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from greenlane.contracts.reading.fulfilment import read_document
from greenlane.publishing.tables.cells import cleaned
from greenlane.publishing.tables.events import Events, Tally
from greenlane.publishing.tables.facts import TYPES
from greenlane.publishing.tables.faults import Fault
from greenlane.publishing.tables.guessing import Told
from greenlane.publishing.tables.mapping import Mapping, parse_mapping
from greenlane.publishing.tables.plan import Cells, Plan
from greenlane.publishing.tables.rows.csv_rows import Row, Unread
from greenlane.publishing.tables.rows.json_rows import NUMBER
from greenlane.publishing.tables.table import guessed, open_table, planned, rows_of
from greenlane.publishing.tables.wire import Wire

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Read(NamedTuple):
    """What a table came to: its events as documents, its faults, and the counts."""

    events: list[dict[str, Any]]
    faults: list[Fault]
    tally: Tally


def read_table(file: bytes, mapping: Mapping | str, *, json_lines: bool = False) -> Read:
    """Read a table; every event is checked against the contract, and every row is accounted for."""
    sound = parse_mapping(mapping, "mapping") if isinstance(mapping, str) else mapping
    table = open_table(io.BytesIO(file), sound, json_lines=json_lines)
    found = Events(planned(table, sound, NOW))
    wire = Wire("demo-vn")
    read = Read([], [], found.tally)
    rows: list[Row | Unread] = []
    for item in found.read(_kept(rows_of(table, found.plan), rows)):
        if isinstance(item, Fault):
            read.faults.append(item)
        else:
            line = wire.line(item).encode()
            read_document(line, NOW)
            read.events.append(json.loads(line))
    assert found.tally.made == len(read.events)
    assert bool(found.tally.refused) == bool(read.faults)
    _every_row_is_accounted_for(found.plan, read, rows)
    if json_lines:
        assert not read.tally.blank, "an object is never blank"
        lines = file.removeprefix(BOM_UTF8).split(b"\n")
        written = {number for number, line in enumerate(lines, start=1) if line.strip()}
        assert written == {row.line if isinstance(row, Row) else row.fault.line for row in rows}
    return read


def _kept(rows: Iterator[Row | Unread], into: list[Row | Unread]) -> Iterator[Row | Unread]:
    for row in rows:
        into.append(row)
        yield row


def _every_row_is_accounted_for(plan: Plan, read: Read, rows: list[Row | Unread]) -> None:
    """Each row is blank, refused, of an event, or of a parcel that is counted as one without events."""
    tally, refused = read.tally, {fault.line for fault in read.faults}
    assert tally.rows + tally.blank == len(rows)
    word_of = {name: word for word, name in TYPES.items()}
    told: dict[str, set[str]] = {}
    for event in read.events:
        told.setdefault(event["data"]["parcel_id"], set()).add(word_of[event["type"]])
    parcels: dict[str, list[tuple[int, Cells]]] = {}
    blank = 0
    for row in rows:
        if isinstance(row, Unread):
            assert row.fault in read.faults
            continue
        cells = tuple(row.cells[column] for column in plan.columns)
        blank += not any(map(cleaned, row.cells))
        parcels.setdefault(cleaned(cells[plan.parcel.place]).removeprefix(NUMBER), []).append((row.line, cells))
    assert blank == tally.blank
    silent = 0
    for parcel, own in parcels.items():
        if parcel and not refused & {line for line, _ in own}:
            silent += parcel not in told
            if plan.event.reader is not None:
                words = {plan.event.reader[cells[plan.event.place]].strip('"') for _, cells in own} - {"none"}
                assert words - {""} == told.get(parcel, set())
                assert "" not in words or parcel not in told
    assert silent == tally.without_event


def header_of(file: bytes, *, json_lines: bool = False) -> tuple[str, ...]:
    """The columns that a table offers."""
    return open_table(io.BytesIO(file), None, json_lines=json_lines).header


def guess_of(file: bytes, *, json_lines: bool = False, country: str | None = None) -> Any:
    """The guess for a table."""
    table = open_table(io.BytesIO(file), None, json_lines=json_lines)
    return guessed(table, Told("demo-vn", country))
