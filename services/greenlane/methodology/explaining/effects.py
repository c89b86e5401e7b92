"""What declaring would change, default by default: computed by re-assessing under what is supposed to be declared."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from greenlane.methodology.explaining.advice import rejudged
from greenlane.methodology.explaining.suppositions import SUPPOSITIONS, suppose
from greenlane.methodology.seller.account import Declaration, Judged, co2e_mg, totals_of
from greenlane.methodology.sums import Totals
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import DefaultUsed


class Effect(NamedTuple):
    """A default, in how many declarations it was used, and what declaring it there would change by itself.

    `supposed` is None where nobody can say what would be declared; a positive `points` is a gain.
    """

    default: DefaultUsed
    used: int
    supposed: str | None
    co2e_change_mg: int
    points: Decimal


def effects_of(judged: Sequence[Judged], method: Method, points: Callable[[Totals], Decimal]) -> tuple[Effect, ...]:
    """The effect of every default used, in the order of the vocabulary; `points` scores the totals."""
    before = totals_of(judged)
    standing = points(before)
    found: list[Effect] = []
    for default in DefaultUsed:
        used = sum(1 for row in judged if default in row.assessed.defaults)
        if not used:
            continue
        after, applied = rejudged(judged, method, partial(_supposed, default))
        if not applied:
            found.append(Effect(default, used, None, 0, Decimal(0)))
            continue
        totals = totals_of(after)
        change = co2e_mg(totals) - co2e_mg(before)
        found.append(Effect(default, used, SUPPOSITIONS[default].text, change, points(totals) - standing))
    return tuple(found)


def _supposed(default: DefaultUsed, row: Judged, method: Method) -> Declaration | None:
    """Supposes only where the default was used: elsewhere the same facts may be declared well."""
    return suppose(default, row.declaration, method) if default in row.assessed.defaults else None
