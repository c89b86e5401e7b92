"""A marketplace's list of parcels: whose each parcel is, and when each of its steps happened."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from greenlane.publishing.reconciliation.steps import WORDS
from greenlane.publishing.tables.cells import Moments, Reader, cleaned, identifier, moments, reader
from greenlane.publishing.tables.facts import COMMON
from greenlane.publishing.tables.faults import CellFault, Fault, MappingError, shortened
from greenlane.publishing.tables.mapping import Mapping
from greenlane.publishing.tables.plan import Used, example_of
from greenlane.publishing.tables.rows.csv_rows import Row, Unread

TIMES = {f"{word}.time": step for step, word in enumerate(WORDS) if word != "recovered"}
"""The facts that say when a step happened, and the step."""

_WANTED = frozenset({"parcel_id", "seller_id", "event", *TIMES})


def wanted(fact: str) -> bool:
    """Whether a list is asked for this fact."""
    return fact in _WANTED


class Listed(NamedTuple):
    """What a row says: its line, the parcel, its seller ("" if none is named), and steps with milliseconds since 1970.

    `unclear` are steps whose time cannot be read: they are neither expected nor unexpected.
    """

    line: int
    parcel: str
    seller: str
    steps: tuple[tuple[int, int], ...]
    unclear: tuple[int, ...]


class OrderList:
    """Reads rows by a mapping. Raises MappingError where it lacks the parcel, or names a column that is not there."""

    def __init__(self, mapping: Mapping, header: Sequence[str], now: datetime) -> None:
        if "parcel_id" not in mapping.facts or mapping.facts["parcel_id"].column is None:
            raise MappingError(
                f"the mapping lacks the parcel; add below `facts`: `parcel_id: {example_of('parcel_id')}`"
            )
        used = Used(header, mapping)
        self._parcel = used.place("parcel_id", mapping.facts["parcel_id"])
        self._seller = _words("seller_id", mapping, used)
        self._event = _words("event", mapping, used)
        self._times: dict[int, tuple[int, Moments]] = {
            step: (used.place(fact, source), moments(mapping, source, now))
            for fact, step in TIMES.items()
            if (source := mapping.facts.get(fact)) is not None and source.column is not None
        }
        self.columns = tuple(used.columns)
        self.names = tuple(used.names)
        self.parcel_place = self._parcel

    @property
    def told(self) -> frozenset[int]:
        """The steps of which the list tells."""
        return frozenset(self._times)

    @property
    def tells_sellers(self) -> bool:
        """Whether the list says whose a parcel is."""
        return self._seller is not None

    def read(self, rows: Iterable[Row | Unread]) -> Iterator[Listed | Fault | Unread]:
        """Every row, what is wrong with it, or that it is none; rows without any cell are left out."""
        for row in rows:
            if isinstance(row, Unread):
                yield row
                continue
            cells = [row.cells[column] for column in self.columns]
            if any(map(str.strip, cells)):
                yield from self._row(row.line, cells)

    def _row(self, line: int, cells: list[str]) -> Iterator[Listed | Fault]:
        try:
            parcel = identifier(cleaned(cells[self._parcel])).strip('"')
        except CellFault as fault:
            yield self._fault(line, self._parcel, cells, fault)
            return
        seller, word = "", None
        try:
            place, seller = _told(self._seller, cells)
            place, word = _told(self._event, cells)
        except _At as at:
            yield self._fault(line, at.place, cells, at.fault)
        steps: list[tuple[int, int]] = []
        unclear: list[int] = []
        for step, (place, times) in self._times.items():
            if word and word != WORDS[step]:
                continue
            try:
                found = times[cells[place]]
            except CellFault as fault:
                unclear.append(step)
                yield self._fault(line, place, cells, fault)
                continue
            if found is not None:
                steps.append((step, round(found.utc.timestamp() * 1000)))
        yield Listed(line, parcel, seller, tuple(steps), tuple(unclear))

    def _fault(self, line: int, place: int, cells: list[str], fault: CellFault) -> Fault:
        shown = shortened(cells[place].removeprefix("\x1f"))
        return Fault(line, self.names[place], shown, fault.problem, fault.remedy)


class _At(Exception):  # noqa: N818 - it carries a fault to its row, within this module
    def __init__(self, place: int, fault: CellFault) -> None:
        super().__init__()
        self.place = place
        self.fault = fault


Told = tuple[int, Reader | None, str]
"""A fact of a row: its place and reader, or -1, None and the value that counts for all rows."""


def _words(fact: str, mapping: Mapping, used: Used) -> Told | None:
    source = mapping.facts.get(fact)
    if source is None:
        return None
    if source.column is None:
        return -1, None, str(source.value)
    bare = COMMON[fact]._replace(key="")
    return used.place(fact, source), reader(bare, mapping, fact), ""


def _told(told: Told | None, cells: list[str]) -> tuple[int, str]:
    if told is None:
        return -1, ""
    place, read, fixed = told
    if read is None:
        return place, fixed
    try:
        return place, read[cells[place]].strip('"')
    except CellFault as fault:
        raise _At(place, fault) from None
