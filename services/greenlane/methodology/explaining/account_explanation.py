"""Why a seller scores as they do: CO2e by factor and data category, defaults and their effect, and the arithmetic."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from greenlane.methodology.assessment import Assessed, Step
from greenlane.methodology.explaining.effects import Effect, effects_of
from greenlane.methodology.facts import PackedFacts
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.parcel.cover import breaks
from greenlane.methodology.parcel.space import surface_mm2
from greenlane.methodology.seller.account import Declaration, Judged, assess, assess_all, totals_of
from greenlane.methodology.seller.arithmetic import Arithmetic, arithmetic_of
from greenlane.methodology.seller.score import PRIOR_PARCELS, green_points
from greenlane.methodology.sums import Totals
from greenlane.methodology.tables import Factor, Method, ThinBagRule
from greenlane.methodology.vocabulary import DataCategory, Dimension, ImplausibleFact


class Contribution(NamedTuple):
    """CO2e in mg that came by the same factors at the same data category, in how many steps of the assessments."""

    dimension: Dimension
    factor_ids: tuple[str, ...]
    category: DataCategory
    steps: int
    co2e_mg: int


class ThinBags(NamedTuple):
    """A rule about thin bags that parcels of the account break: which ones, in the order of their declaration."""

    rule: ThinBagRule
    parcels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountExplanation:
    """A seller's account with everything it takes to recompute the score by hand."""

    method_version: str
    totals: Totals
    arithmetic: Arithmetic
    contributions: tuple[Contribution, ...]
    effects: tuple[Effect, ...]
    thin_bags: tuple[ThinBags, ...]
    implausible: tuple[tuple[ImplausibleFact, int], ...]
    factors: tuple[Factor, ...]


def explain_account(
    declarations: Iterable[Declaration], method: Method, prior_parcels: int = PRIOR_PARCELS
) -> AccountExplanation:
    """The account of these declarations, each re-assessed by the functions the scorers call."""
    judged = assess_all(declarations, method)
    totals = totals_of(judged)
    implausible = Counter(code for row in judged for code in row.assessed.implausible)
    used = sorted({identifier for row in judged for identifier in row.assessed.factor_ids})
    return AccountExplanation(
        METHOD_VERSION,
        totals,
        arithmetic_of(totals, prior_parcels),
        contributions_of(judged, method),
        effects_of(judged, method, partial(green_points, prior_parcels=prior_parcels)),
        thin_bags_of(judged, method),
        tuple((code, implausible[code]) for code in ImplausibleFact if code in implausible),
        tuple(method.factors[identifier] for identifier in used if identifier in method.factors),
    )


def thin_bags_of(judged: Sequence[Judged], method: Method) -> tuple[ThinBags, ...]:
    """Every rule about thin bags that is broken, with the parcels that break it."""
    found = []
    for rule in method.thin_bag_rules:
        parcels = tuple(
            declaration.parcel_id
            for declaration, _ in judged
            if isinstance(declaration.facts, PackedFacts) and _breaks(rule, declaration.facts, method)
        )
        if parcels:
            found.append(ThinBags(rule, parcels))
    return tuple(found)


def _breaks(rule: ThinBagRule, facts: PackedFacts, method: Method) -> bool:
    surface = 0 if facts.outer is None or facts.components is None else surface_mm2(facts.outer)
    return breaks(rule, facts, surface, method)


def contributions_of(judged: Sequence[Judged], method: Method) -> tuple[Contribution, ...]:
    """The CO2e of all assessments by dimension, factors and data category, the largest first; they add up to it."""
    found: dict[tuple[Dimension, tuple[str, ...], DataCategory], list[int]] = defaultdict(list)
    for row in judged:
        dimension = row.declaration.dimension
        steps: list[Step] = []
        for step in _counted(assess(row.declaration, method, steps), dimension, steps):
            assert step.category is not None, "a counted step has a category"
            found[dimension, step.factor_ids, step.category].append(step.value)
    rows = [Contribution(*key, len(values), sum(values)) for key, values in found.items()]
    return tuple(sorted(rows, key=lambda row: (tuple(Dimension).index(row.dimension), -row.co2e_mg, row.factor_ids)))


def _counted(assessed: Assessed, dimension: Dimension, steps: Sequence[Step]) -> Iterable[Step]:
    """The steps that add up to the CO2e: those with a category; of undeclared packaging only what stands for it."""
    undeclared = dimension is Dimension.PACKAGING and assessed.data_category is DataCategory.DEFAULT
    for step in steps:
        if step.category is not None and (not undeclared or step.category is DataCategory.DEFAULT):
            yield step
