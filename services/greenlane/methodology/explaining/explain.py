"""Why a parcel scored as it did: the steps of the very functions that assessed it, as data and as text."""

from dataclasses import dataclass
from decimal import Decimal

from greenlane.methodology.assessment import POINTS_MILLI, Assessed, Step
from greenlane.methodology.facts import DeliveredFacts, PackedFacts, RecoveredFacts
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.account import Declaration, assess
from greenlane.methodology.seller.score import packaging_parts, parcel_delivery_score, parcel_packaging_score
from greenlane.methodology.sums import MILLION, DeliverySums, PackagingSums, Sums
from greenlane.methodology.tables import Factor, Method
from greenlane.methodology.vocabulary import DefaultUsed, Dimension, ImplausibleFact

DEFAULT_MEANING: dict[DefaultUsed, str] = {
    DefaultUsed.PACKAGING_UNDECLARED: "You declared no component, so we count twice the average parcel. Declare the "
    "components.",
    DefaultUsed.MATERIAL_UNDECLARED: "You did not name a component's material, so the packaging counts as undeclared. "
    "Name it.",
    DefaultUsed.MASS_UNDECLARED: "You did not give a component's mass, so the packaging counts as undeclared. Give it.",
    DefaultUsed.MATERIAL_UNKNOWN: "You did not say which plastic or which fibre, so we count the worst of its kind. "
    "Name the material.",
    DefaultUsed.RECYCLED_UNCERTIFIED: "Recycled content counts only when somebody else than you states it, with a "
    "scheme and a certificate that is valid on the day.",
    DefaultUsed.TRIPS_UNVERIFIED: "Trips of a reusable asset count only when somebody else than you states them, so we "
    "count it as used once.",
    DefaultUsed.FILM_THICKNESS_UNDECLARED: "Film encloses the parcel and you did not give its thickness, so we "
    "count it "
    "as a thin bag. Give the thickness.",
    DefaultUsed.OUTER_UNDECLARED: "We do not know the sides of the outer packaging, so we cannot check its "
    "mass, and it "
    "counts as undeclared. Give all sides.",
    DefaultUsed.PRODUCT_VOLUME_UNDECLARED: "Nobody but you states the volume of the goods, so we compare with a small "
    "parcel. Let the marketplace state the dimensions of all items and of the outer packaging.",
    DefaultUsed.ORDER_SHARED_EQUALLY: "The order was split and its volumes are not known, so we compare with an equal "
    "share of the smallest parcel. Let the marketplace state them.",
    DefaultUsed.EMPTY_SPACE_UNDECLARED: "Nobody but you states how empty the parcel is, so empty space scores 0 "
    "points. "
    "Let the marketplace state the dimensions of all items and of the outer packaging.",
    DefaultUsed.PLACE_UNKNOWN: "We do not know one of the places, so the delivery counts as undeclared. Give "
    "the code of "
    "the province or ward.",
    DefaultUsed.FIRST_MILE_UNDECLARED: "You declared no first mile, so we count three times a usual one. Declare its "
    "vehicle and its round.",
    DefaultUsed.LINE_HAUL_UNDECLARED: "The places are far apart and you declared no line-haul, so we count eight times "
    "an average lorry. Declare its vehicle.",
    DefaultUsed.LAST_MILE_UNDECLARED: "You declared no last mile, so we count three times a usual one. Declare its "
    "vehicle and its round.",
    DefaultUsed.VEHICLE_UNDECLARED: "You declared no vehicle that we can use, so this part counts as undeclared. Name "
    "the vehicle.",
    DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN: "We have no measured consumption for this vehicle, so we count it as a "
    "petrol motorbike. Give the energy of its round.",
    DefaultUsed.DISTANCE_UNDECLARED: "You declared no distance of the line-haul, so we take the way between the "
    "places. "
    "Give the distance.",
    DefaultUsed.ROUND_UNDECLARED: "You declared no round that we can use, so this part counts as undeclared. Give its "
    "length and its number of parcels.",
    DefaultUsed.HUB_UNDECLARED: "Nobody but you states a hub's CO2e, so we count one and a half times a usual hub. Let "
    "the carrier state it.",
}
"""What each default did and what to declare instead, in sentences for the seller."""

IMPLAUSIBLE_MEANING: dict[ImplausibleFact, str] = {
    ImplausibleFact.PACKAGING_MASS: "The components together are too light to cover the outer packaging.",
    ImplausibleFact.ITEMS_VOLUME: "The items are larger than the outer packaging.",
    ImplausibleFact.GOODS_DENSITY: "No goods are so light or so heavy for their size.",
    ImplausibleFact.ORDER_VOLUME: "The parcel holds more than its whole order.",
    ImplausibleFact.FILM_THICKNESS: "No bag has a film of this thickness.",
    ImplausibleFact.CERTIFICATE: "The certificate's id has not the form of its scheme.",
    ImplausibleFact.VERIFIED_TRIPS: "No asset makes so many trips.",
    ImplausibleFact.PAYLOAD: "The vehicle cannot carry this parcel, or so many parcels.",
    ImplausibleFact.ROUND: "The vehicle makes no round of this length and this number of parcels.",
    ImplausibleFact.LINE_HAUL_DISTANCE: "The declared line-haul is shorter than the distance between the places.",
    ImplausibleFact.ENERGY: "The energy does not fit the vehicle, its round or the round's parcels.",
    ImplausibleFact.VEHICLE: "This vehicle does not do this part of a transport chain.",
}
"""Why each declared fact counted as undeclared."""

GRADE_MEANING = {"P": "primary", "S": "secondary", "D": "derived", "M": "from memory"}
"""How a figure was found: in the primary document, in another one that cites it, from other figures, or recalled."""


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
        lines += [_lowered_line(explanation), _to_do_line(assessed)]
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


def _lowered_line(explanation: Explanation) -> str:
    """What lowered a parcel's score most: a part of the packaging score, or of the chain."""
    sums = explanation.assessed.sums
    if isinstance(sums, PackagingSums):
        parts = packaging_parts(sums, 0)
        lost = [
            (40 * (100 - parts.co2e), "the CO2e of the packaging"),
            (30 * (100 - parts.plastic), "plastic"),
            (15 * (100 - parts.empty), "empty space"),
            (15 * (100 - parts.circular), "packaging that is neither recycled nor reused"),
        ]
        points, name = max(lost)
        return f"Lowered most by {name}: {points / 100:.1f} points."
    parts_of_chain = [step for step in explanation.steps if step.reference]
    worst = max(parts_of_chain, key=lambda step: 4 * step.value - step.reference)
    times = Decimal(worst.value) / worst.reference
    return f"Lowered most by the {worst.label.removesuffix(' counts')}, which counts {times:.2f} times its reference."


def _to_do_line(assessed: Assessed) -> str:
    """The first thing to do about it."""
    if assessed.implausible:
        flag = ImplausibleFact(assessed.implausible[0])
        return f"To do: correct {flag}. {IMPLAUSIBLE_MEANING[flag]}"
    if assessed.defaults:
        return f"To do: {DEFAULT_MEANING[DefaultUsed(assessed.defaults[0])]}"
    return "To do: nothing is missing. `greenlane advise` says what would raise the score."


def _score_lines(sums: PackagingSums) -> list[str]:
    parts = packaging_parts(sums, 0)
    co2e, plastic = (Decimal(ratio) / MILLION for ratio in (sums.co2e_ratio, sums.plastic_ratio))
    return [
        f"  CO2e {co2e:.6f} of the reference, at most 2: {parts.co2e:.2f} points x 0.40",
        f"  plastic {plastic:.6f} of the reference, at most 2: {parts.plastic:.2f} points x 0.30",
        f"  empty space: {parts.empty:.2f} points x 0.15",
        f"  circular: {parts.circular:.2f} points x 0.15",
    ]


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
