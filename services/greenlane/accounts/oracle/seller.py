"""One seller's parcels, kept one by one; every figure is summed from them again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from greenlane.contracts.statements import BadgeState
from greenlane.methodology.sums import CircularitySums, DeliverySums, PackagingSums, ReturnSums, Sums, Totals
from greenlane.methodology.vocabulary import BadgeLevel, Dimension

Version = tuple[int, str, str]
Part = tuple[str, Dimension]
"""A parcel in one dimension."""


@dataclass(slots=True)
class Day:
    """What stands on one UTC day: each parcel's contribution in each dimension, None where it was retracted."""

    contributions: dict[Part, Sums | None] = field(default_factory=dict)
    _totals: Totals | None = None

    def put(self, part: Part, sums: Sums | None) -> None:
        """Let this be what the parcel contributes on this day."""
        self.contributions[part] = sums
        self._totals = None

    def remove(self, part: Part) -> None:
        """The parcel has nothing on this day any more."""
        del self.contributions[part]
        self._totals = None

    def totals(self) -> Totals:
        """The day's sums; summed from scratch whenever something changed."""
        if self._totals is None:
            self._totals = Totals(
                packaging=_add(PackagingSums, self.contributions.values()),
                delivery=_add(DeliverySums, self.contributions.values()),
                returns=_add(ReturnSums, self.contributions.values()),
                circularity=_add(CircularitySums, self.contributions.values()),
            )
        return self._totals


_S = TypeVar("_S", PackagingSums, DeliverySums, ReturnSums, CircularitySums)


def _add(kind: type[_S], sums: Iterable[Sums | None]) -> _S:
    """The sum, field by field, of those that are of this kind."""
    rows = [row for row in sums if isinstance(row, kind)]
    return kind(*(sum(column) for column in zip(*rows, strict=True))) if rows else kind()


def _add_days(rows: list[Totals]) -> Totals:
    """The sums of several days; a day is active when a parcel was packed or delivered on it."""
    return Totals(
        packaging=_add(PackagingSums, [row.packaging for row in rows]),
        delivery=_add(DeliverySums, [row.delivery for row in rows]),
        returns=_add(ReturnSums, [row.returns for row in rows]),
        circularity=_add(CircularitySums, [row.circularity for row in rows]),
        active_days=sum(1 for row in rows if row.packaging.parcels > 0 or row.delivery.parcels > 0),
    )


@dataclass(slots=True)
class Seller:
    """One seller's account: the version that stands of every parcel and dimension, and the badge."""

    versions: dict[Part, tuple[Version, date]] = field(default_factory=dict)
    days: dict[date, Day] = field(default_factory=dict)
    badge: BadgeState = field(default_factory=BadgeState)
    accepted: int = 0
    last_accepted_at: str = ""
    _summed: tuple[list[Totals], Totals] | None = None

    def version_of(self, part: Part) -> Version | None:
        """The version that stands of a parcel in a dimension."""
        return self.versions[part][0] if part in self.versions else None

    def put(self, part: Part, version: Version, day: date, sums: Sums | None) -> None:
        """Replace what stands of this parcel and dimension, on whichever day it stood."""
        if part in self.versions:
            _, old_day = self.versions[part]
            self.days[old_day].remove(part)
        self.versions[part] = (version, day)
        self.days.setdefault(day, Day()).put(part, sums)

    def window(self, first: date, last: date | None) -> Totals:
        """The sums of the days `first` to `last`, both included; without an upper end when `last` is None."""
        rows = [day.totals() for at, day in self.days.items() if first <= at and (last is None or at <= last)]
        if self._summed is None or self._summed[0] != rows:
            self._summed = (rows, _add_days(rows))
        return self._summed[1]

    def idle(self, first: date, last: date) -> bool:
        """Whether closing a day with this window can change nothing: nothing in it, no badge, none under way."""
        return self.badge == BadgeState() and not any(first <= at <= last for at in self.days)

    def forget_before(self, first: date) -> None:
        """Forget every day before `first`, with the versions that stood on it."""
        self.versions = {part: standing for part, standing in self.versions.items() if standing[1] >= first}
        self.days = {at: day for at, day in self.days.items() if at >= first and day.contributions}

    @property
    def empty(self) -> bool:
        """Whether nothing is left to remember."""
        return not self.versions and self.badge.level is BadgeLevel.NONE
