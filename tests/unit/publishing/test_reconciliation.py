"""What `reconcile` makes of single records and rows: both readers agree, and hostile bytes are refusals, not errors."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlane.contracts.events import EVENT_MODELS
from greenlane.contracts.quick.reading import quick_event
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.unreadable import Unreadable
from greenlane.publishing.reconciliation.order_list import Listed, OrderList
from greenlane.publishing.reconciliation.records import Refused, Stands, Unread, look, stands
from greenlane.publishing.simulator.malformed import malformed_records
from greenlane.publishing.tables.faults import Fault, MappingError
from greenlane.publishing.tables.mapping import parse_mapping
from greenlane.publishing.tables.rows.csv_rows import Row

EXAMPLES = sorted((Path(__file__).parents[3] / "schemas" / "examples").glob("greenlane.*/*.json"))
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@dataclass
class Record:
    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = 0
    offset: int = 7
    timestamp: int = round(NOW.timestamp() * 1000)


def record_of(path: Path) -> Record | None:
    raw = path.read_bytes()
    document = json.loads(raw)
    if document.get("type") not in EVENT_MODELS:
        return None
    marketplace = document["source"].removeprefix("/marketplaces/")
    return Record(f"greenlane.fulfilment.{marketplace}.v1", document["subject"].encode(), raw)


def test_an_event_has_the_same_content_whichever_reader_read_it() -> None:
    records = [record for path in EXAMPLES if (record := record_of(path)) is not None]
    assert len(records) > 15
    for record in records:
        quick, exact = quick_event(record), read_event(record).event
        assert quick is not None
        assert stands(quick) == stands(exact)


def test_every_malformed_record_is_refused_for_the_reason_of_the_scorers() -> None:
    for case in malformed_records("demo-vn"):
        item = case.record
        found = look(Record("greenlane.fulfilment.demo-vn.v1", item.key, item.value, item.headers))
        assert isinstance(found, Refused), case.name
        assert (found.code, bool(found.problems)) == (case.code, True), case.name


@given(
    st.none() | st.binary(max_size=300),
    st.none() | st.binary(max_size=80),
    st.lists(
        st.tuples(st.sampled_from(["ce_type", "ce_id", "ce_subject", "content-type", "x"]), st.binary(max_size=40))
    ),
)
def test_any_bytes_are_answered(value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    assert isinstance(look(Record("greenlane.fulfilment.demo-vn.v1", key, value, tuple(headers))), Refused | Stands)


def test_offsets_that_nobody_can_read_are_counted() -> None:
    found = look(Record("greenlane.fulfilment.demo-vn.v1", None, Unreadable(3, 9, "zip bomb")))
    assert found == Unread(7, "zip bomb")


def test_a_row_tells_steps_and_a_time_that_cannot_be_read_is_neither_expected_nor_unexpected() -> None:
    text = 'zone: "+07:00"\nfacts: {parcel_id: a, seller_id: b, packed.time: c, delivered.time: d}'
    order_list = OrderList(parse_mapping(text, "m"), ["a", "b", "c", "d"], NOW)
    rows = [
        Row(2, ["P-1", "shop", "2026-07-01 07:00", ""]),
        Row(3, ["P-2", "shop", "2026-07-01 07:00", "soon"]),
        Row(4, ["not an id", "shop", "", ""]),
        Row(5, ["", "", "", ""]),
    ]
    midnight = round(datetime(2026, 7, 1, tzinfo=UTC).timestamp() * 1000)
    found = list(order_list.read(rows))
    assert [item for item in found if isinstance(item, Listed)] == [
        Listed(2, "P-1", "shop", ((0, midnight),), ()),
        Listed(3, "P-2", "shop", ((0, midnight),), (1,)),
    ]
    assert [(item.line, item.column) for item in found if isinstance(item, Fault)] == [(3, "d"), (4, "a")]


def test_a_list_without_parcels_is_refused_with_the_line_to_add() -> None:
    with pytest.raises(MappingError, match="parcel_id"):
        OrderList(parse_mapping("facts: {seller_id: b}", "m"), ["a", "b"], NOW)
