"""Entries on disk within one batch: what was put, moved and forgotten stands before it is written."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from greenlane.accounts.aggregator.ledger import Entry
from greenlane.accounts.aggregator.rows import RowError
from greenlane.accounts.aggregator.stored_entries import EntryPlaces, StoredEntries
from greenlane.streaming import DiskRows, Mark

KEY = ("m1", "seller", "parcel", 0)
FIRST, SECOND = date(2026, 7, 1), date(2026, 7, 5)


def entry(day: date, revision: int = 0) -> Entry:
    return Entry((revision, f"{day}T10:00:00.000000Z", "e1"), day.toordinal(), None)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskRows]:
    rows = DiskRows(tmp_path / "rows", EntryPlaces())
    yield rows
    rows.close()


def written(disk: DiskRows, entries: StoredEntries) -> dict[bytes, bytes | None]:
    changes = dict(entries.take_changes())
    disk.write(changes, Mark(1, 1))
    return changes


def test_an_entry_that_moved_in_this_batch_outlives_the_day_it_left(disk: DiskRows) -> None:
    entries = StoredEntries(disk)
    entries.put(KEY, entry(FIRST), None)
    written(disk, entries)
    entries.put(KEY, entry(SECOND, 1), entry(FIRST))
    assert not any(entries.forget("m1", SECOND.toordinal()))
    assert entries.get(KEY) == entry(SECOND, 1)
    written(disk, entries)
    assert entries.get(KEY) == entry(SECOND, 1)
    assert len(entries) == 1


@pytest.mark.parametrize("on_disk", [True, False])
def test_what_is_forgotten_is_gone_at_once_and_leaves_a_tombstone(disk: DiskRows, on_disk: bool) -> None:
    entries = StoredEntries(disk)
    entries.put(KEY, entry(FIRST), None)
    if on_disk:
        written(disk, entries)
    assert not any(entries.forget("m1", FIRST.toordinal()))
    assert entries.get(KEY) == entry(FIRST)
    assert not any(entries.forget("m2", SECOND.toordinal()))
    assert entries.get(KEY) == entry(FIRST)
    assert not any(entries.forget("m1", SECOND.toordinal()))
    assert entries.get(KEY) is None
    assert list(written(disk, entries).values()) == [None]
    assert entries.get(KEY) is None
    assert len(entries) == 0


def test_a_row_that_is_gone_from_the_disk_is_named_and_never_taken_for_a_new_parcel(disk: DiskRows) -> None:
    entries = StoredEntries(disk)
    entries.put(KEY, entry(FIRST), None)
    (key,) = written(disk, entries)
    disk._db.delete(key)
    with pytest.raises(RowError, match="not where it should be"):
        entries.get(KEY)
