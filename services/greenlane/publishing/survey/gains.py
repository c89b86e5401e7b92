"""What declaring each missing fact would add: every account scored again under it, never a figure made up."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from greenlane.methodology.explaining.advice import LEVELS, rejudged
from greenlane.methodology.explaining.explain import DEFAULT_MEANING
from greenlane.methodology.explaining.suppositions import SUPPOSITIONS, suppose, suppose_everything
from greenlane.methodology.seller.account import Declaration, Judged, co2e_mg, totals_of
from greenlane.methodology.seller.eligibility import Policy, level_met
from greenlane.methodology.seller.score import green_points, score
from greenlane.methodology.sums import Totals
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import DefaultUsed


@dataclass(frozen=True, slots=True)
class Gain:
    """A fact that lacks in `parcels` of `sellers` sellers, and what their accounts would gain if it were declared.

    `default` is None for everything at once. `points` is the mean gain of these sellers' green score, unrounded; grams
    are sums over their parcels, negative where less would count. `levels` are sellers whose highest met level would
    change. All are None where only the seller knows what to declare (`supposed` is None).
    """

    default: DefaultUsed | None
    parcels: int
    sellers: int
    supposed: str | None
    points: Decimal | None = None
    co2e_change_g: Decimal | None = None
    plastic_change_g: Decimal | None = None
    levels: int | None = None

    @property
    def meaning(self) -> str:
        """What the default did and what to declare instead."""
        return "" if self.default is None else DEFAULT_MEANING[self.default]

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "default": None if self.default is None else str(self.default),
            "parcels": self.parcels,
            "sellers": self.sellers,
            "meaning": self.meaning,
            "supposed": self.supposed,
            "points": _number(self.points),
            "co2e_change_g": _number(self.co2e_change_g),
            "plastic_change_g": _number(self.plastic_change_g),
            "sellers_whose_level_changes": self.levels,
        }


def gains(accounts: Mapping[str, tuple[Judged, ...]], method: Method, policy: Policy) -> tuple[Gain, ...]:
    """The gain of every missing fact by itself, the largest first; the last one is all of them together."""
    before = {seller: totals_of(judged) for seller, judged in accounts.items()}
    found = [_gain(default, accounts, before, method, policy) for default in DefaultUsed]
    one_by_one = sorted(
        (gain for gain in found if gain is not None),
        key=lambda gain: (gain.points is None, -(gain.points or Decimal(0)), gain.default or ""),
    )
    together = _gain(None, accounts, before, method, policy)
    return tuple(one_by_one) if together is None else (*one_by_one, together)


def _gain(
    default: DefaultUsed | None,
    accounts: Mapping[str, tuple[Judged, ...]],
    before: Mapping[str, Totals],
    method: Method,
    policy: Policy,
) -> Gain | None:
    change = _everything if default is None else partial(_supposed, default)
    parcels = sellers = applied = levels = 0
    points, co2e, plastic = Decimal(0), 0, 0
    for seller, judged in accounts.items():
        used = sum(1 for row in judged if row.assessed.defaults and (default in row.assessed.defaults or not default))
        if not used:
            continue
        parcels, sellers = parcels + used, sellers + 1
        after, changed = rejudged(judged, method, change)
        if not changed:
            continue
        applied += changed
        standing, totals = before[seller], totals_of(after)
        points += green_points(totals, policy.prior_parcels) - green_points(standing, policy.prior_parcels)
        co2e += co2e_mg(totals) - co2e_mg(standing)
        plastic += totals.packaging.plastic_mass_mg - standing.packaging.plastic_mass_mg
        levels += _level(totals, policy) != _level(standing, policy)
    if not parcels:
        return None
    text = "all of the above" if default is None else SUPPOSITIONS[default].text if default in SUPPOSITIONS else None
    if not applied or text is None:
        return Gain(default, parcels, sellers, None)
    thousand = Decimal(1000)
    return Gain(default, parcels, sellers, text, points / sellers, co2e / thousand, plastic / thousand, levels)


def _supposed(default: DefaultUsed, row: Judged, method: Method) -> Declaration | None:
    return suppose(default, row.declaration, method) if default in row.assessed.defaults else None


def _everything(row: Judged, method: Method) -> Declaration | None:
    return suppose_everything(row.declaration, method) if row.assessed.defaults else None


def _level(totals: Totals, policy: Policy) -> int:
    return LEVELS.index(level_met(totals, score(totals, policy.prior_parcels), policy))


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(round(value, 4))
