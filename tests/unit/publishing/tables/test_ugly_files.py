"""Every ugly file says what it says, or is refused by line and column; the rest of it is read."""

import codecs
import io

import pytest
from tests.unit.publishing.tables.reading import read_table
from tests.unit.publishing.tables.ugly_cells import CASES
from tests.unit.publishing.tables.ugly_files import BROKEN, MAPPING, REFUSED, SAME, TEXT

from greenlane.publishing.tables.faults import MappingError, UnreadableTableError
from greenlane.publishing.tables.rows import csv_rows
from greenlane.publishing.tables.rows.encodings import Encoded


@pytest.mark.parametrize("name", SAME)
def test_a_table_says_the_same_however_it_is_written(name: str) -> None:
    file, mapping = SAME[name]
    read = read_table(file, mapping.replace("unit: kg", "unit: g"))
    assert read.faults == []
    first, delivered, second = read.events
    assert (first["id"], first["subject"], first["time"]) == ("A-1.packed", "shop-1", "2026-07-01T09:30:00+07:00")
    assert first["data"] == {
        "parcel_id": "A-1",
        "country": "VN",
        "items": [{"mass_g": 1234.5}],
        "components": [{"role": "outer", "mass_g": 87}],
    }
    assert (delivered["id"], delivered["time"]) == ("A-1.delivered", "2026-07-03T15:10:00+07:00")
    assert delivered["data"] == {
        "parcel_id": "A-1",
        "mass_g": 1234.5,
        "attempts": 1,
        "origin": {"country": "VN", "code": "48"},
        "destination": {"country": "VN", "code": "01"},
    }
    assert (second["id"], second["subject"], second["time"]) == ("A-2.packed", "shop-2", "2026-07-02T10:00:00+07:00")
    assert second["data"] == {
        "parcel_id": "A-2",
        "country": "VN",
        "items": [{"mass_g": 0.45}],
        "components": [{"role": "outer", "mass_g": 12.5}],
    }


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_named_and_the_rest_is_read(name: str) -> None:
    case = BROKEN[name]
    read = read_table(case.file, MAPPING.replace("unit: kg", "unit: g") + case.said)
    assert tuple(event["id"] for event in read.events) == case.remain
    assert len(read.faults) == len(case.faults), read.faults
    for fault, (line, column, words) in zip(read.faults, case.faults, strict=True):
        assert (fault.line, fault.column) == (line, column)
        assert words in str(fault)
        assert "gọi" not in str(fault), "a column that is not mapped is never shown"


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_table_is_refused_with_its_remedy(name: str) -> None:
    file, words = REFUSED[name]
    said = "file: {encoding: utf-8}\n" if name == "another encoding than its mark" else ""
    with pytest.raises((UnreadableTableError, MappingError)) as refused:
        read_table(file, MAPPING + said)
    assert words in str(refused.value)
    assert ";" in str(refused.value) or ":" in str(refused.value)


def test_the_corpus_has_at_least_a_hundred_files() -> None:
    assert len(CASES) + len(SAME) + len(BROKEN) + len(REFUSED) >= 100
    assert len({file for file, _ in SAME.values()}) >= len(SAME) - 3


def test_utf_16_that_breaks_off_is_refused_where_it_does() -> None:
    file = TEXT.encode("utf-16")[:-1]
    with pytest.raises(UnreadableTableError, match="line 3"):
        read_table(file, MAPPING)


def test_utf_16_that_breaks_off_in_a_line_too_long_for_a_row_is_refused_there() -> None:
    long = TEXT.replace("gọi", "g" * 70_000)
    file = codecs.BOM_UTF16_LE + long.encode("utf-16-le").replace("trước".encode("utf-16-le"), b"\x00\xd8")
    with pytest.raises(UnreadableTableError, match="line 2"):
        read_table(file, MAPPING)


def test_a_quotation_mark_in_every_line_costs_a_bounded_number_of_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, lines, encoded = 0, 2_000, Encoded("utf-8", 0, "")
    read = csv_rows._Lines.__next__

    def counting(own: csv_rows._Lines) -> str:
        nonlocal reads
        reads += 1
        return read(own)

    monkeypatch.setattr(csv_rows._Lines, "__next__", counting)
    rows = list(csv_rows.read_rows(b'a","b\n' * lines, io.BytesIO(), encoded, ",", 2))
    assert len(rows) == lines
    assert reads <= lines * (csv_rows.MAX_LINES + 1) + 1


def test_the_counts_add_up() -> None:
    for case in BROKEN.values():
        read = read_table(case.file, MAPPING + case.said)
        assert read.tally.made + read.tally.refused >= len(read.events)
        assert read.tally.rows >= read.tally.parcels
