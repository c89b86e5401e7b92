"""Every ugly cell becomes what it must, or is refused by line, column and reason; its neighbours are read right."""

import csv
import io
import json
from typing import Any

import pytest
from tests.unit.publishing.tables.reading import read_table
from tests.unit.publishing.tables.ugly_cells import CASES, COLUMNS, IDS, Cell

TOP = 'marketplace: demo-vn\ncountry: VN\nzone: "+07:00"\n'


def mapping_for(case: Cell) -> str:
    lines = []
    for column, (fact, _) in COLUMNS.items():
        if fact:
            said = f", {case.said}" if column == case.column and case.said else ""
            lines.append(f"  {fact}: {{column: {column}{said}}}\n")
    top = f"{case.top}\n" if case.top else ""
    return f"{TOP}{top}facts:\n{''.join(lines)}"


def table_for(case: Cell) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(COLUMNS)
    usual = {column: cell for column, (_, cell) in COLUMNS.items()}
    for row in ({"Mã đơn": "P-1"}, {**(case.others or {}), case.column: case.text}, {"Mã đơn": "P-3"}):
        writer.writerow((usual | row).values())
    return text.getvalue().encode()


def at(event: Any, path: str) -> Any:
    for part in path.split("."):
        event = event[int(part)] if isinstance(event, list) else event[part]
    return event


def ended(events: list[dict[str, Any]], word: str, parcel: str) -> dict[str, Any]:
    (found,) = [event for event in events if event["id"] == f"{parcel}.{word}"]
    return found


@pytest.mark.parametrize("case", CASES, ids=[f"{case.column}: {case.text} {case.said}" for case in CASES])
def test_a_cell_is_read_right_or_refused_by_line_and_column(case: Cell) -> None:
    read = read_table(table_for(case), mapping_for(case))
    neighbours = [event for event in read.events if event["data"]["parcel_id"] in {"P-1", "P-3"}]
    assert len(neighbours) == 4
    own = [event for event in read.events if event not in neighbours]
    if case.expected.startswith("!"):
        (fault,) = read.faults
        assert case.expected[1:] in str(fault)
        assert fault.line == 3
        assert fault.column in {case.column, *(case.others or {}), "Đơn", "Loại dầu", ""}
        mapped = (case.text, *(case.others or {}).values())
        assert not fault.value or any(fault.value[-3:] in text or fault.value[:3] in text for text in mapped)
        assert "Nguyễn" not in str(fault)
        assert fault.remedy
        event = COLUMNS[case.column][0].partition(".")[0]
        both = case in IDS
        assert [e["id"] for e in own] == ([] if both else [f"P-2.{'delivered' if event == 'packed' else 'packed'}"])
        return
    assert read.faults == []
    word, _, path = case.expected.partition("=")[0].partition(".")
    parcel = own[0]["data"]["parcel_id"]
    happened = ended(read.events, word, parcel)
    found = happened["time"] if path == "time" else at(happened["data"], path)
    assert found == json.loads(case.expected.partition("=")[2])
    assert len(own) == 2


def test_what_the_case_does_not_touch_is_the_same_in_every_row() -> None:
    read = read_table(table_for(CASES[1]), mapping_for(CASES[1]))
    first, third = (
        {word: json.dumps(ended(read.events, word, parcel)).replace(parcel, "P") for word in ("packed", "delivered")}
        for parcel in ("P-1", "P-3")
    )
    assert first == third


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 100
    assert len(set(map(str, CASES))) == len(CASES)
