"""The partition store: reads a partition's rows back from its compacted changelog before it is used."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.records import PartitionState
from greenlane.streaming.state.changelog import Changelog
from greenlane.streaming.state.disk import AllResident, DiskRows, Layout, Mark
from greenlane.streaming.state.meta import META_KEY, Meta, decode_meta, store_of

ROWS_A_TURN = 5_000
"""Rows restored before other tasks get the event loop."""

LONGEST_ABSENCE_MS = 12 * 3600 * 1000
"""A copy on disk that is older is not used: Kafka removes deletions from a changelog after a day (its default)."""


@dataclass(frozen=True, slots=True)
class Store:
    """Where the states of a service live: behind which changelog, and in which folder a copy is kept, if in any.

    `state` makes the empty state of a partition; with a folder it is given the rows on disk.
    """

    changelog: str
    state: Callable[[int, DiskRows | None], PartitionState]
    folder: Path | None = None
    layout: Layout = field(default_factory=AllResident)

    def open(self, partition: int) -> DiskRows | None:
        """The partition's rows on disk; None when states are kept in memory alone."""
        if self.folder is None:
            return None
        return DiskRows(self.folder / f"{self.changelog}-{partition}", self.layout)


class Row(NamedTuple):
    """The latest value of a key, and where in the changelog it stands."""

    offset: int
    value: bytes


class Loaded(NamedTuple):
    """What a load found: the meta row if the partition was ever written, rows read, seconds it took."""

    meta: Meta | None
    rows: int
    seconds: float


async def load(changelog: Changelog, partitions: int, state: PartitionState, disk: DiskRows | None) -> Loaded:
    """Restore every live row of one partition, latest values only; `StreamingError` names a row that cannot be.

    With a copy on disk, only what the changelog has beyond it is read from Kafka.
    """
    started = time.perf_counter()
    if disk is None:
        rows = await _latest_rows(changelog)
        meta_row = rows.pop(META_KEY, None)
        meta = None if meta_row is None else decode_meta(meta_row.value, partitions)
        count = len(rows)
        _refuse_without_meta(meta, count, changelog)
        await _restore(_taken(rows), state, changelog)
    else:
        count = await catch_up(changelog, disk, int(time.time() * 1000))
        raw = disk.get(META_KEY)
        meta = None if raw is None else decode_meta(raw, partitions)
        _refuse_without_meta(meta, count, changelog)
        await _restore(((key, value, "") for key, value in disk.resident()), state, changelog)
    _check_whole(state, changelog)
    return Loaded(meta, count, time.perf_counter() - started)


async def catch_up(changelog: Changelog, disk: DiskRows, now_ms: int) -> int:
    """Bring the copy on disk to the end of its changelog; how many records that took.

    A copy that is too old, or that this changelog does not go on from, is thrown away and made anew.
    """
    mark = disk.mark
    if mark is not None and now_ms - mark.written_ms <= LONGEST_ABSENCE_MS:
        count = await _follow(changelog, disk, mark)
        if count is not None:
            return count
    disk.clear()
    return await _follow(changelog, disk, None) or 0


async def _follow(changelog: Changelog, disk: DiskRows, mark: Mark | None) -> int | None:
    """How many records were read from the mark on; None if they do not go on from it."""
    store, count, continued = disk.store, 0, mark is None
    async for records in changelog.read(None if mark is None else mark.offset):
        count += len(records)
        rows: dict[bytes, bytes | None] = {}
        reached: Mark | None = None
        for record in records:
            if record.key == META_KEY and record.value is not None:
                if mark is not None and (not store or store_of(record.value) != store):
                    return None
                reached, continued = Mark(record.offset, record.timestamp), True
            elif record.value is not None:
                _check(disk.layout.check, record.key, record.value, f"@{record.offset}", changelog)
            rows[record.key] = record.value
        disk.write(rows, reached)
    return count if continued else None


def _refuse_without_meta(meta: Meta | None, rows: int, changelog: Changelog) -> None:
    if meta is None and rows:
        raise StreamingError(
            f"{changelog} has {rows} rows but does not say how far they have come; make "
            "the state anew with `greenlane rebuild`"
        )


async def _restore(rows: Iterable[tuple[bytes, bytes, str]], state: PartitionState, changelog: Changelog) -> None:
    for count, (key, value, place) in enumerate(rows, 1):
        _check(state.restore, key, value, place, changelog)
        if count % ROWS_A_TURN == 0:
            await asyncio.sleep(0)


def _check(read: Callable[[bytes, bytes], None], key: bytes, value: bytes, place: str, changelog: Changelog) -> None:
    try:
        read(key, value)
    except Exception as error:
        raise StreamingError(
            f"{changelog}{place} key {key!r}: the row cannot be read back "
            f"({type(error).__name__}: {error}); make the state anew with `greenlane rebuild`"
        ) from error


def _check_whole(state: PartitionState, changelog: Changelog) -> None:
    """An empty batch: the state may now look at its rows together, before anyone is told it is ready."""
    try:
        state.handle([])
    except Exception as error:
        raise StreamingError(f"{changelog}: the rows do not belong together ({error})") from error


def _taken(rows: dict[bytes, Row]) -> Iterator[tuple[bytes, bytes, str]]:
    """Key, value and place of each row, which is let go of: there is no moment with all rows and the whole state."""
    while rows:
        key, row = rows.popitem()
        yield key, row.value, f"@{row.offset}"


async def _latest_rows(changelog: Changelog) -> dict[bytes, Row]:
    rows: dict[bytes, Row] = {}
    async for records in changelog.read():
        for record in records:
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = Row(record.offset, record.value)
    return rows
