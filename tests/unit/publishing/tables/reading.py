"""Reads a table as the command does, for the tests beside it."""

import io
import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from greenlane.contracts.reading.fulfilment import read_document
from greenlane.publishing.tables.events import Events, Tally
from greenlane.publishing.tables.faults import Fault
from greenlane.publishing.tables.guessing import Told
from greenlane.publishing.tables.mapping import Mapping, parse_mapping
from greenlane.publishing.tables.table import guessed, open_table, planned, rows_of
from greenlane.publishing.tables.wire import Wire

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Read(NamedTuple):
    """What a table came to: its events as documents, its faults, and the counts."""

    events: list[dict[str, Any]]
    faults: list[Fault]
    tally: Tally


def read_table(file: bytes, mapping: Mapping | str, *, json_lines: bool = False) -> Read:
    """Read a table; every event is checked against the contract, and the counts add up."""
    sound = parse_mapping(mapping, "mapping") if isinstance(mapping, str) else mapping
    table = open_table(io.BytesIO(file), sound, json_lines=json_lines)
    found = Events(planned(table, sound, NOW))
    wire = Wire("demo-vn")
    read = Read([], [], found.tally)
    for item in found.read(rows_of(table, found.plan)):
        if isinstance(item, Fault):
            read.faults.append(item)
        else:
            line = wire.line(item).encode()
            read_document(line, NOW)
            read.events.append(json.loads(line))
    assert found.tally.made == len(read.events)
    assert bool(found.tally.refused) == bool(read.faults)
    return read


def guess_of(file: bytes, *, json_lines: bool = False, country: str | None = None) -> Any:
    """The guess for a table."""
    table = open_table(io.BytesIO(file), None, json_lines=json_lines)
    return guessed(table, Told("demo-vn", country))
