"""Why a parcel scored as it did: the steps of the very functions that assessed it, as data and as text."""

from dataclasses import dataclass
from decimal import Decimal

from greenlane.methodology.assessment import POINTS_MILLI, Assessed, Step
from greenlane.methodology.facts import DeliveredFacts, PackedFacts, RecoveredFacts
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.account import Declaration, assess
from greenlane.methodology.seller.score import packaging_parts, parcel_delivery_score, parcel_packaging_score
from greenlane.methodology.sums import DeliverySums, PackagingSums, Sums
from greenlane.methodology.tables import Factor, Method
from greenlane.methodology.vocabulary import DefaultUsed, Dimension, ImplausibleFact

DEFAULT_MEANING: dict[DefaultUsed, str] = {
    DefaultUsed.PACKAGING_UNDECLARED: "You declared no component, so we count twice the average parcel. Declare the "
    "components.",
    DefaultUsed.MATERIAL_UNDECLARED: "You did not name a component's material, so the parcel counts at least as an "
    "undeclared one. Name it.",
    DefaultUsed.MASS_UNDECLARED: "You did not give a component's mass, so the parcel counts at least as an undeclared "
    "one. Give it.",
    DefaultUsed.MATERIAL_UNKNOWN: "You did not say which plastic or which fibre, so we count the worst of its kind. "
    "Name the material.",
    DefaultUsed.RECYCLED_UNCERTIFIED: "Recycled content counts only with a certificate that is valid on the day. Give "
    "the certificate.",
    DefaultUsed.TRIPS_UNVERIFIED: "You gave no verified trips for a reusable asset, so we count it as used once. Give "
    "its trips.",
    DefaultUsed.FILM_THICKNESS_UNDECLARED: "You did not give the bag's thickness, so we count it as banned. Give the "
    "thickness.",
    DefaultUsed.PRODUCT_VOLUME_UNDECLARED: "We do not know the volume of the goods, or cannot check it, so we compare "
    "with the smallest parcel. Give the dimensions of all items and of the outer packaging.",
    DefaultUsed.ORDER_SHARED_EQUALLY: "You split an order and we cannot check its volumes, so we compare with an equal "
    "share of the smallest parcel. Give the order's product volume and the dimensions of all items.",
    DefaultUsed.EMPTY_SPACE_UNDECLARED: "We do not know how empty the box is, so empty space scores 0 points. Give the "
    "dimensions of all items and of the box.",
    DefaultUsed.PLACE_UNKNOWN: "We do not know one of the places, so we assume a long way. Give the code of the "
    "province or ward.",
    DefaultUsed.LINE_HAUL_UNDECLARED: "The places are far apart and you declared no line-haul, so we assume one. "
    "Declare it.",
    DefaultUsed.LAST_MILE_UNDECLARED: "You declared no last mile, so we assume one. Declare it.",
    DefaultUsed.VEHICLE_UNDECLARED: "You declared no vehicle that we can use, so we assume a rigid lorry, and a heavy "
    "one in rounds. Name the vehicle.",
    DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN: "We have no measured consumption for this vehicle, so we count it as a "
    "petrol motorbike. Give its energy.",
    DefaultUsed.DISTANCE_UNDECLARED: "You declared no distance that we can use, so we take the great circle times 1.2. "
    "Give the distance.",
    DefaultUsed.ROUND_BY_DENSITY: "We modelled the round from its density. Give its length and its number of parcels.",
    DefaultUsed.ROUND_UNDECLARED: "You declared no round that we can use, so we assume a sparse one. Give its length "
    "and its number of parcels.",
    DefaultUsed.ENERGY_UNVERIFIABLE: "We count energy only together with the vehicle and the distance. Give all three.",
    DefaultUsed.HUB_UNDECLARED: "You did not give a hub's CO2e and there is no open default, so we add nothing.",
}
"""What each default did and what to declare instead, in sentences for the seller."""

IMPLAUSIBLE_MEANING: dict[ImplausibleFact, str] = {
    ImplausibleFact.ITEMS_VOLUME: "The items are larger than the outer packaging.",
    ImplausibleFact.ORDER_VOLUME: "The parcel holds more than its whole order.",
    ImplausibleFact.FILM_THICKNESS: "No bag has a film of this thickness.",
    ImplausibleFact.VERIFIED_TRIPS: "No asset makes so many trips.",
    ImplausibleFact.ROUND: "No round has this length and this number of parcels.",
    ImplausibleFact.LINE_HAUL_DISTANCE: "The declared line-haul is shorter than the distance between the places.",
    ImplausibleFact.ENERGY: "The energy does not fit the vehicle, the distance or the number of parcels.",
    ImplausibleFact.VEHICLE: "This vehicle does not do this part of a transport chain.",
}
"""Why each declared fact counted as undeclared."""

GRADE_MEANING = {"P": "primary", "S": "secondary", "D": "derived", "M": "from memory"}
"""How a figure was found: in the primary document, in another one that cites it, from other figures, or recalled."""

THIN_BAG_CAP = (
    "Capped at 40 by the badge policy: the bag is thinner than allowed. Use a thicker bag or give its thickness."
)


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
    score = "" if explanation.score is None else f", score {explanation.score} of 100"
    lines = [f"{explanation.dimension}, method {explanation.method_version}, {assessed.data_category} data{score}"]
    if score:
        lines.append("This is the score of this parcel alone; a seller's account starts from an average.")
    lines.append("")
    lines += [_step_line(step) for step in explanation.steps]
    if isinstance(assessed.sums, PackagingSums):
        lines += ["", "Score", *_score_lines(assessed.sums)]
    lines += ["", "Factors", *(factor_line(factor) for factor in explanation.factors)] if explanation.factors else []
    if assessed.defaults:
        meanings = (f"  {code}: {DEFAULT_MEANING[DefaultUsed(code)]}" for code in assessed.defaults)
        lines += ["", "Not declared", *meanings]
    if assessed.implausible:
        reasons = (f"  {code}: {IMPLAUSIBLE_MEANING[ImplausibleFact(code)]}" for code in assessed.implausible)
        lines += ["", "Not plausible, so counted as not declared", *reasons]
    return "\n".join(lines)


def _score_lines(sums: PackagingSums) -> list[str]:
    parts = packaging_parts(sums, 0)
    lines = [
        f"  CO2e {sums.packaging_co2e_mg} / {sums.reference_packaging_co2e_mg} mg: {parts.co2e:.2f} points x 0.40",
        f"  plastic {sums.plastic_mass_mg} / {sums.reference_plastic_mg} mg: {parts.plastic:.2f} points x 0.30",
        f"  empty space: {parts.empty:.2f} points x {parts.empty_weight:.2f}",
        f"  circular {sums.circular_mass_mg} / {sums.packaging_mass_mg} mg: {parts.circular:.2f} points x 0.15",
    ]
    return [*lines, f"  {THIN_BAG_CAP}"] if sums.non_compliant_parcels else lines


def _step_line(step: Step) -> str:
    category = "" if step.category is None else f"  [{step.category}]"
    behind = f"  {', '.join(step.factor_ids)}" if step.factor_ids else ""
    return f"  {step.label}: {step.formula} = {_amount(step)}{category}{behind}"


def _amount(step: Step) -> str:
    """A step's value for people; points are kept in thousandths and shown with one decimal."""
    if step.unit != POINTS_MILLI:
        return f"{step.value} {step.unit}"
    return f"{Decimal(step.value) / 1000:.1f} of 100 points"


def factor_line(factor: Factor) -> str:
    """A factor with its value, boundary, source quality and source."""
    source = factor.source
    quality = GRADE_MEANING[factor.grade]
    text = f"  {factor.id} = {factor.value} {factor.unit} ({factor.boundary}, {factor.region}, "
    text += f"source quality: {quality}): {source.document}, {source.year}"
    text += f", {factor.where}" if factor.where else ""
    text += f"; = {factor.formula}" if factor.formula else ""
    return text + (f"; {factor.note}" if factor.note else "")
