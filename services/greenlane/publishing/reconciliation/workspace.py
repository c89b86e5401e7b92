"""Both sides of the comparison in a temporary SQLite file, so that memory stays the same for any number of parcels."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from greenlane.contracts.dead_letters import Problem
from greenlane.errors import GreenlaneError
from greenlane.publishing.reconciliation.order_list import Listed
from greenlane.publishing.reconciliation.records import Refused, Stands

_CACHE_KIB = 65_536
_AT_ONCE = 5_000

_TABLES = """
CREATE TABLE listed_rows (parcel TEXT, seller TEXT, line INT);
CREATE TABLE step_rows (parcel TEXT, step INT, at INT, line INT);
CREATE TABLE unclear (parcel TEXT, step INT);
CREATE TABLE events (parcel TEXT, step INT, seller TEXT, at INT, revision INT, event_id TEXT, content BLOB,
                     part INT, off INT, appended INT);
CREATE TABLE refusals (parcel TEXT, step INT, seller TEXT, event_id TEXT, code TEXT, problems TEXT,
                       part INT, off INT, appended INT, letter TEXT);
CREATE TABLE letters (part INT, off INT, appended INT, id TEXT, code TEXT, problems TEXT);
"""

_SETTLED = """
CREATE TABLE listed AS SELECT parcel, max(seller) AS seller, min(line) AS line,
  count(DISTINCT nullif(seller, '')) AS sellers FROM listed_rows GROUP BY parcel;
CREATE UNIQUE INDEX listed_parcel ON listed (parcel);
CREATE TABLE steps AS SELECT parcel, step, min(at) AS at, min(line) AS line FROM step_rows GROUP BY parcel, step;
CREATE UNIQUE INDEX steps_parcel ON steps (parcel, step);
CREATE INDEX unclear_parcel ON unclear (parcel, step);
CREATE INDEX letters_place ON letters (part, off);
CREATE INDEX events_place ON events (part, off);
INSERT INTO refusals SELECT e.parcel, e.step, e.seller, e.event_id, l.code, l.problems, e.part, e.off, e.appended, l.id
  FROM letters l JOIN events e USING (part, off, appended);
DELETE FROM events WHERE EXISTS (SELECT 1 FROM letters l WHERE l.part = events.part AND l.off = events.off
  AND l.appended = events.appended);
CREATE INDEX refusals_place ON refusals (part, off);
UPDATE refusals SET letter = (SELECT min(id) FROM letters l WHERE l.part = refusals.part AND l.off = refusals.off
  AND l.appended = refusals.appended)
  WHERE letter IS NULL;
CREATE INDEX refusals_parcel ON refusals (parcel, step);
CREATE INDEX events_parcel ON events (parcel, step, revision);
CREATE INDEX events_id ON events (event_id, content);
ANALYZE;
"""


class WorkspaceError(GreenlaneError):
    """The temporary file cannot be written; the text names the remedy."""


class Workspace:
    """Takes rows of the list and of the topic, then answers questions about both. Times are ms since 1970 UTC."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._waiting: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for setting in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", "locking_mode = EXCLUSIVE"):
            database.execute(f"PRAGMA {setting}")
        database.executescript(_TABLES)

    def list_row(self, row: Listed) -> None:
        """A row of the marketplace's list."""
        self._add("listed_rows", (row.parcel, row.seller, row.line))
        for step, at in row.steps:
            self._add("step_rows", (row.parcel, step, at, row.line))
        for step in row.unclear:
            self._add("unclear", (row.parcel, step))

    def unclear(self, parcels: Iterable[str]) -> None:
        """Ids that may stand in a line of the list that is no row: nothing is expected of them, and nothing wrong."""
        for parcel in parcels:
            self._add("unclear", (parcel, None))

    def event(self, found: Stands, place: tuple[int, int, int]) -> None:
        """An accepted event at partition, offset and append time."""
        self._add("events", (*found, *place))

    def refusal(self, found: Refused, place: tuple[int, int, int], letter: str | None = None) -> None:
        """A refused record at partition, offset and append time."""
        self._add(
            "refusals",
            (found.parcel, found.step, found.seller, found.event_id, found.code, plain(found.problems), *place, letter),
        )

    def letter(self, place: tuple[int, int, int], letter_id: str, code: str, problems: Iterable[Problem]) -> None:
        """A dead letter of the record at partition, offset and append time."""
        self._add("letters", (*place, letter_id, code, plain(problems)))

    def settle(self) -> None:
        """All has been taken: ready for questions."""
        for table in list(self._waiting):
            self._flush(table)
        self.prepare(_SETTLED)

    def prepare(self, script: str) -> None:
        """Make tables that later questions need."""
        with _disk():
            self._database.executescript(script)

    def ask(self, question: str, *values: Any) -> Iterator[sqlite3.Row]:
        """The rows that answer a question in SQL, read as they are needed."""
        with _disk():
            cursor = self._database.execute(question, values)
        while rows := self._fetch(cursor):
            yield from rows

    def one(self, question: str, *values: Any) -> Any:
        """The first field of the first row."""
        return next(self.ask(question, *values))[0]

    def _fetch(self, cursor: sqlite3.Cursor) -> list[sqlite3.Row]:
        with _disk():
            return cursor.fetchmany(_AT_ONCE)

    def _add(self, table: str, row: tuple[Any, ...]) -> None:
        waiting = self._waiting[table]
        waiting.append(row)
        if len(waiting) >= _AT_ONCE:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows = self._waiting.pop(table, [])
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            with _disk():
                self._database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own names


def plain(problems: Iterable[Problem]) -> str:
    """Problems as the text that the workspace keeps."""
    return json.dumps([[problem.path, problem.message] for problem in problems])


@contextmanager
def open_workspace() -> Iterator[Workspace]:
    """A workspace in the machine's temporary folder; it is removed at the end."""
    try:
        folder = TemporaryDirectory(prefix="greenlane-reconcile-", ignore_cleanup_errors=True)
    except OSError as error:
        raise WorkspaceError(_REMEDY.format(error.strerror or error)) from error
    with folder as path:
        database = sqlite3.connect(Path(path) / "both.sqlite", isolation_level=None)
        database.row_factory = sqlite3.Row
        try:
            with _disk():
                workspace = Workspace(database)
            yield workspace
        finally:
            database.close()


_REMEDY = (
    "the temporary file of both sides cannot be written: {}; free some space, or set TMPDIR to a folder of another disk"
)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise WorkspaceError(_REMEDY.format(error)) from error
