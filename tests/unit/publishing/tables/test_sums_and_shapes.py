"""Every row is accounted for, no key stands twice, and what has the wrong shape is refused by line and column."""

import json
import unicodedata
from typing import Any

import pytest
from tests.unit.publishing.tables.reading import Read, header_of, read_table

from greenlane.publishing.tables.faults import MappingError, shortened

TOP = 'marketplace: demo-vn\nzone: "+07:00"\n'


@pytest.mark.parametrize(("cell", "country"), [("TH", "TH"), ("", "VN")])
def test_a_country_of_the_row_counts_more_than_the_mappings_and_stands_once(cell: str, country: str) -> None:
    mapping = TOP + "country: VN\nfacts: {parcel_id: id, seller_id: {value: s-1}, packed.time: t, packed.country: c}\n"
    (event,) = read_table(f"id,t,c\nP1,2026-07-13,{cell}\n".encode(), mapping).events
    assert event["data"] == {"parcel_id": "P1", "country": country}


def test_a_program_that_does_not_quote_never_gives_a_parcel_the_next_ones_mass() -> None:
    mapping = TOP + (
        "country: VN\nfacts: {parcel_id: id, seller_id: {value: s-1}, packed.time: t, packed.item.mass: m}\n"
    )
    read = read_table(b'id,name,m,t\nP1,"Hop,100 g,2026-07-13\nP2,Ao 5",200 g,2026-07-14\n', mapping)
    assert [(event["data"]["parcel_id"], event["data"]["items"]) for event in read.events] == [
        ("P2", [{"mass_g": 200}])
    ]
    (fault,) = read.faults
    assert (fault.line, "joins it with the next line" in fault.problem) == (2, True)


EVENTS = TOP + (
    "country: VN\nfacts: {parcel_id: id, seller_id: s, event: e, packed.time: t, "
    "packed.item.mass: {column: m, unit: g}}\n"
)


def _told(rows: str, mapping: str = EVENTS) -> tuple[list[str], list[tuple[int, str]], int]:
    read = read_table(f"id,s,e,t,m\n{rows}".encode(), mapping)
    return [event["id"] for event in read.events], [(f.line, f.column) for f in read.faults], read.tally.refused


def test_a_row_whose_event_has_no_mapped_time_is_refused_alone() -> None:
    rows = "P1,s,packed,2026-07-13,5\nP1,s,cancelled,2026-07-14,\nP1,s,in transit,,\nP2,s,cancelled,2026-07-14,\n"
    assert _told(rows) == (["P1.packed"], [(3, "e"), (5, "e")], 2)


def test_a_row_without_an_event_beside_rows_with_one_refuses_its_parcel() -> None:
    rows = "P1,s,packed,2026-07-13,5\nP1,s,,2026-07-14,7\nP2,s,packed,2026-07-13,5\nP3,s,,2026-07-13,5\n"
    assert _told(rows) == (["P2.packed"], [(3, "e")], 2)
    assert _told(rows.replace("P1,s,,", "P1,s,none,"))[0] == ["P1.packed", "P2.packed"]


def test_a_row_that_tells_an_event_and_not_when_it_happened_is_refused() -> None:
    assert _told("P1,s,packed,n/a,5\nP2,s,delivering,2026-07-13,5\n") == ([], [(2, "t"), (3, "e")], 2)


def test_a_time_that_says_nothing_is_no_refused_event() -> None:
    mapping = EVENTS.replace("event: e, ", "cancelled.time: e, ")
    assert _told("P1,bad seller,n/a,2026-07-13,5\nP2,bad seller,-,-,5\n", mapping) == ([], [(2, "s"), (3, "s")], 2)


@pytest.mark.parametrize(("same_rows", "masses"), [("refuse", None), ("once", [450]), ("each", [450, 450])])
def test_rows_that_say_the_same_in_other_words_are_the_same(same_rows: str, masses: list[int] | None) -> None:
    read = read_table(
        b"id,s,e,t,m\nP1,s,packed,2026-07-13,450\nP1,s,packed,2026-07-13,0.45 kg\n",
        f"{EVENTS}same_rows: {same_rows}\n",
    )
    assert [[item["mass_g"] for item in event["data"]["items"]] for event in read.events] == (
        [masses] if masses else []
    )
    assert [fault.line for fault in read.faults] == ([] if masses else [3])


def _orders(*orders: dict[str, Any], mass: str = "items[].w", parcel: str = "id") -> Read:
    mapping = TOP + (
        f"country: VN\nfacts: {{parcel_id: '{parcel}', seller_id: {{value: s-1}}, packed.time: t, "
        f"packed.item.mass: {{column: '{mass}', unit: g}}}}\n"
    )
    file = "\n".join(json.dumps(order, ensure_ascii=False) for order in orders).encode()
    return read_table(file, mapping, json_lines=True)


def _order(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": f"P{number}", "t": "2026-07-13", "items": [{"w": 5}]} | fields


def test_a_path_through_two_lists_is_refused_and_not_offered() -> None:
    order = _order(1, boxes=[{"items": [{"w": 5}, {"w": 7}], "kind": "box"}])
    with pytest.raises(MappingError, match="a list inside a list"):
        _orders(order, mass="boxes[].items[].w")
    assert header_of(json.dumps(order).encode(), json_lines=True) == ("id", "t", "items[].w", "boxes[].kind")


@pytest.mark.parametrize(
    ("path", "words"),
    [("items[].v", "near it: items[].w"), ("item[].w", "near it: items[].w"), ("ship.w", "a dot"), ("items.w", "near")],
)
def test_a_path_that_no_order_has_is_refused_with_those_near_it(path: str, words: str) -> None:
    with pytest.raises(MappingError, match=f"path '{path.replace('[', chr(92) + '[')}'") as refused:
        _orders(_order(1, **{"ship.w": 5}), mass=path)
    assert words in str(refused.value)


@pytest.mark.parametrize("last", [_order(3000, box={"w": 7}), _order(3000, box=None), _order(3000, box={"w": None})])
def test_a_path_of_a_late_order_or_of_what_is_null_is_known(last: dict[str, Any]) -> None:
    orders = [_order(number) for number in range(2999)]
    assert len(_orders(*orders, last, mass="box.w").events) == 3000
    assert len(_orders(_order(1, items=[])).events) == 1


@pytest.mark.parametrize("items", [{"w": 5}, "5", ["5"], [{"w": {"g": 5}}], [{"w": [5]}], 5])
def test_a_value_of_another_shape_than_its_path_is_refused(items: Any) -> None:
    read = _orders(_order(1), _order(2, items=items))
    assert [event["id"] for event in read.events] == ["P1.packed"]
    (fault,) = read.faults
    assert (fault.line, fault.column, fault.value) == (2, "items[].w", "")
    assert "where the path has another" in fault.problem


@pytest.mark.parametrize("order", [{"other": 1}, {}, {"id": None, "t": "", "items": []}, {"id": " "}])
def test_an_order_without_any_mapped_field_is_refused_and_not_blank(order: dict[str, Any]) -> None:
    read = _orders(_order(1), order)
    assert [(fault.line, read.tally.refused, read.tally.blank) for fault in read.faults] == [(2, 1, 0)]


def test_a_name_whose_letters_are_not_composed_is_read() -> None:
    name = unicodedata.normalize("NFD", "Mã đơn")
    (event,) = _orders({"t": "2026-07-13", "items": [{"w": 5}], name: "P1"}, parcel="Mã đơn").events
    assert event["data"]["parcel_id"] == "P1"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12 Hàng Bài, Hà Nộii", "…, Hà Nộii"),
        ("Lan,12 Hàng Bài,HN", "…,HN"),
        ("1,234 g", "1,234 g"),
        ("\x1f12.5", "12.5"),
    ],
)
def test_a_message_shows_the_end_of_an_address_and_numbers_whole(value: str, shown: str) -> None:
    assert shortened(value) == shown
