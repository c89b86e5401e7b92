"""Section 4 of method 2.0.0, written a second time from the document: sums become scores, grades and badges."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.audit.document import Level, policy
from tests.audit.facts import MILLION, MOST_RATIO, Facts, Sums, data_of, day_of, instant
from tests.audit.from_the_document import DIMENSIONS, assess

EXACT = Context(prec=60)
GRADES = ((80, "A"), (60, "B"), (45, "C"), (30, "D"))
NONE = "none"
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Scores:
    """The three scores, each rounded to one decimal."""

    green: Decimal
    packaging: Decimal
    delivery: Decimal


@dataclass(frozen=True)
class Window:
    """The sums of a window by dimension, and its days with a parcel packed or delivered."""

    sums: dict[str, Counter[str]]
    active_days: int

    def of(self, dimension: str, name: str) -> int:
        return self.sums.get(dimension, Counter())[name]


@dataclass(frozen=True)
class Judgement:
    """What is published of a window."""

    scores: Scores
    proven: Scores
    grade: str
    measured_permille: int
    complete_permille: int


def decimal(value: Fraction) -> Decimal:
    return EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def points(ratio: Fraction) -> Decimal:
    """S(r) of section 1."""
    if ratio <= 0:
        return Decimal(100)
    with localcontext(EXACT):
        score = 50 - 25 * decimal(ratio).ln() / Decimal(2).ln()
    return min(max(score, Decimal(0)), Decimal(100))


def mean(ratios: int, parcels: int, prior: int) -> Fraction:
    """The mean ratio with `prior` parcels at the reference."""
    if not parcels:
        return Fraction(1)
    return (Fraction(ratios, MILLION) + prior) / (parcels + prior)


def rounded(score: Decimal) -> Decimal:
    return score.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN, context=EXACT)


def _ratios(window: Window, dimension: str, name: str, *, proven: bool) -> int:
    if not proven:
        return window.of(dimension, name)
    unproven = window.of(dimension, "parcels") - window.of(dimension, "measured_parcels")
    return window.of(dimension, f"measured_{name}") + MOST_RATIO * unproven


def scores(window: Window, *, proven: bool, prior: int) -> Scores:
    """The scores of all parcels, or the proven ones."""
    packed, delivered = window.of("packaging", "parcels"), window.of("delivery", "parcels")
    with localcontext(EXACT):
        many = packed + prior
        empty, circular = (
            decimal(Fraction(window.of("packaging", name), 1000 * many)) if many else Decimal(0)
            for name in ("empty_space_milli", "circular_milli")
        )
        co2e, plastic = (
            points(mean(_ratios(window, "packaging", name, proven=proven), packed, prior))
            for name in ("co2e_ratio", "plastic_ratio")
        )
        travelled = sum(_ratios(window, dimension, "ratio", proven=proven) for dimension in ("delivery", "return"))
        packaging = Decimal("0.40") * co2e + Decimal("0.30") * plastic + Decimal("0.15") * (empty + circular)
        delivery = points(mean(travelled, delivered, prior))
        return Scores(rounded((packaging + delivery) / 2), rounded(packaging), rounded(delivery))


def grade(green: Decimal) -> str:
    return next((letter for least, letter in GRADES if green >= least), "E")


def share(window: Window, name: str) -> int:
    """A share of all packed and delivered parcels in thousandths, rounded down."""
    both = ("packaging", "delivery")
    parcels = sum(window.of(dimension, "parcels") for dimension in both)
    return 1000 * sum(window.of(dimension, name) for dimension in both) // parcels if parcels else 0


def judge(window: Window, prior: int | None = None) -> Judgement:
    """Scores, proven scores, grade and shares of a window."""
    many = policy()[0]["prior_parcels"] if prior is None else prior
    found = scores(window, proven=False, prior=many)
    return Judgement(
        scores=found,
        proven=scores(window, proven=True, prior=many),
        grade=grade(found.green),
        measured_permille=share(window, "measured_parcels"),
        complete_permille=share(window, "complete_parcels"),
    )


# Records, late ones and corrections.


@dataclass(frozen=True)
class Record:
    """One version of one parcel in one dimension; without sums it is cancelled."""

    day: dt.date
    version: tuple[float, dt.datetime, str]
    sums: Sums | None


@dataclass
class Account:
    """The records of one seller that count."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)

    def take(self, event: Facts, closed: dt.date | None) -> None:
        """Take an event that arrives when `closed` is the last closed day."""
        day = day_of(event)
        if closed is not None and (closed - day).days >= late_days():
            return
        data = data_of(event)
        dimension = DIMENSIONS.get(event["type"])
        revision = math.inf if dimension is None else int(data.get("revision") or 0)
        sums = None if dimension is None else assess(event)
        record = Record(day, (revision, instant(event), event["id"]), sums)
        for one in DIMENSIONS.values() if dimension is None else (dimension,):
            key = data["parcel_id"], one
            present = self.records.get(key)
            if present is None or record.version > present.version:
                self.records[key] = record

    def forget(self, closed: dt.date) -> None:
        """Forget what lies before every window to come."""
        first = closed + DAY * (2 - policy()[0]["window_days"])
        self.records = {key: record for key, record in self.records.items() if record.day >= first}

    def window(self, last: dt.date, days: int | None = None) -> Window:
        """The sums of the days that end with `last`."""
        first = last - DAY * ((days or policy()[0]["window_days"]) - 1)
        sums: dict[str, Counter[str]] = {}
        active = set()
        for (_, dimension), record in self.records.items():
            if record.sums is None or not first <= record.day <= last:
                continue
            sums.setdefault(dimension, Counter()).update(record.sums)
            if dimension in {"packaging", "delivery"}:
                active.add(record.day)
        return Window(sums, len(active))


def late_days() -> int:
    """A record is late when its day lies so many days before the last closed one."""
    numbers = policy()[0]
    return min(numbers["lateness_days"], numbers["window_days"] - 1)


# The badge.


@dataclass
class Badge:
    """The badge of one account, judged day by day."""

    level: str = NONE
    days_met: dict[str, int] = field(default_factory=dict)
    days_below: int = 0
    met: str = NONE

    def close(self, window: Window) -> "Decision":
        """Judge a closed day."""
        numbers, levels = policy()
        said = judge(window)
        best = NONE
        for level in levels:
            if meets(window, said, level, 0):
                best = level.name
        self.met, reached = best, rank(best)
        for level in levels:
            met = reached >= rank(level.name)
            self.days_met[level.name] = min(numbers["enter_days"], self.days_met.get(level.name, 0) + 1) if met else 0
        before = self.level
        word = self._decide(window, said)
        return Decision(before, self.level, word)

    def _decide(self, window: Window, said: Judgement) -> str | None:
        numbers, levels = policy()
        full = [level for level in levels if self.days_met[level.name] >= numbers["enter_days"]]
        if full and rank(full[-1].name) > rank(self.level):
            self.level, self.days_below = full[-1].name, 0
            return "granted"
        held = [level for level in levels if meets(window, said, level, numbers["leave_margin"])]
        if self.level == NONE or self.level in {level.name for level in held}:
            self.days_below = 0
            return None
        self.days_below += 1
        if self.days_below >= numbers["leave_days"]:
            lower = [level.name for level in held if rank(level.name) < rank(self.level)]
            self.level, self.days_below = lower[-1] if lower else NONE, 0
            return "lowered"
        return "warned" if self.days_below == 1 else None


@dataclass(frozen=True)
class Decision:
    """What a closed day says of the badge; `word` is None when it says nothing."""

    before: str
    level: str
    word: str | None


def rank(name: str) -> int:
    """A level's place, 0 for none."""
    return [NONE, *(level.name for level in policy()[1])].index(name)


def meets(window: Window, said: Judgement, level: Level, margin: int) -> bool:
    """Whether the window meets all rules of a level, with each score threshold lowered by `margin` points."""
    found = said.proven if level.proven else said.scores
    counted = "measured_parcels" if level.proven else "parcels"
    bags, packed = window.of("packaging", "thin_bag_parcels"), window.of("packaging", "parcels")
    return (
        Fraction(found.green) >= level.green - margin
        and Fraction(min(found.packaging, found.delivery)) >= level.dimension - margin
        and said.complete_permille >= 10 * level.complete_percent
        and said.measured_permille >= 10 * level.measured_percent
        and window.of("packaging", counted) >= level.packed
        and window.of("delivery", counted) >= level.delivered
        and window.active_days >= level.days
        and 100 * bags <= level.thin_bags_percent * packed
    )


def figures_of(window: Window, badge: Badge) -> dict[str, Any]:
    """Everything that is published of an account at a closed day; of the sums those that are not 0."""
    said = judge(window)
    return {
        "green": said.scores.green,
        "packaging": said.scores.packaging,
        "delivery": said.scores.delivery,
        "proven_green": said.proven.green,
        "proven_packaging": said.proven.packaging,
        "proven_delivery": said.proven.delivery,
        "grade": said.grade,
        "measured": said.measured_permille,
        "complete": said.complete_permille,
        "active_days": window.active_days,
        "met": badge.met,
        "level": badge.level,
        "days_below": badge.days_below,
    } | sums_by_name(window.sums)


def sums_by_name(sums: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """The sums that are not 0, with their dimension in the name."""
    return {f"{of} {name}": value for of, named in sums.items() for name, value in named.items() if value}


def window_of(events: Iterable[Facts], last: dt.date, days: int) -> Window:
    """The sums of a list of events over the days that end with `last`."""
    account = Account()
    for event in events:
        account.take(event, None)
    return account.window(last, days)
