"""The spool's file: what is committed stands, what is altered is never sent, and a full one loses nothing."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.spool.faults import SpoolDamaged, SpoolError, SpoolFull, SpoolInUse
from greenlane.publishing.sdk.spool.file import LEAST_BYTES, Counts, SpoolFile
from greenlane.publishing.sdk.spool.ownership import Ownership, is_owned
from greenlane.publishing.sdk.spool.rows import DamagedRow, Row


def a_row(number: int, value: bytes = b"{}") -> Row:
    return Row(number, f"event-{number}", RawRecord(b"seller-1", value, (("ce_id", b"\xff\x00"),)))


def opened(path: Path, marketplace: str = "demo-vn", most: int = LEAST_BYTES) -> SpoolFile:
    return SpoolFile(path, marketplace, most)


def numbers(file: SpoolFile, after: int = 0) -> list[int]:
    return [row.number for row in file.waiting_after(after, 10_000)]


def filled(file: SpoolFile, group: int, size: int) -> int:
    """Append groups of rows until one is refused; the last number that was taken."""
    last = 0
    while True:
        try:
            file.exchange([a_row(number, os.urandom(size)) for number in range(last + 1, last + group + 1)])
        except SpoolFull as error:
            return last if "raise spool_bytes" in str(error) else -1
        last += group


def test_events_come_back_as_they_were_taken_after_the_file_was_closed(tmp_path: Path) -> None:
    rows = [a_row(1), Row(2, "no key", RawRecord(None, b"x")), Row(3, "no value", RawRecord(b"k", None))]
    file = opened(tmp_path / "events.spool")
    file.exchange(rows)
    file.close()

    again = opened(tmp_path / "events.spool")

    assert again.waiting_after(0, 10) == rows
    assert again.waiting_after(1, 1) == rows[1:2]
    assert (again.last_number, again.marketplace) == (3, "demo-vn")


def test_numbers_are_never_given_twice_even_when_the_file_is_empty(tmp_path: Path) -> None:
    file = opened(tmp_path / "events.spool")
    file.exchange([a_row(1), a_row(2)])
    file.exchange((), [1, 2])
    file.close()

    again = opened(tmp_path / "events.spool")
    assert (numbers(again), again.last_number) == ([], 2)


def test_what_kafka_refused_is_kept_aside_with_its_reason_and_may_wait_again(tmp_path: Path) -> None:
    file = opened(tmp_path / "events.spool")
    file.exchange([a_row(1), a_row(2), a_row(3)])

    file.exchange((), [1], [(2, "too large " * 100)])

    (aside,) = file.aside(10)
    assert (aside.number, aside.event_id, aside.seller) == (2, "event-2", "seller-1")
    assert aside.reason.startswith("too large")
    assert len(aside.reason) == 500
    assert numbers(file) == [3]
    assert (file.counts().waiting, file.counts().aside) == (1, 1)
    assert file.try_aside_again() == 1
    assert numbers(file) == [2, 3]


def test_the_file_is_this_user_s_alone_and_every_commit_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    file = opened(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert file._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert file._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_full_spool_takes_nothing_more_keeps_what_it_has_and_its_file_within_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    file = opened(path)
    last = filled(file, 10, 5_000)

    assert 600 < last < 10_000
    assert numbers(file) == list(range(1, last + 1))
    assert file.counts().aside == 0
    file.exchange((), (), [(number, "r" * 500) for number in range(1, 200)])
    file.exchange((), list(range(1, last + 1)))
    file.exchange([a_row(last + 1)])
    file.close()
    assert path.stat().st_size <= LEAST_BYTES


def test_small_events_fill_the_spool_to_more_than_half(tmp_path: Path) -> None:
    file = opened(tmp_path / "events.spool")
    last = filled(file, 100, 500)
    assert last * 500 > LEAST_BYTES // 2


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4_000])
def test_a_file_that_is_no_database_is_refused_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.spool"
    path.write_bytes(content)
    with pytest.raises(SpoolDamaged, match=r"events\.spool is damaged.*begin with a new one"):
        opened(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else_and_one_with_a_trigger_are_no_spool(tmp_path: Path) -> None:
    other, altered = tmp_path / "other.db", tmp_path / "altered.spool"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE orders (id INTEGER)")
    opened(altered).close()
    with sqlite3.connect(altered) as db:
        db.execute("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END")
    for path in (other, altered):
        with pytest.raises(SpoolDamaged, match="spool"):
            opened(path)
        with pytest.raises(SpoolDamaged, match="spool"):
            SpoolFile.reader(path)


def test_a_torn_file_is_refused_or_its_damaged_rows_are_named_and_never_sent(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    file = opened(path)
    file.exchange([a_row(number, b"%05d" % number * 500) for number in range(1, 101)])
    file.close()
    whole = path.read_bytes()
    written = {row.number: row for row in opened(path).waiting_after(0, 1_000)}

    for place in range(100, len(whole), len(whole) // 150):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        try:
            found = opened(path).waiting_after(0, 1_000)
        except SpoolError:
            continue
        finally:
            for beside in tmp_path.glob("events.spool-*"):
                beside.unlink()
        assert all(written.get(row.number) == row for row in found if isinstance(row, Row))


def test_a_row_of_another_content_is_named_as_damaged(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    opened(path).exchange([a_row(1), a_row(2), a_row(3)])
    with sqlite3.connect(path) as db:
        db.execute("UPDATE events SET value = 'text' WHERE number = 1")
        db.execute("UPDATE events SET id = 'another' WHERE number = 2")
    assert opened(path).waiting_after(0, 10) == [DamagedRow(1, "event-1"), DamagedRow(2, "another"), a_row(3)]


def test_a_spool_of_another_marketplace_or_in_no_folder_is_refused(tmp_path: Path) -> None:
    opened(tmp_path / "events.spool").close()
    with pytest.raises(SpoolError, match="holds events of demo-vn"):
        opened(tmp_path / "events.spool", "shop-th")
    with pytest.raises(SpoolError, match="cannot be opened"):
        opened(tmp_path / "nowhere" / "events.spool")
    with pytest.raises(SpoolError, match="cannot be opened"):
        opened(tmp_path)
    with pytest.raises(SpoolError, match="cannot be used"):
        SpoolFile.reader(tmp_path / "absent.spool")


def test_one_publisher_holds_a_spool_until_it_gives_it_back(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    assert not is_owned(path)
    first = Ownership(path)
    with pytest.raises(SpoolInUse, match="in use by another publisher"):
        Ownership(path)
    assert is_owned(path)
    first.release()
    assert not is_owned(path)


def test_a_reader_sees_what_is_committed_while_another_connection_writes(tmp_path: Path) -> None:
    file = opened(tmp_path / "events.spool")
    reader = SpoolFile.reader(tmp_path / "events.spool")
    assert reader.counts() == Counts(0, 0, 0, 0)
    file.exchange([a_row(1)])
    assert reader.waiting_after(0, 10) == [a_row(1)]
    assert reader.counts().waiting == 1
