"""A partition's rows on disk (RocksDB): a copy of its changelog, so that a state need not fit into memory.

Written after the transaction that holds the same rows is committed, without a log of its own: the changelog is that
log. What a kill takes from the disk is always its latest writes, and the next start reads those from the changelog.
"""

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.state.meta import META_KEY, store_of

logger = logging.getLogger(__name__)

WRITE_BUFFER_BYTES = 4 * 1024 * 1024
"""Rows kept in memory before they go to disk; what a kill costs, for each partition, to read again."""

BLOCK_CACHE_BYTES = 4 * 1024 * 1024
FILTER_BITS = 10
"""Bits of the Bloom filters for each key: one look-up in a hundred for a key that is not there reads the disk."""

_MARK_KEY = b"\x00mark"
_END = b"\xff" * 64
"""After every key: keys begin with the texts that a state gives them."""

Rows = Mapping[bytes, bytes | None]
"""Values by key; None deletes."""

Lookup = Callable[[bytes], bytes | None]
"""The value of a key, None if there is none."""


class Layout(Protocol):
    """How a state uses a disk."""

    @property
    def resident(self) -> Sequence[bytes]:
        """First bytes of the keys whose rows are restored into the state when it is opened."""

    def check(self, key: bytes, value: bytes) -> None:
        """Raise if a row that comes from the changelog cannot be read back."""

    def beside(self, rows: Rows, lookup: Lookup) -> Rows:
        """Rows to keep on this disk beside those of the changelog, so that the state can find them.

        `lookup` answers with what is on disk before `rows` are.
        """


class AllResident:
    """The whole state in memory; the disk only shortens the way back to it."""

    resident: Sequence[bytes] = (b"",)

    def check(self, key: bytes, value: bytes) -> None:
        """Restoring the row will tell."""

    def beside(self, rows: Rows, lookup: Lookup) -> Rows:
        """Nothing."""
        _ = rows, lookup
        return {}


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the disk follows its changelog: the offset of the last meta row it contains, and when that was written.

    `written_ms` is milliseconds since 1970.
    """

    offset: int
    written_ms: int


class DiskRows:
    """The rows of one partition. One process at a time has them open."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        """Open or create; a copy that is damaged is thrown away, for the changelog has all of it.

        Raises `StreamingError` if another process has the folder open or the package is missing.
        """
        self.layout = layout
        self._folder, self._damaged = folder, folder.with_name(f"{folder.name}.damaged")
        if self._damaged.exists():
            self._remove()
        self._db = self._opened()
        self._looked_up: dict[bytes, bytes | None] = {}

    @property
    def mark(self) -> Mark | None:
        """How far the rows have come; None if nothing is here."""
        raw = self.get(_MARK_KEY)
        return None if raw is None else Mark(**orjson.loads(raw))

    @property
    def store(self) -> str | None:
        """Which store the rows are of, None if nothing is here."""
        raw = self.get(META_KEY)
        return None if raw is None else store_of(raw)

    def get(self, key: bytes) -> bytes | None:
        """The row's value, None if there is none."""
        try:
            return self._looked_up[key]
        except KeyError:
            value: bytes | None = self._read(lambda: self._db.get(key))
            self._looked_up[key] = value
            return value

    def range(self, first: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values from `first` up to but without `end`, in the order of their bytes."""
        cursor = self._db.iter()
        self._read(lambda: cursor.seek(first))
        while cursor.valid():
            key, value = cursor.key(), cursor.value()
            if key >= end:
                return
            yield key, value
            self._read(cursor.next)
        self._read(cursor.status)

    def resident(self) -> Iterator[tuple[bytes, bytes]]:
        """The rows that the state wants back."""
        for prefix in self.layout.resident:
            for key, value in self.range(prefix, prefix + _END):
                if key not in {_MARK_KEY, META_KEY}:
                    yield key, value

    def write(self, rows: Rows, mark: Mark | None) -> None:
        """Put and delete rows, and move the mark unless it is None: all of it or, after a kill, nothing."""
        from rocksdict import WriteBatch  # noqa: PLC0415 - an optional package

        batch = WriteBatch(raw_mode=True)
        for group in (rows, self.layout.beside(rows, self.get)):
            for key, value in group.items():
                if value is None:
                    batch.delete(key)
                else:
                    batch.put(key, value)
        if mark is not None:
            batch.put(_MARK_KEY, orjson.dumps(asdict(mark)))
        self._db.write(batch, self._unlogged)
        self._looked_up.clear()

    def clear(self) -> None:
        """Throw every row away."""
        self._db.close()
        self._remove()
        self._db = self._opened()
        self._looked_up.clear()

    def close(self) -> None:
        """Put what is in memory on disk and let the folder go."""
        self._db.flush()
        self._db.close()

    def _read(self, step: Callable[[], Any]) -> Any:
        """What a step of reading yields; if it fails, the next start begins without this copy."""
        try:
            return step()
        except Exception:
            self._damaged.touch()
            raise

    def _opened(self) -> Any:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._open()
        except ImportError as error:
            raise StreamingError(
                "a state on disk needs the package rocksdict: install greenlane[disk], or name no folder for states"
            ) from error
        except Exception as error:
            if f"{self._folder.name}/LOCK" in str(error):
                raise StreamingError(
                    f"{self._folder} is open in another process: give each worker a folder of its own"
                ) from error
            logger.warning("%s cannot be opened (%s): it is made anew from the changelog", self._folder, error)
            self._remove()
            return self._open()

    def _open(self) -> Any:
        from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteOptions  # noqa: PLC0415 - as above

        table = BlockBasedOptions()
        table.set_bloom_filter(FILTER_BITS, block_based=False)
        table.set_block_cache(Cache(BLOCK_CACHE_BYTES))
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_block_based_table_factory(table)
        options.set_write_buffer_size(WRITE_BUFFER_BYTES)
        options.set_max_write_buffer_number(2)
        options.set_level_compaction_dynamic_level_bytes(True)
        options.set_keep_log_file_num(2)
        self._unlogged = WriteOptions()
        self._unlogged.disable_wal = True  # type: ignore[method-assign, assignment] # a property, declared as a method
        return Rdict(str(self._folder), options)

    def _remove(self) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._damaged.unlink(missing_ok=True)
