"""What the facts of a truth file come to by the method's document: every account at every closing, every decision."""

import datetime as dt
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.audit.account import Badge, Window, figures_of
from tests.audit.document import policy
from tests.audit.facts import day_of
from tests.audit.from_the_document import DIMENSIONS, assess
from tests.truth.reading import Fact, ending_of, fact_of, lines, seller_of

DAY = dt.timedelta(days=1)
Names = tuple[str, ...]
Amounts = list[int]
Figures = dict[str, Any]
Run = tuple[dt.date, dt.date]


@dataclass
class Truth:
    """By (seller, closed day): the account's figures at the end of each run, and (word, before, level) if one was."""

    figures: dict[tuple[str, dt.date], Figures] = field(default_factory=dict)
    decisions: dict[tuple[str, dt.date], tuple[str, str, str]] = field(default_factory=dict)
    facts: int = 0

    def add(self, other: "Truth") -> None:
        """Take what another process found of its own sellers."""
        self.figures |= other.figures
        self.decisions |= other.decisions
        self.facts += other.facts


class Days:
    """The sums of one seller by day, and of the window that ends with `last`."""

    def __init__(self, names: dict[str, Names]) -> None:
        self._names = names
        self._days: dict[dt.date, dict[str, Amounts]] = {}
        self._parcels: Counter[dt.date] = Counter()
        self._window: dict[str, Amounts] = {}
        self._first, self._last = dt.date.min, dt.date.min

    def add(self, day: dt.date, dimension: str, amounts: Amounts, sign: int) -> None:
        """Count a fact, or with `sign` -1 no longer."""
        _into(self._days.setdefault(day, {}), dimension, amounts, sign)
        if dimension in {"packaging", "delivery"}:
            self._parcels[day] += sign
        if self._first <= day <= self._last:
            _into(self._window, dimension, amounts, sign)

    def move(self, last: dt.date) -> None:
        """Have the window end with a day: the first one ever, or the day after the last one."""
        if self._last == dt.date.min:
            self._first = last - DAY * (policy()[0]["window_days"] - 1)
            entering = [day for day in self._days if self._first <= day <= last]
        else:
            assert last == self._last + DAY, "days are closed one after the other"
            self._leave(self._first)
            self._first += DAY
            entering = [last]
        self._last = last
        for day in entering:
            for dimension, amounts in self._days.get(day, {}).items():
                _into(self._window, dimension, amounts, 1)

    def _leave(self, day: dt.date) -> None:
        for dimension, amounts in self._days.pop(day, {}).items():
            _into(self._window, dimension, amounts, -1)
        self._parcels.pop(day, None)

    def window(self) -> Window:
        """The window's sums by name."""
        sums = {
            dimension: Counter(dict(zip(self._names[dimension], amounts, strict=True)))
            for dimension, amounts in self._window.items()
            if any(amounts)
        }
        active = sum(1 for day, count in self._parcels.items() if count and self._first <= day <= self._last)
        return Window(sums, active)


def _into(sums: dict[str, Amounts], dimension: str, amounts: Amounts, sign: int) -> None:
    present = sums.get(dimension)
    sums[dimension] = (
        [sign * amount for amount in amounts]
        if present is None
        else [one + sign * amount for one, amount in zip(present, amounts, strict=True)]
    )


@dataclass(frozen=True)
class Part:
    """What a fact adds to which day."""

    seller: str
    day: dt.date
    dimension: str
    amounts: Amounts


@dataclass
class Accounts:
    """The accounts of some sellers, closing after closing."""

    names: dict[str, Names] = field(default_factory=dict)
    sellers: dict[str, Days] = field(default_factory=dict)
    badges: dict[str, Badge] = field(default_factory=dict)
    ending: dict[dt.date, list[Part]] = field(default_factory=dict)
    found: Truth = field(default_factory=Truth)

    def take(self, fact: Fact, through: dt.date) -> None:
        """Count a fact from now on, unless it has ended by the closing of `through`."""
        self.found.facts += 1
        if fact.until is not None and fact.until <= through:
            return
        sums, dimension = assess(fact.event), DIMENSIONS[fact.event["type"]]
        names = self.names.setdefault(dimension, tuple(sums))
        assert names == tuple(sums), "the document names the same sums for every event of a dimension"
        part = Part(fact.seller, day_of(fact.event), dimension, list(sums.values()))
        self._days(fact.seller).add(part.day, dimension, part.amounts, 1)
        if fact.until is not None:
            self.ending.setdefault(fact.until, []).append(part)

    def close(self, run: Run) -> None:
        """Judge the days of a run, with what counts when it is closed."""
        first, last = run
        for day in sorted(day for day in self.ending if day <= last):
            for part in self.ending.pop(day):
                self.sellers[part.seller].add(part.day, part.dimension, part.amounts, -1)
        for seller, days in self.sellers.items():
            badge, day = self.badges[seller], first
            while day <= last:
                days.move(day)
                window = days.window()
                decision = badge.close(window)
                if decision.word is not None:
                    self.found.decisions[seller, day] = (decision.word, decision.before, decision.level)
                day += DAY
            self.found.figures[seller, last] = figures_of(window, badge)

    def _days(self, seller: str) -> Days:
        if seller not in self.sellers:
            self.sellers[seller], self.badges[seller] = Days(self.names), Badge()
        return self.sellers[seller]


def truth_of(facts: Iterable[Fact], closed: list[Run], tell: Callable[[str], object] = str) -> Truth:
    """Everything that follows from facts, which come in the order of their publication."""
    accounts, waiting = Accounts(), iter(facts)
    fact = next(waiting, None)
    for number, run in enumerate(closed, 1):
        while fact is not None and fact.first <= run[1]:
            accounts.take(fact, run[1])
            fact = next(waiting, None)
        accounts.close(run)
        tell(f"truth: {number} of {len(closed)} closings, {accounts.found.facts} facts")
    assert fact is None, "a fact was published after the last closing"
    return accounts.found


def truth_of_file(path: Path, tell: Callable[[str], object], processes: int = 1) -> Truth:
    """What a truth file comes to, its sellers shared among processes."""
    closed = ending_of(path).closed
    if processes == 1:
        return truth_of(_facts(path, 0, 1), closed, tell)
    found = Truth()
    with ProcessPoolExecutor(processes) as pool:
        share = partial(_share, path, closed, processes)
        for part in pool.map(share, range(processes)):
            found.add(part)
    return found


def _share(path: Path, closed: list[Run], processes: int, number: int) -> Truth:
    return truth_of(_facts(path, number, processes), closed)


def _facts(path: Path, number: int, processes: int) -> Iterator[Fact]:
    for line in lines(path):
        seller = seller_of(line)
        if seller and zlib.crc32(seller) % processes == number:
            yield fact_of(line)
