"""One seller's account: the days that can still matter and their sum, in the integers of `methodology.sums`.

Days are proleptic Gregorian ordinals.
"""

from itertools import accumulate
from operator import add, sub
from struct import Struct

from greenlane.accounts.aggregator.badge import Badge
from greenlane.methodology.sums import SUMS, CircularitySums, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import Dimension

Contribution = tuple[int, ...]
"""What an assessment adds to its dimension's sums, in the order of the dimension's tuple."""

RANKS = {dimension: rank for rank, dimension in enumerate(SUMS)}
"""Place of each dimension in a day's sums."""

ZERO: tuple[Contribution, ...] = tuple((0,) * len(sums._fields) for sums in SUMS.values())
_PACKAGING, _DELIVERY = RANKS[Dimension.PACKAGING], RANKS[Dimension.DELIVERY]


_FORMATS = tuple(Struct(f"={len(zeros)}q") for zeros in ZERO)
_STARTS = tuple(accumulate((fields.size for fields in _FORMATS), initial=0))
_PARCELS = Struct("=q")


class Day:
    """One seller's sums of one day, by rank of dimension, and how many entries they are made of.

    There are as many of these as sellers times days, so the sums are kept packed: eight bytes each, which the greatest
    contribution that is accepted leaves room for (`contracts.assessments`), instead of forty.
    """

    __slots__ = ("_packed", "entries")

    def __init__(self, entries: int = 0, sums: tuple[Contribution, ...] = ZERO) -> None:
        self.entries = entries
        self._packed = bytearray(_STARTS[-1])
        for rank, values in enumerate(sums):
            _FORMATS[rank].pack_into(self._packed, _STARTS[rank], *values)

    @property
    def sums(self) -> tuple[Contribution, ...]:
        """The sums of each dimension."""
        return tuple(fields.unpack_from(self._packed, start) for fields, start in zip(_FORMATS, _STARTS, strict=False))

    @property
    def active(self) -> bool:
        """Whether a parcel was packed or delivered on this day."""
        packed: int = _PARCELS.unpack_from(self._packed, _STARTS[_PACKAGING])[0]
        delivered: int = _PARCELS.unpack_from(self._packed, _STARTS[_DELIVERY])[0]
        return packed > 0 or delivered > 0

    def add(self, rank: int, contribution: Contribution) -> None:
        """Have a contribution in the sums of its dimension."""
        fields, start = _FORMATS[rank], _STARTS[rank]
        fields.pack_into(self._packed, start, *map(add, fields.unpack_from(self._packed, start), contribution))

    def subtract(self, rank: int, contribution: Contribution) -> None:
        """Have a contribution in the sums of its dimension no more."""
        fields, start = _FORMATS[rank], _STARTS[rank]
        fields.pack_into(self._packed, start, *map(sub, fields.unpack_from(self._packed, start), contribution))


class Account:
    """One seller: the badge, the days that can still matter, and their sum, which every arrival keeps up to date.

    A day is kept as long as it has entries, so an account without days has no entries.
    """

    __slots__ = ("active_days", "badge", "days", "sequence", "window")

    def __init__(self) -> None:
        self.badge = Badge()
        self.sequence = 0
        self.days: dict[int, Day] = {}
        self.active_days = 0
        self.window = list(ZERO)

    def enter(self, day: int, rank: int, contribution: Contribution | None) -> None:
        """Add an entry to its day."""
        bucket = self.days.get(day)
        if bucket is None:
            bucket = self.days[day] = Day()
        bucket.entries += 1
        if contribution is not None:
            self.active_days -= bucket.active
            bucket.add(rank, contribution)
            self.active_days += bucket.active
            self.window[rank] = tuple(map(add, self.window[rank], contribution))

    def leave(self, day: int, rank: int, contribution: Contribution | None) -> None:
        """Take an entry out of its day."""
        bucket = self.days[day]
        bucket.entries -= 1
        if not bucket.entries:
            del self.days[day]
        if contribution is not None:
            self.active_days -= bucket.active
            bucket.subtract(rank, contribution)
            self.active_days += bucket.active
            self.window[rank] = tuple(map(sub, self.window[rank], contribution))

    def keep(self, day: int, bucket: Day) -> None:
        """Take back a day as it was."""
        if day in self.days:
            raise ValueError(f"the day {day} is there already")
        self.days[day] = bucket
        self.active_days += bucket.active
        self.window = plus(self.window, bucket)

    def forget(self, before: int) -> list[tuple[int, Day]]:
        """Drop the days earlier than `before` and return them."""
        gone = [(day, self.days.pop(day)) for day in list(self.days) if day < before]
        for _, bucket in gone:
            self.active_days -= bucket.active
            self.window = minus(self.window, bucket)
        return gone

    def totals(self) -> Totals:
        """The sums of every day kept: the open window."""
        return totals_of(self.window, self.active_days)


def plus(window: list[Contribution], day: Day) -> list[Contribution]:
    """The window with this day in it."""
    return [tuple(map(add, sums, more)) for sums, more in zip(window, day.sums, strict=True)]


def minus(window: list[Contribution], day: Day) -> list[Contribution]:
    """The window with this day out of it."""
    return [tuple(map(sub, sums, less)) for sums, less in zip(window, day.sums, strict=True)]


def totals_of(window: list[Contribution], active_days: int) -> Totals:
    """The sums under their names."""
    packaging, delivery, returns, circularity = window
    return Totals(
        PackagingSums(*packaging),
        DeliverySums(*delivery),
        ReturnSums(*returns),
        CircularitySums(*circularity),
        active_days,
    )
