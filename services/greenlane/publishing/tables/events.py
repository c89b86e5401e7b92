"""Rows become parcels, and parcels events: rows of one parcel are joined where they stand near one another."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

from greenlane.publishing.tables.cells import cleaned, identifier
from greenlane.publishing.tables.faults import CellFault, Fault, damage, shortened
from greenlane.publishing.tables.parcels import Line, Made, outcome, quick
from greenlane.publishing.tables.plan import Cells, Plan
from greenlane.publishing.tables.rows.csv_rows import Row, Unread
from greenlane.publishing.tables.seen import Seen

WINDOW = 1_000
"""Rows after its first one within which the rows of a parcel are joined."""

_MOST_ROWS = 400
"""Rows of one parcel: more than the items and components that an event may have."""

_MOST_BROKEN = 10_000
_SOUND_ID = re.compile(r"(?![0-9](?:\.[0-9]+)?E[0-9]{1,3}\Z|[0-9]+\.0\Z)[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


@dataclass(slots=True)
class Tally:
    """What was read: rows (blank ones apart), parcels, those that say of no event when it happened, and events.

    A row whose parcel cannot be known counts as one refused event. `made` + `refused` are all events that were read.
    """

    rows: int = 0
    blank: int = 0
    parcels: int = 0
    without_event: int = 0
    made: int = 0
    refused: int = 0


class Events:
    """The events of a table's rows, and a fault for whatever is refused; counts both in `tally`."""

    def __init__(self, plan: Plan) -> None:
        self.tally = Tally()
        self.plan = plan
        self._open: dict[str, list[Line]] = {}
        self._order: deque[tuple[int, str]] = deque()
        self._broken: dict[str, int] = {}
        self._seen = Seen()
        self._cut = itemgetter(*plan.columns)  # two at least: the parcel, and when something happened

    def read(self, rows: Iterable[Row | Unread]) -> Iterator[Made | Fault]:
        """Every event and every fault, in the order in which parcels begin in the file."""
        opened, order, cut, tally = self._open, self._order, self._cut, self.tally
        place, sound, number = self.plan.parcel.place, _SOUND_ID.fullmatch, 0
        for number, row in enumerate(rows, start=1):
            tally.rows = number - tally.blank
            if isinstance(row, Unread):
                yield self._unread(row)
                continue
            cells: Cells = cut(row.cells)
            parcel_id = cells[place]
            if sound(parcel_id) is None:
                found = self._parcel_id(row, parcel_id)
                if not isinstance(found, str):
                    if found is not None:
                        yield found
                    continue
                parcel_id = found
            lines = opened.get(parcel_id)
            if lines is None:
                opened[parcel_id] = [Line(row.line, cells)]
                order.append((number, parcel_id))
                if order[0][0] <= number - WINDOW:
                    yield from self._closed(number - WINDOW)
            elif len(lines) <= _MOST_ROWS:
                lines.append(Line(row.line, cells))
        tally.rows = number - tally.blank
        yield from self._closed(number)

    def _closed(self, until: int) -> Iterator[Made | Fault]:
        """What the parcels come to that began up to a row."""
        order, seen, tally = self._order, self._seen.add, self.tally
        while order and order[0][0] <= until:
            parcel_id = order.popleft()[1]
            lines = self._open.pop(parcel_id)
            made = None if len(lines) > 1 or parcel_id in self._broken else quick(self.plan, parcel_id, lines[0])
            if not made:
                yield from self._close(parcel_id, lines)
                continue
            tally.parcels += 1
            for event in made:
                if seen(event.event_id):
                    yield self._refused(event, _APART)
                else:
                    tally.made += 1
                    yield event

    def _unread(self, row: Unread) -> Fault:
        self.tally.refused += 1
        self._broken |= {piece: row.fault.line for piece in row.pieces if _SOUND_ID.fullmatch(piece)}
        while len(self._broken) > _MOST_BROKEN:
            del self._broken[next(iter(self._broken))]
        return row.fault

    def _parcel_id(self, row: Row, cell: str) -> str | Fault | None:
        """The id in a cell out of the ordinary; None for a blank row."""
        text = cleaned(cell)
        if not text and not any(map(cleaned, row.cells)):
            self.tally.blank += 1
            return None
        try:
            return identifier(text).strip('"')
        except CellFault as found:
            self.tally.refused += 1
            fault = damage(text) or (found if text else _NO_PARCEL)
            column = self.plan.names[self.plan.parcel.place]
            return Fault(row.line, column, shortened(cell), fault.problem, fault.remedy)

    def _close(self, parcel_id: str, lines: list[Line]) -> Iterator[Made | Fault]:
        found = outcome(self.plan, parcel_id, lines)
        tally = self.tally
        tally.parcels += 1
        tally.refused += found.refused
        if not found.made and not found.refused:
            tally.without_event += 1
        yield from found.faults
        reason = self._reason_against(parcel_id, lines)
        for made in found.made:
            if self._seen.add(made.event_id) or reason:
                yield self._refused(made, reason or _APART)
            else:
                tally.made += 1
                yield made

    def _refused(self, made: Made, reason: tuple[str, str]) -> Fault:
        self.tally.refused += 1
        problem, remedy = reason
        parcel_id = made.event_id.rpartition(f".{made.word}")[0]
        return Fault(made.line, "", "", f"parcel {shortened(parcel_id)}, {made.word}: {problem}", remedy)

    def _reason_against(self, parcel_id: str, lines: list[Line]) -> tuple[str, str] | None:
        """Why no event of a parcel can be complete: problem and remedy."""
        broken = self._broken.get(parcel_id)
        if broken is not None:
            return f"line {broken}, which cannot be read, names this parcel too", "correct that line"
        if len(lines) > _MOST_ROWS:
            return f"it has more than {_MOST_ROWS} rows", "put like items into one row"
        return None


_NO_PARCEL = CellFault("is empty", "every row names its parcel: fill it in, also where cells were merged")
_APART = (
    f"it stood in the file before, more than {WINDOW:,} rows above",
    "sort the file by the parcel's column; what was published before is corrected by the whole file with --revision 1",
)
