"""Remembers which events a file had already, in memory that does not grow: a fingerprint of 64 bits each."""

from array import array

_SLOTS = 1 << 21
_FULL = 1_500_000
_ALL = (1 << 64) - 1


class Seen:
    """The last 1.5 to 3 million event ids of a file; two are taken for one less than once in a million files."""

    def __init__(self) -> None:
        self._now = array("Q", bytes(8 * _SLOTS))
        self._before: array[int] | None = None
        self._count = 0

    def add(self, event_id: str) -> bool:
        """Remember an id; whether it was there already."""
        mark = hash(event_id) & _ALL or 1
        if self._before is not None and self._before[_slot(self._before, mark)]:
            return True
        place = _slot(self._now, mark)
        if self._now[place]:
            return True
        self._now[place] = mark
        self._count += 1
        if self._count >= _FULL:
            self._before, self._now, self._count = self._now, array("Q", bytes(8 * _SLOTS)), 0
        return False


def _slot(table: "array[int]", mark: int) -> int:
    """Where a mark stands, or the free place where it would."""
    place = mark & (_SLOTS - 1)
    while (found := table[place]) and found != mark:
        place = (place + 1) & (_SLOTS - 1)
    return place
