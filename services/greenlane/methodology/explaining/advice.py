"""Which changes would raise a seller's score most: the account re-scored under each, never a canned text."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from itertools import combinations
from typing import NamedTuple

from greenlane.methodology.explaining.changes import LEVERS, Change, Lever
from greenlane.methodology.seller.account import Declaration, Judged, assess, assess_all, co2e_mg, totals_of
from greenlane.methodology.seller.eligibility import Policy, level_met
from greenlane.methodology.seller.score import PRIOR_PARCELS, green_points, score
from greenlane.methodology.sums import Totals
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import BadgeLevel, Grade

SUGGESTIONS = 3
LARGEST_SET = 3
"""Changes that a seller is asked to make together at the most."""
CONSIDERED = 5
"""Changes, the best first, of which sets are made."""
LEVELS = tuple(BadgeLevel)


class Suggestion(NamedTuple):
    """One change over all parcels it applies to: what the whole account would gain.

    `points` is the gain of the unrounded green score, `green` the score then; `co2e_saved_mg` over the window.
    """

    change: Change
    text: str
    parcels: int
    points: Decimal
    co2e_saved_mg: int
    green: Decimal
    grade: Grade


class Advice(NamedTuple):
    """The best changes, and the smallest set of changes with which every rule of the next badge level is met.

    `level` is the highest level whose every rule the account meets now, `next_level` the one above (None above gold);
    `way` is empty where no set of up to three changes meets it. `empty`: the account has no parcel.
    """

    suggestions: tuple[Suggestion, ...]
    level: BadgeLevel
    next_level: BadgeLevel | None
    way: tuple[Change, ...]
    empty: bool


def suggest(
    declarations: Iterable[Declaration], method: Method, prior_parcels: int = PRIOR_PARCELS, most: int = SUGGESTIONS
) -> tuple[Suggestion, ...]:
    """The `most` changes that raise the green score of this account most, the best first; none that does not."""
    return _useful(assess_all(declarations, method), method, prior_parcels)[:most]


def advise(declarations: Iterable[Declaration], method: Method, policy: Policy) -> Advice:
    """What this account's seller can do: the best three changes, and the way to the next badge level."""
    judged = assess_all(declarations, method)
    totals = totals_of(judged)
    level = level_met(totals, score(totals, policy.prior_parcels), policy)
    if not totals.packaging.parcels and not totals.delivery.parcels:
        return Advice((), level, None, (), empty=True)
    useful = _useful(judged, method, policy.prior_parcels)
    following = next(iter(LEVELS[LEVELS.index(level) + 1 :]), None)
    considered = [one.change for one in useful[:CONSIDERED]]
    way = () if following is None else _way(judged, method, policy, considered, following)
    return Advice(useful[:SUGGESTIONS], level, following, way, empty=False)


def _useful(judged: Sequence[Judged], method: Method, prior: int) -> tuple[Suggestion, ...]:
    ranked = sorted(_all(judged, method, prior), key=lambda one: -one.points)
    return tuple(one for one in ranked if one.points > 0)


def _way(
    judged: Sequence[Judged], method: Method, policy: Policy, changes: Sequence[Change], wanted: BadgeLevel
) -> tuple[Change, ...]:
    """The first of the smallest sets of changes under which every rule of a level is met; empty if there is none."""
    for size in range(1, LARGEST_SET + 1):
        for chosen in combinations(changes, size):
            after = judged
            for change in chosen:
                after, _ = rejudged(after, method, partial(_applied, LEVERS[change]))
            totals = totals_of(after)
            met = level_met(totals, score(totals, policy.prior_parcels), policy)
            if LEVELS.index(met) >= LEVELS.index(wanted):
                return chosen
    return ()


def rejudged(
    judged: Sequence[Judged], method: Method, change: Callable[[Judged, Method], Declaration | None]
) -> tuple[tuple[Judged, ...], int]:
    """The account under a change, and to how many declarations it applied; the others keep their assessment."""
    after: list[Judged] = []
    applied = 0
    for row in judged:
        changed = change(row, method)
        if changed is None:
            after.append(row)
        else:
            applied += 1
            after.append(Judged(changed, assess(changed, method)))
    return tuple(after), applied


def _all(judged: Sequence[Judged], method: Method, prior: int) -> Iterable[Suggestion]:
    before = totals_of(judged)
    for change, lever in LEVERS.items():
        after, applied = rejudged(judged, method, partial(_applied, lever))
        if applied:
            yield _suggestion(change, lever.text, applied, before, totals_of(after), prior)


def _applied(lever: Lever, row: Judged, method: Method) -> Declaration | None:
    return lever.apply(row.declaration, method)


def _suggestion(change: Change, text: str, applied: int, before: Totals, after: Totals, prior: int) -> Suggestion:  # noqa: PLR0913, PLR0917 - what a suggestion is made of, once
    scores = score(after, prior)
    points = green_points(after, prior) - green_points(before, prior)
    return Suggestion(change, text, applied, points, co2e_mg(before) - co2e_mg(after), scores.green, scores.grade)
