"""A copy of a changelog on disk: how far it follows, and when it is thrown away."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from greenlane.streaming import DiskRows, Mark, StreamingError
from greenlane.streaming.state.disk import AllResident
from greenlane.streaming.state.meta import META_KEY, Meta
from greenlane.streaming.state.store import LONGEST_ABSENCE_MS, catch_up


class Record(NamedTuple):
    offset: int
    key: bytes
    value: bytes | None
    timestamp: int = 1_000


class Topic:
    """A changelog as a list; what was asked for is remembered."""

    def __init__(self, *records: Record) -> None:
        self.records = list(records)
        self.starts: list[int | None] = []

    def __str__(self) -> str:
        return "log[0]"

    async def read(self, start: int | None = None) -> AsyncIterator[list[Record]]:
        self.starts.append(start)
        for record in self.records:
            if record.offset >= (start or 0):
                yield [record]


def meta(offset: int, store: str = "one", timestamp: int = 1_000) -> Record:
    return Record(offset, META_KEY, Meta(offset, 1, store).encode(), timestamp)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "states" / "log-0"


@pytest.fixture
def disk(folder: Path) -> Iterator[DiskRows]:
    rows = DiskRows(folder, AllResident())
    yield rows
    rows.close()


def standing(disk: DiskRows) -> dict[bytes, bytes]:
    return dict(disk.resident())


async def follow(topic: Topic, disk: DiskRows, now_ms: int = 2_000) -> int:
    return await catch_up(topic, disk, now_ms)  # type: ignore[arg-type] # a changelog without a broker


async def test_a_copy_is_filled_once_and_then_only_follows(disk: DiskRows) -> None:
    topic = Topic(Record(0, b"a", b"1"), Record(1, b"b", b"1"), meta(2))
    assert await follow(topic, disk) == 3
    topic.records += [Record(4, b"a", None), Record(5, b"c", b"3"), meta(6)]
    assert await follow(topic, disk) == 4
    assert standing(disk) == {b"b": b"1", b"c": b"3"}
    assert topic.starts == [None, 2]
    assert disk.mark == Mark(6, 1_000)


async def test_a_copy_of_another_store_is_thrown_away(disk: DiskRows) -> None:
    await follow(Topic(Record(0, b"a", b"old"), meta(1, "one")), disk)
    anew = Topic(Record(0, b"b", b"new"), meta(1, "two"), Record(2, b"b", b"newer"), meta(3, "two"))
    assert await follow(anew, disk) == 4
    assert standing(disk) == {b"b": b"newer"}
    assert anew.starts == [1, None]


async def test_a_copy_that_is_ahead_of_its_changelog_is_thrown_away(disk: DiskRows) -> None:
    await follow(Topic(Record(0, b"a", b"old"), meta(9)), disk)
    assert await follow(Topic(Record(0, b"b", b"new"), meta(1)), disk) == 2
    assert standing(disk) == {b"b": b"new"}


async def test_a_copy_of_a_release_that_named_no_store_is_thrown_away(disk: DiskRows) -> None:
    topic = Topic(Record(0, b"a", b"1"), meta(1, ""))
    await follow(topic, disk)
    await follow(topic, disk)
    assert topic.starts == [None, 1, None]


@pytest.mark.parametrize(
    ("absence", "starts"), [(LONGEST_ABSENCE_MS, [None, 1]), (LONGEST_ABSENCE_MS + 1, [None, None])]
)
async def test_a_copy_older_than_deletions_live_is_thrown_away(
    disk: DiskRows, absence: int, starts: list[int | None]
) -> None:
    topic = Topic(Record(0, b"a", b"1"), meta(1))
    await follow(topic, disk)
    await follow(topic, disk, 1_000 + absence)
    assert topic.starts == starts


async def test_rows_without_the_meta_row_behind_them_do_not_move_the_mark(disk: DiskRows) -> None:
    topic = Topic(Record(0, b"a", b"1"), meta(1), Record(2, b"a", b"half of a batch"))
    await follow(topic, disk)
    assert disk.mark == Mark(1, 1_000)


async def test_a_row_that_cannot_be_read_back_is_named(folder: Path) -> None:
    class Digits(AllResident):
        def check(self, key: bytes, value: bytes) -> None:
            super().check(key, value)
            int(value)

    disk = DiskRows(folder, Digits())
    with pytest.raises(StreamingError, match=r"log\[0\]@4 key b'a': the row cannot be read back"):
        await follow(Topic(Record(4, b"a", b"not a number"), meta(5)), disk)
    disk.close()


@pytest.mark.usefixtures("disk")
def test_a_folder_that_is_open_elsewhere_is_refused(folder: Path) -> None:
    with pytest.raises(StreamingError, match="open in another process: give each worker a folder of its own"):
        DiskRows(folder, AllResident())


def test_a_copy_that_cannot_be_opened_is_made_anew(folder: Path) -> None:
    before = DiskRows(folder, AllResident())
    before.write({b"a": b"1"}, Mark(1, 1))
    before.close()
    (folder / "CURRENT").write_text("MANIFEST-999999\n")
    after = DiskRows(folder, AllResident())
    assert after.mark is None
    assert standing(after) == {}
    after.close()


def test_a_copy_that_cannot_be_read_ends_the_process_and_is_made_anew_at_the_next_start(folder: Path) -> None:
    before = DiskRows(folder, AllResident())
    before.write({b"%06d" % number: os.urandom(200) for number in range(20_000)}, Mark(1, 1))
    before.close()
    for table in folder.glob("*.sst"):
        size = table.stat().st_size
        with table.open("r+b") as file:
            file.seek(size // 3)
            file.write(os.urandom(size // 3))
    torn = DiskRows(folder, AllResident())
    with pytest.raises(Exception, match="Corruption"):
        standing(torn)
    torn.close()
    after = DiskRows(folder, AllResident())
    assert after.mark is None
    assert standing(after) == {}
    after.close()


def test_a_kill_takes_the_latest_batches_and_leaves_all_that_came_before_whole(folder: Path) -> None:
    dying = subprocess.run([sys.executable, "-c", DYING, str(folder)], check=False)
    assert dying.returncode == -signal.SIGKILL
    disk = DiskRows(folder, AllResident())
    assert disk.mark is not None
    assert 0 < disk.mark.offset < 400
    assert set(standing(disk)) == {
        b"%d-%d" % (batch, row) for batch in range(disk.mark.offset + 1) for row in range(100)
    }
    disk.close()


DYING = """
import os, signal, sys
from pathlib import Path
from greenlane.streaming import DiskRows, Mark
from greenlane.streaming.state.disk import AllResident

disk = DiskRows(Path(sys.argv[1]), AllResident())
for batch in range(400):
    disk.write({b"%d-%d" % (batch, row): os.urandom(200) for row in range(100)}, Mark(batch, 0))
os.kill(os.getpid(), signal.SIGKILL)
"""
