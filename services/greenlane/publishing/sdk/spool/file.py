"""The spool's file: SQLite in WAL mode. A commit that returned is on the disk."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from greenlane.publishing.sdk.spool.faults import SpoolDamaged, SpoolError, SpoolFull
from greenlane.publishing.sdk.spool.rows import LARGEST_ROW, DamagedRow, Row, from_columns, to_columns

_APPLICATION = 0x474C5350
"""`GLSP`: tells a spool from any other SQLite file."""

_VERSION = 1
_PAGE_BYTES = 4_096
LEAST_BYTES = 4 * 1_048_576
_RESERVE_PAGES = 64
"""Pages kept free for reasons of events kept aside: what is refused can be noted in a full spool too."""

_EVENTS = (
    "CREATE TABLE events (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, size INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL, reason TEXT, key BLOB, headers BLOB NOT NULL, value BLOB)"
)
_TABLES = (
    _EVENTS,
    "CREATE INDEX aside ON events (number) WHERE reason IS NOT NULL",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, said TEXT NOT NULL) WITHOUT ROWID",
)
_INSERT = "INSERT INTO events (number, id, size, checksum, key, headers, value) VALUES (?, ?, ?, ?, ?, ?, ?)"
_LONGEST_REASON = 500
"""Characters."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Events in the file: those that wait for Kafka and those that Kafka refused for good; bytes of both."""

    waiting: int
    waiting_bytes: int
    aside: int
    aside_bytes: int


@dataclass(frozen=True, slots=True)
class Aside:
    """An event that is kept and not sent, and why."""

    number: int
    event_id: str
    seller: str
    reason: str


class SpoolFile:
    """One connection to the file; only one thread at a time may use it.

    Raises SpoolError when the file cannot be opened, SpoolDamaged when it is no sound spool or another marketplace's.
    """

    def __init__(self, path: Path, marketplace: str, max_bytes: int) -> None:
        self.path = path
        self._most_pages = max_bytes // _PAGE_BYTES
        _create_private(path)
        with explained(path):
            self._db = _connected(path, read_only=False)
            try:
                self._prepare(marketplace)
            except BaseException:
                self._db.close()
                raise

    @classmethod
    def reader(cls, path: Path) -> Self:
        """The file for reading alone, beside a publisher that has it open. Raises as the constructor does."""
        made = cls.__new__(cls)
        made.path = path
        made._most_pages = 0  # noqa: SLF001 - its own
        with explained(path):
            made._db = _connected(path, read_only=True)  # noqa: SLF001 - its own
            try:
                made._refuse_stranger()  # noqa: SLF001 - its own
            except BaseException:
                made.close()
                raise
        return made

    def close(self) -> None:
        """End the connection; a repeated call does nothing."""
        self._db.close()

    @property
    def marketplace(self) -> str:
        """Whose events these are."""
        found = self._db.execute("SELECT said FROM facts WHERE name = 'marketplace'").fetchone()
        if found is None or not isinstance(found[0], str):
            raise _damaged(self.path, "it names no marketplace")
        return found[0]

    @property
    def last_number(self) -> int:
        """The greatest number that was ever given."""
        found = self._db.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'").fetchone()[0]
        return max(int(found or 0), int(self._db.execute("SELECT max(number) FROM events").fetchone()[0] or 0))

    def exchange(
        self, rows: Sequence[Row] = (), delivered: Sequence[int] = (), aside: Sequence[tuple[int, str]] = ()
    ) -> None:
        """Put events on the disk, remove what Kafka has acknowledged, and note why others are not sent any more.

        All of it or nothing; on the disk once this returns. Raises SpoolFull when there is no room.
        """
        columns = [to_columns(row) for row in rows]
        with explained(self.path):
            if columns and self._pages_used() + _pages_for(columns) > self._most_pages - _RESERVE_PAGES:
                raise SpoolFull(full(self.path, self._most_pages * _PAGE_BYTES))
            with self._transaction():
                self._db.executemany("DELETE FROM events WHERE number = ?", [(number,) for number in delivered])
                noted = [(reason[:_LONGEST_REASON], number) for number, reason in aside]
                self._db.executemany("UPDATE events SET reason = ? WHERE number = ?", noted)
                self._db.executemany(_INSERT, columns)

    def try_aside_again(self) -> int:
        """Let events that were kept aside wait again, in their old order; how many."""
        with explained(self.path), self._transaction():
            return self._db.execute("UPDATE events SET reason = NULL WHERE reason IS NOT NULL").rowcount

    def waiting_after(self, number: int, count: int) -> list[Row | DamagedRow]:
        """The next events that wait, in the order in which they were taken, at most so many."""
        with explained(self.path):
            found = self._db.execute(
                "SELECT number, id, checksum, key, headers, value FROM events"
                " WHERE number > ? AND reason IS NULL ORDER BY number LIMIT ?",
                (number, count),
            )
            return [from_columns(*columns) for columns in found]

    def aside(self, count: int) -> list[Aside]:
        """The first events that are kept aside, at most so many."""
        with explained(self.path):
            found = self._db.execute(
                "SELECT number, id, key, reason FROM events WHERE reason IS NOT NULL ORDER BY number LIMIT ?", (count,)
            )
            return [Aside(number, str(name), _text(key), str(reason)) for number, name, key, reason in found]

    def counts(self) -> Counts:
        """How much is in the file; reads one page of index or table for many events."""
        with explained(self.path):
            found = {
                bool(is_aside): (int(count), int(size))
                for is_aside, count, size in self._db.execute(
                    "SELECT reason IS NOT NULL, count(*), sum(size) FROM events GROUP BY 1"
                )
            }
        return Counts(*found.get(False, (0, 0)), *found.get(True, (0, 0)))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk ends it without us
                self._db.execute("ROLLBACK")
            raise

    def _pages_used(self) -> int:
        (total,), (free,) = (self._db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count"))
        return int(total) - int(free)

    def _prepare(self, marketplace: str) -> None:
        db = self._db
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            db.execute("PRAGMA journal_mode = WAL")
            with self._transaction():
                for table in _TABLES:
                    db.execute(table)
                db.execute("INSERT INTO facts VALUES ('marketplace', ?)", (marketplace,))
                db.execute(f"PRAGMA application_id = {_APPLICATION}")
                db.execute(f"PRAGMA user_version = {_VERSION}")
        self._refuse_stranger()
        if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise SpoolError(f"the disk of {self.path} cannot hold SQLite's log; put the spool on a local disk")
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _damaged(self.path, str(found).splitlines()[0][:200])
        if self.marketplace != marketplace:
            raise SpoolError(
                f"the spool {self.path} holds events of {self.marketplace}, and this publisher is {marketplace}'s; "
                "name another file: a marketplace has a spool of its own"
            )
        db.execute(f"PRAGMA max_page_count = {max(self._most_pages, self._pages_used())}")

    def _refuse_stranger(self) -> None:
        application, version = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if application != _APPLICATION:
            raise _damaged(self.path, "it is not a spool of Greenlane's")
        if version != _VERSION:
            raise SpoolError(f"the spool {self.path} is of version {version}; use the Greenlane that wrote it")
        found = {row[0] for row in self._db.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")}
        if found != set(_TABLES):
            raise _damaged(self.path, "its tables are not a spool's")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """What SQLite says about the file, as errors with a remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_FULL"):
            raise SpoolFull(full(path, None)) from error
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_MISMATCH", "SQLITE_TOOBIG")) or not name:
            raise _damaged(path, str(error)) from error
        raise SpoolError(
            f"the spool {path} cannot be used: {error} ({name}); let this user read and write the file and its folder, "
            "and look at the disk"
        ) from error


def full(path: Path, most: int | None) -> str:
    """What to say when there is no room: `most` is the spool's own bound in bytes, None where the disk is full."""
    cause = "its disk is full" if most is None else f"it may take {most:,} bytes"
    remedy = "free some space on the disk" if most is None else "raise spool_bytes"
    return (
        f"the spool {path} has no room ({cause}); the event was not taken and what is in the spool is safe. Publish it "
        f"again once Kafka takes events again, or {remedy}."
    )


def _damaged(path: Path, problem: str) -> SpoolDamaged:
    return SpoolDamaged(
        f"the spool {path} is damaged: {problem}. Move it away with its -wal and -shm files, begin with a new one, and "
        "publish again the events without a receipt `delivered`: what arrived before counts once."
    )


def _create_private(path: Path) -> None:
    """Other users of the machine have no business with the events. Raises SpoolError where no file can be."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise SpoolError(
            f"the spool {path} cannot be opened: {error.strerror}; name a file in a folder that this user can write"
        ) from error


def _connected(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
    )
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "synchronous = FULL", "fullfsync = ON"):
        db.execute(f"PRAGMA {pragma}")
    return db


def _pages_for(columns: Sequence[tuple[Any, ...]]) -> int:
    """Pages that rows need at most: small ones fill at least half of a page, large ones all but their last."""
    sizes = [int(size) + 64 for _, _, size, *_ in columns]
    return sum(2 + size // (_PAGE_BYTES - 32) for size in sizes if size > _PAGE_BYTES // 2) + (
        2 + 2 * sum(size for size in sizes if size <= _PAGE_BYTES // 2) // _PAGE_BYTES
    )


def _text(key: object) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else ""
