"""Which changes would raise a seller's score most: the account re-scored under each, never a canned text."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from greenlane.methodology.account import Declaration, Judged, assess, assess_all, co2e_mg, totals_of
from greenlane.methodology.changes import LEVERS, Change, Lever
from greenlane.methodology.score import PRIOR_PARCELS, green_points, score
from greenlane.methodology.sums import Totals
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import Grade

SUGGESTIONS = 3


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


def advise(
    declarations: Iterable[Declaration], method: Method, prior_parcels: int = PRIOR_PARCELS, most: int = SUGGESTIONS
) -> tuple[Suggestion, ...]:
    """The `most` changes that raise the green score of this account most, the best first; none that does not."""
    judged = assess_all(declarations, method)
    ranked = sorted(_all(judged, method, prior_parcels), key=lambda one: -one.points)
    return tuple(one for one in ranked if one.points > 0)[:most]


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
