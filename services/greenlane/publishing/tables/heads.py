"""What all events of a parcel have in common: its seller, and the revision in the body and in the ids."""

from typing import NamedTuple

from greenlane.publishing.tables.cells import LONG, REMEMBERED, Reader
from greenlane.publishing.tables.faults import CellFault
from greenlane.publishing.tables.groups import CellFaults

_REASON = '"correction_reason":"data_entry"'
"""Why a corrected file was published, where nothing says it: somebody had entered something else."""


class Common(NamedTuple):
    """A fact of a row as a whole: the place and the reader of its column, or -1, None and its constant."""

    place: int
    reader: Reader | None
    fixed: str

    def told(self, cells: tuple[str, ...]) -> str:
        """What the cells of a row say. Raises CellFaults."""
        if self.reader is None:
            return self.fixed
        cell = cells[self.place]
        try:
            return self.reader[cell]
        except CellFault as fault:
            raise CellFaults([(self.place, cell, fault)]) from None


class Head(NamedTuple):
    """A seller, and the revision as it stands in bodies and at the end of ids."""

    seller: str
    body: str
    suffix: str


class Heads(dict[tuple[str, ...], Head]):
    """The heads of rows by their cells. Raises CellFaults."""

    __slots__ = ("_reason", "_revision", "_seller", "places")

    def __init__(self, seller: Common, revision: Common, reason: Common) -> None:
        super().__init__()
        self._seller, self._revision, self._reason = seller, revision, reason
        self.places = tuple(fact.place for fact in (seller, revision, reason) if fact.place >= 0)

    def of(self, cells: tuple[str, ...]) -> Head:
        """The head of a row. Raises CellFaults."""
        key = tuple([cells[place] for place in self.places])
        found = self.get(key)
        if found is None:
            found = self._made(cells)
            if len(self) >= REMEMBERED:
                self.clear()
            if sum(map(len, key)) <= LONG:
                self[key] = found
        return found

    def _made(self, cells: tuple[str, ...]) -> Head:
        seller = self._seller.told(cells).strip('"')
        if not seller:
            fault = CellFault("is empty", "every row names its seller: fill it in")
            raise CellFaults([(self._seller.place, cells[self._seller.place], fault)])
        revision = int(self._revision.told(cells) or 0)
        if not revision:
            return Head(seller, "", "")
        reason = self._reason.told(cells) or _REASON
        return Head(seller, f',"revision":{revision},{reason}', f".r{revision}")
