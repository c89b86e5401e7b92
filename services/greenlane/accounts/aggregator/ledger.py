"""The accounts of one partition: which version of what stands, and what every accepted record changes.

Days are proleptic Gregorian ordinals. Nothing here reads a clock.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import add, sub
from typing import Literal, NamedTuple, Protocol

from greenlane.accounts.aggregator.badge import Badge
from greenlane.accounts.aggregator.seller_days import ZERO, Account, Contribution, Day, minus, plus
from greenlane.methodology.vocabulary import BadgeLevel

FORGOTTEN_A_STEP = 1_000
"""Entries forgotten before others get their turn."""

Version = tuple[int, str, str]
"""(revision, occurred_at, event_id); the greatest stands, whatever order they arrive in."""

EntryKey = tuple[str, str, str, int]
"""(marketplace, seller, parcel, rank of the dimension)."""

Arrived = Literal["assessed", "duplicate", "superseded", "late"]


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

    def forget(self, marketplace: str, before: int) -> Iterator[None]:
        """Drop every entry of the marketplace whose day is earlier than `before`, in steps: it must be used up."""

    def erase(self, marketplace: str, seller: str, days: Iterable[int]) -> Iterator[None]:
        """Drop every entry of the seller, which stand on these days, in steps: it must be used up."""


class Arrival(NamedTuple):
    """Whose parcel a record is about, which version it is, and the day it counts for."""

    marketplace: str
    seller: str
    parcel: str
    version: Version
    day: int


class Market:
    """One marketplace in this partition: its accounts and its last closed day, None before the first.

    `window` is the sum of every account's window, `levels` the number of accounts at each badge level. A window has
    `window_days` days; a record is late when its day lies `lateness` days or more before the last closed one.
    """

    __slots__ = ("accounts", "closed", "lateness", "levels", "window", "window_days")

    def __init__(self, window_days: int, lateness_days: int) -> None:
        self.span(window_days, lateness_days)
        self.closed: int | None = None
        self.accounts: dict[str, Account] = {}
        self.levels: Counter[BadgeLevel] = Counter()
        self.window = list(ZERO)

    def span(self, window_days: int, lateness_days: int) -> None:
        """Have windows of so many days from the next closed day on; beyond the window lateness has no meaning."""
        self.window_days = window_days
        self.lateness = min(lateness_days, window_days - 1)

    def open(self, seller: str) -> Account:
        """The seller's account, open from now on."""
        account = self.accounts.get(seller)
        if account is None:
            account = self.accounts[seller] = Account()
            self.levels[account.badge.level] += 1
        return account

    def drop(self, seller: str) -> None:
        """Forget an account, whose days are no longer in the window."""
        self.levels[self.accounts.pop(seller).badge.level] -= 1

    def pin(self, account: Account, badge: Badge) -> None:
        """Give an account its new badge."""
        self.levels[account.badge.level] -= 1
        self.levels[badge.level] += 1
        account.badge = badge


class Touched(NamedTuple):
    """What changed: marketplaces whose days were closed, sellers, and days of sellers."""

    markets: set[str]
    sellers: set[tuple[str, str]]
    days: set[tuple[str, str, int]]


class Ledger:
    """Every account of one partition. `window_days` and `lateness_days` are those of marketplaces met from now on."""

    def __init__(self, entries: Entries, window_days: int, lateness_days: int) -> None:
        self.markets: dict[str, Market] = {}
        self.touched = Touched(set(), set(), set())
        self.spans = (window_days, lateness_days)
        self._entries = entries

    def market(self, marketplace: str) -> Market:
        """The marketplace, known from now on."""
        market = self.markets.get(marketplace)
        if market is None:
            market = self.markets[marketplace] = Market(*self.spans)
        return market

    def take_touched(self) -> Touched:
        """What changed since the last call."""
        touched, self.touched = self.touched, Touched(set(), set(), set())
        return touched

    def assess(self, arrival: Arrival, rank: int, contribution: Contribution) -> Arrived:
        """Let a contribution stand if its version is the greatest so far and its day is not too long ago."""
        market = self.market(arrival.marketplace)
        if self._late(market, arrival.day):
            return "late"
        arrived = self._place(market, arrival, rank, contribution)
        if arrived == "assessed":
            self._count(market, arrival)
        return arrived

    def retract(self, arrival: Arrival) -> Arrived:
        """Take the parcel out of every dimension in which this version is the greatest so far."""
        market = self.market(arrival.marketplace)
        if self._late(market, arrival.day):
            return "late"
        arrived = {self._place(market, arrival, rank, None) for rank in range(len(ZERO))}
        if "assessed" in arrived:
            self._count(market, arrival)
            return "assessed"
        return "duplicate" if arrived == {"duplicate"} else "superseded"

    def decide(self, marketplace: str, seller: str, badge: Badge) -> None:
        """Give a seller's account its badge after a closed day."""
        market = self.market(marketplace)
        market.pin(market.accounts[seller], badge)
        self.touched.sellers.add((marketplace, seller))

    def begin_anew(self, marketplace: str, seller: str, closed: int) -> None:
        """After `closed` a seller's sequence begins again, and days that left every window are forgotten."""
        market, touched = self.market(marketplace), self.touched
        account = market.accounts[seller]
        if account.sequence:
            account.sequence = 0
            touched.sellers.add((marketplace, seller))
        for day, bucket in account.forget(closed + 2 - market.window_days):
            market.window = minus(market.window, bucket)
            touched.days.add((marketplace, seller, day))
        if not account.days and account.badge.level is BadgeLevel.NONE:
            market.drop(seller)
            touched.sellers.add((marketplace, seller))

    def advance(self, marketplace: str, closed: int) -> Iterator[None]:
        """Let `closed` be the last closed day, and forget the entries that left every window, in steps."""
        market = self.market(marketplace)
        market.closed = closed
        self.touched.markets.add(marketplace)
        return self._entries.forget(marketplace, closed + 2 - market.window_days)

    def erase(self, marketplace: str, seller: str) -> Iterator[None]:
        """Forget an account with its entries and its badge, in steps: it must be used up."""
        market = self.market(marketplace)
        account = market.accounts.get(seller)
        if account is None:
            return
        yield from self._entries.erase(marketplace, seller, list(account.days))
        for day, bucket in account.days.items():
            market.window = minus(market.window, bucket)
            self.touched.days.add((marketplace, seller, day))
        market.drop(seller)
        self.touched.sellers.add((marketplace, seller))

    def restore_account(self, marketplace: str, seller: str, sequence: int, badge: Badge) -> None:
        """Take back what is known of a seller beside its days."""
        market = self.market(marketplace)
        account = market.open(seller)
        account.sequence = sequence
        market.pin(account, badge)

    def restore_day(self, marketplace: str, seller: str, day: int, bucket: Day) -> None:
        """Take back one day of a seller."""
        market = self.market(marketplace)
        market.open(seller).keep(day, bucket)
        market.window = plus(market.window, bucket)

    def _late(self, market: Market, day: int) -> bool:
        return market.closed is not None and day <= market.closed - market.lateness

    def _place(self, market: Market, arrival: Arrival, rank: int, contribution: Contribution | None) -> Arrived:
        marketplace, seller, parcel, version, day = arrival
        key = (marketplace, seller, parcel, rank)
        old = self._entries.get(key)
        if old is not None and old.version >= version:
            return "duplicate" if old.version == version else "superseded"
        account, window = market.open(seller), market.window
        if old is not None:
            account.leave(old.day, rank, old.contribution)
            self.touched.days.add((marketplace, seller, old.day))
            if old.contribution is not None:
                window[rank] = tuple(map(sub, window[rank], old.contribution))
        account.enter(day, rank, contribution)
        self.touched.days.add((marketplace, seller, day))
        if contribution is not None:
            window[rank] = tuple(map(add, window[rank], contribution))
        self._entries.put(key, Entry(version, day, contribution), old)
        return "assessed"

    def _count(self, market: Market, arrival: Arrival) -> None:
        market.accounts[arrival.seller].sequence += 1
        self.touched.sellers.add((arrival.marketplace, arrival.seller))
