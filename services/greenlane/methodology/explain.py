"""Why a parcel scored as it did: the steps of the very functions that assessed it, as data and as text."""

from dataclasses import dataclass
from decimal import Decimal

from greenlane.methodology.account import Declaration, assess
from greenlane.methodology.assessment import Assessed, Step
from greenlane.methodology.facts import DeliveredFacts, PackedFacts, RecoveredFacts
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.score import packaging_parts, parcel_delivery_score, parcel_packaging_score
from greenlane.methodology.sums import DeliverySums, PackagingSums, Sums
from greenlane.methodology.tables import Factor, Method
from greenlane.methodology.vocabulary import DefaultUsed, Dimension, ImplausibleFact

DEFAULT_MEANING: dict[DefaultUsed, str] = {
    DefaultUsed.PACKAGING_UNDECLARED: "no component declared: counted as twice the average parcel; declare components",
    DefaultUsed.MATERIAL_UNDECLARED: "a component lacks its material: the parcel counts as undeclared at least",
    DefaultUsed.MASS_UNDECLARED: "a component lacks its mass: the parcel counts as undeclared at least",
    DefaultUsed.MATERIAL_UNKNOWN: "an unknown plastic or fibre counts as the worst of its kind; name the material",
    DefaultUsed.RECYCLED_UNCERTIFIED: "recycled content without a certificate valid on the day counts as none",
    DefaultUsed.TRIPS_UNVERIFIED: "a reusable asset without verified trips counts as used once",
    DefaultUsed.FILM_THICKNESS_UNDECLARED: "a bag's film thickness is undeclared: counted below the legal limit",
    DefaultUsed.PRODUCT_VOLUME_UNDECLARED: "product volume unknown or unverifiable: smallest reference; declare all "
    "items' dimensions and the outer ones",
    DefaultUsed.ORDER_SHARED_EQUALLY: "a split order without verifiable volumes: an equal share of the smallest "
    "reference; declare the order's product volume and all items' dimensions",
    DefaultUsed.EMPTY_SPACE_UNDECLARED: "empty space unknown: scored 0; declare all items' and the box's dimensions",
    DefaultUsed.PLACE_UNKNOWN: "a place is in no table: the longest distance is assumed and the reference has none",
    DefaultUsed.LINE_HAUL_UNDECLARED: "the places lie apart but no line-haul is declared: one was assumed",
    DefaultUsed.LAST_MILE_UNDECLARED: "no last mile declared: one was assumed",
    DefaultUsed.VEHICLE_UNDECLARED: "no usable vehicle declared: a rigid lorry was assumed, in rounds a heavy one",
    DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN: "no verified kWh per km for this vehicle: counted as a petrol motorbike; "
    "declare its energy",
    DefaultUsed.DISTANCE_UNDECLARED: "no usable distance declared: great circle x 1.2 was taken",
    DefaultUsed.ROUND_BY_DENSITY: "the round was modelled from its density; declare its length and parcels",
    DefaultUsed.ROUND_UNDECLARED: "no usable round declared: a sparse one was assumed",
    DefaultUsed.ENERGY_UNVERIFIABLE: "energy counts only beside the vehicle and the distance it covered",
    DefaultUsed.HUB_UNDECLARED: "a hub's CO2e is undeclared and no open default exists: nothing was added",
}
"""What each default did and what to declare instead."""

IMPLAUSIBLE_MEANING: dict[ImplausibleFact, str] = {
    ImplausibleFact.ITEMS_VOLUME: "the items are larger than the outer packaging",
    ImplausibleFact.ORDER_VOLUME: "the parcel holds more than its whole order",
    ImplausibleFact.FILM_THICKNESS: "a film of this thickness is implausible",
    ImplausibleFact.VERIFIED_TRIPS: "so many trips of an asset are implausible",
    ImplausibleFact.ROUND: "a round of this length and these parcels is implausible",
    ImplausibleFact.LINE_HAUL_DISTANCE: "the declared line-haul cannot span the distance between the places",
    ImplausibleFact.ENERGY: "the energy does not fit vehicle, distance or parcels",
    ImplausibleFact.VEHICLE: "the vehicle does not do this part of a chain",
}
"""Why each declared fact counted as undeclared."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One assessment with its steps, the factors behind them, and the parcel's own score where it has one."""

    dimension: Dimension
    method_version: str
    assessed: Assessed
    steps: tuple[Step, ...]
    factors: tuple[Factor, ...]
    score: Decimal | None


def explain(declaration: Declaration, method: Method) -> Explanation:
    """How a declaration was assessed; a return or a recovery has no score of its own."""
    steps: list[Step] = []
    assessed = assess(declaration, method, steps)
    factors = tuple(method.factors[identifier] for identifier in assessed.factor_ids)
    score = parcel_score(assessed.sums)
    return Explanation(declaration.dimension, METHOD_VERSION, assessed, tuple(steps), factors, score)


def explain_packed(facts: PackedFacts, method: Method) -> Explanation:
    """How a packed parcel was assessed."""
    return explain(Declaration("", Dimension.PACKAGING, facts), method)


def explain_delivered(facts: DeliveredFacts, method: Method) -> Explanation:
    """How a delivered parcel was assessed."""
    return explain(Declaration("", Dimension.DELIVERY, facts), method)


def explain_returned(facts: DeliveredFacts, method: Method) -> Explanation:
    """How a returned parcel was assessed; it has no score of its own, its CO2e joins the seller's deliveries."""
    return explain(Declaration("", Dimension.RETURN, facts), method)


def explain_recovered(facts: RecoveredFacts, method: Method) -> Explanation:
    """How a recovery was assessed; it has no score of its own."""
    return explain(Declaration("", Dimension.CIRCULARITY, facts), method)


def parcel_score(sums: Sums) -> Decimal | None:
    """One parcel's own score, without the prior; None for a return and a recovery, which have none."""
    if isinstance(sums, PackagingSums):
        return parcel_packaging_score(sums)
    return parcel_delivery_score(sums) if isinstance(sums, DeliverySums) else None


def explanation_text(explanation: Explanation) -> str:
    """The explanation for people: every step, every factor with its source, every default and why."""
    assessed = explanation.assessed
    score = "" if explanation.score is None else f", score {explanation.score} of 100 (one parcel, without the prior)"
    lines = [f"{explanation.dimension}, method {explanation.method_version}, {assessed.data_category} data{score}", ""]
    lines += [_step_line(step) for step in explanation.steps]
    if isinstance(assessed.sums, PackagingSums):
        lines += ["", "Score", *_score_lines(assessed.sums)]
    lines += ["", "Factors", *(factor_line(factor) for factor in explanation.factors)] if explanation.factors else []
    if assessed.defaults:
        meanings = (f"  {code}: {DEFAULT_MEANING[DefaultUsed(code)]}" for code in assessed.defaults)
        lines += ["", "Defaults used", *meanings]
    if assessed.implausible:
        reasons = (f"  {code}: {IMPLAUSIBLE_MEANING[ImplausibleFact(code)]}" for code in assessed.implausible)
        lines += ["", "Implausible, counted as undeclared", *reasons]
    return "\n".join(lines)


def _score_lines(sums: PackagingSums) -> list[str]:
    parts = packaging_parts(sums, 0)
    lines = [
        f"  CO2e {sums.packaging_co2e_mg} / {sums.reference_packaging_co2e_mg} mg: {parts.co2e:.2f} points x 0.40",
        f"  plastic {sums.plastic_mass_mg} / {sums.reference_plastic_mg} mg: {parts.plastic:.2f} points x 0.30",
        f"  empty space: {parts.empty:.2f} points x {parts.empty_weight:.2f}",
        f"  circular {sums.circular_mass_mg} / {sums.packaging_mass_mg} mg: {parts.circular:.2f} points x 0.15",
    ]
    return [*lines, "  capped at 40: not compliant"] if sums.non_compliant_parcels else lines


def _step_line(step: Step) -> str:
    category = "" if step.category is None else f"  [{step.category}]"
    behind = f"  {', '.join(step.factor_ids)}" if step.factor_ids else ""
    return f"  {step.label}: {step.formula} = {step.value} {step.unit}{category}{behind}"


def factor_line(factor: Factor) -> str:
    """A factor with its value, boundary, grade and source."""
    source = factor.source
    text = f"  {factor.id} = {factor.value} {factor.unit} ({factor.boundary}, {factor.region}, grade {factor.grade}): "
    text += f"{source.document}, {source.year}"
    text += f", {factor.where}" if factor.where else ""
    text += f"; = {factor.formula}" if factor.formula else ""
    return text + (f"; {factor.note}" if factor.note else "")
