"""The accounts of one partition: which version of what stands, the sums of each day, and the sums of the window.

Days are proleptic Gregorian ordinals, sums the integers of `methodology.sums`. Nothing here reads a clock.
"""

from operator import add, sub
from typing import Literal, NamedTuple, Protocol

from greenlane.aggregator.badge import Badge
from greenlane.methodology.sums import SUMS, CircularitySums, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import BadgeLevel, Dimension

Version = tuple[int, str, str]
"""(revision, occurred_at, event_id); the greatest stands, whatever order they arrive in."""

Contribution = tuple[int, ...]
"""What an assessment adds to its dimension's sums, in the order of the dimension's tuple."""

EntryKey = tuple[str, str, str, int]
"""(marketplace, seller, parcel, rank of the dimension)."""

Arrived = Literal["assessed", "duplicate", "superseded", "late"]

RANKS = {dimension: rank for rank, dimension in enumerate(SUMS)}
"""Place of each dimension in a day's sums."""

ZERO: tuple[Contribution, ...] = tuple((0,) * len(sums._fields) for sums in SUMS.values())
_PACKAGING, _DELIVERY = RANKS[Dimension.PACKAGING], RANKS[Dimension.DELIVERY]


class Entry(NamedTuple):
    """What stands for one parcel in one dimension; without a contribution it was retracted."""

    version: Version
    day: int
    contribution: Contribution | None


class Entries(Protocol):
    """Where the entries of a partition are kept."""

    def get(self, key: EntryKey) -> Entry | None:
        """The entry that stands, if any."""

    def put(self, key: EntryKey, entry: Entry, replaced: Entry | None) -> None:
        """Let `entry` stand in place of `replaced`."""

    def forget(self, marketplace: str, before: int) -> None:
        """Drop every entry of the marketplace whose day is earlier than `before`."""


class Arrival(NamedTuple):
    """Whose parcel a record is about, which version it is, and the day it counts for."""

    marketplace: str
    seller: str
    parcel: str
    version: Version
    day: int


class Day:
    """One seller's sums of one day, by rank of dimension, and how many entries they are made of."""

    __slots__ = ("entries", "sums")

    def __init__(self, entries: int = 0, sums: tuple[Contribution, ...] = ZERO) -> None:
        self.entries = entries
        self.sums = list(sums)

    @property
    def active(self) -> bool:
        """Whether a parcel was packed or delivered on this day."""
        return self.sums[_PACKAGING][0] > 0 or self.sums[_DELIVERY][0] > 0


class Account:
    """One seller: the badge, the days that can still matter, and their sum, which every arrival keeps up to date.

    A day is kept as long as it has entries, so an account without days has no entries.
    """

    __slots__ = ("badge", "days", "sequence", "window")

    def __init__(self) -> None:
        self.badge = Badge()
        self.sequence = 0
        self.days: dict[int, Day] = {}
        self.window = list(ZERO)

    def enter(self, day: int, rank: int, contribution: Contribution | None) -> None:
        """Add an entry to its day."""
        bucket = self.days.get(day)
        if bucket is None:
            bucket = self.days[day] = Day()
        bucket.entries += 1
        if contribution is not None:
            bucket.sums[rank] = tuple(map(add, bucket.sums[rank], contribution))
            self.window[rank] = tuple(map(add, self.window[rank], contribution))

    def leave(self, day: int, rank: int, contribution: Contribution | None) -> None:
        """Take an entry out of its day."""
        bucket = self.days[day]
        bucket.entries -= 1
        if not bucket.entries:
            del self.days[day]
        if contribution is not None:
            bucket.sums[rank] = tuple(map(sub, bucket.sums[rank], contribution))
            self.window[rank] = tuple(map(sub, self.window[rank], contribution))

    def keep(self, day: int, bucket: Day) -> None:
        """Take back a day as it was."""
        if day in self.days:
            raise ValueError(f"the day {day} is there already")
        self.days[day] = bucket
        self.window = plus(self.window, bucket)

    def forget(self, before: int) -> list[int]:
        """Drop the days earlier than `before` and return them."""
        gone = [day for day in self.days if day < before]
        for day in gone:
            self.window = minus(self.window, self.days.pop(day))
        return gone

    def totals(self) -> Totals:
        """The sums of every day kept: the open window."""
        return totals_of(self.window, sum(bucket.active for bucket in self.days.values()))


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


class Market:
    """One marketplace's accounts in this partition and its last closed day, None before the first."""

    __slots__ = ("accounts", "closed")

    def __init__(self) -> None:
        self.closed: int | None = None
        self.accounts: dict[str, Account] = {}


class Touched:
    """What changed since it was last looked at: marketplaces, sellers, and days of sellers."""

    __slots__ = ("days", "markets", "sellers")

    def __init__(self) -> None:
        self.markets: set[str] = set()
        self.sellers: set[tuple[str, str]] = set()
        self.days: set[tuple[str, str, int]] = set()


class Ledger:
    """Every account of one partition. A window has `window_days` days.

    A record is late when its day lies `lateness_days` or more before the day after the last closed one; beyond the
    window lateness has no meaning, as nothing is kept there.
    """

    def __init__(self, entries: Entries, window_days: int, lateness_days: int) -> None:
        self.markets: dict[str, Market] = {}
        self.touched = Touched()
        self.window_days = window_days
        self._entries = entries
        self._lateness = min(lateness_days, window_days - 1)

    def market(self, marketplace: str) -> Market:
        """The marketplace, known from now on."""
        market = self.markets.get(marketplace)
        if market is None:
            market = self.markets[marketplace] = Market()
        return market

    def account(self, marketplace: str, seller: str) -> Account:
        """The seller's account, open from now on."""
        accounts = self.market(marketplace).accounts
        account = accounts.get(seller)
        if account is None:
            account = accounts[seller] = Account()
        return account

    def assess(self, arrival: Arrival, rank: int, contribution: Contribution) -> Arrived:
        """Let a contribution stand if its version is the greatest so far and its day is not too long ago."""
        if self._late(arrival):
            return "late"
        arrived = self._place(arrival, rank, contribution)
        if arrived == "assessed":
            self._count(arrival)
        return arrived

    def retract(self, arrival: Arrival) -> Arrived:
        """Take the parcel out of every dimension in which this version is the greatest so far."""
        if self._late(arrival):
            return "late"
        arrived = {self._place(arrival, rank, None) for rank in range(len(ZERO))}
        if "assessed" in arrived:
            self._count(arrival)
            return "assessed"
        return "duplicate" if arrived == {"duplicate"} else "superseded"

    def advance(self, marketplace: str, closed: int) -> None:
        """Let `closed` be the last closed day: sequences begin again, days that left every window are forgotten."""
        market, touched = self.market(marketplace), self.touched
        market.closed = closed
        touched.markets.add(marketplace)
        before = closed + 2 - self.window_days
        for seller, account in list(market.accounts.items()):
            if account.sequence:
                account.sequence = 0
                touched.sellers.add((marketplace, seller))
            touched.days.update((marketplace, seller, day) for day in account.forget(before))
            if not account.days and account.badge.level is BadgeLevel.NONE:
                del market.accounts[seller]
                touched.sellers.add((marketplace, seller))
        self._entries.forget(marketplace, before)

    def _late(self, arrival: Arrival) -> bool:
        closed = self.market(arrival.marketplace).closed
        return closed is not None and arrival.day <= closed - self._lateness

    def _place(self, arrival: Arrival, rank: int, contribution: Contribution | None) -> Arrived:
        marketplace, seller, parcel, version, day = arrival
        key = (marketplace, seller, parcel, rank)
        old = self._entries.get(key)
        if old is not None and old.version >= version:
            return "duplicate" if old.version == version else "superseded"
        account = self.account(marketplace, seller)
        if old is not None:
            account.leave(old.day, rank, old.contribution)
            self.touched.days.add((marketplace, seller, old.day))
        account.enter(day, rank, contribution)
        self.touched.days.add((marketplace, seller, day))
        self._entries.put(key, Entry(version, day, contribution), old)
        return "assessed"

    def _count(self, arrival: Arrival) -> None:
        self.account(arrival.marketplace, arrival.seller).sequence += 1
        self.touched.sellers.add((arrival.marketplace, arrival.seller))
