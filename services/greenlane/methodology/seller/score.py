"""From the sums of a window to scores and grade: each parcel weighs the same, after parcels at the reference."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from greenlane.methodology.seller.quick_score import quick_tenths
from greenlane.methodology.sums import MILLION, RATIO_MOST, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import Grade

PRIOR_PARCELS = 40
"""Parcels at the reference that are added to every seller.

So few parcels cannot score high, and one parcel, whose ratio is at most 2, moves no score by 2 points.
"""

_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_LN2 = _EXACT.ln(Decimal(2))
_FINE = Decimal("1e-20")
_TENTH = Decimal("0.1")
_TENTHS = tuple(Decimal(number).scaleb(-1) for number in range(1001))
_HUNDRED = Decimal(100)
_W_CO2E, _W_PLASTIC, _W_EMPTY, _W_CIRCULAR = Decimal("0.40"), Decimal("0.30"), Decimal("0.15"), Decimal("0.15")
_GRADES = ((80, Grade.A), (60, Grade.B), (45, Grade.C), (30, Grade.D))


@dataclass(frozen=True, slots=True)
class Points:
    """Three scores from 0 to 100 with one decimal."""

    green: Decimal
    packaging: Decimal
    delivery: Decimal


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores from 0 to 100 with one decimal, the letter of `green`, and how well they are founded.

    `proven` are the scores in which a parcel that only the seller states counts as undeclared. The shares are
    thousandths of the parcels packed and delivered, rounded down.
    """

    green: Decimal
    packaging: Decimal
    delivery: Decimal
    grade: Grade
    proven: Points
    measured_share_permille: int
    complete_share_permille: int


def s_curve(ratio: Fraction) -> Decimal:
    """S(r) = clamp(50 - 25 log2 r, 0, 100): 50 at the reference, 25 more for each halving.

    Computed in decimal arithmetic, so every machine gives the same digits.
    """
    if ratio <= Fraction(1, 4):
        return _HUNDRED
    if ratio >= 4:
        return Decimal(0)
    log2 = _EXACT.divide(_EXACT.ln(_decimal(ratio)), _LN2)
    return _EXACT.quantize(_EXACT.subtract(Decimal(50), _EXACT.multiply(Decimal(25), log2)), _FINE)


def score(totals: Totals, prior_parcels: int = PRIOR_PARCELS) -> Scores:
    """Scores of a seller's window: half packaging, half delivery, after `prior_parcels` parcels at the reference."""
    measured, complete = shares(totals)
    points = _points(totals, prior_parcels)
    proven_sums = proven_totals(totals)
    proven = points if proven_sums == totals else _points(proven_sums, prior_parcels)
    return Scores(points.green, points.packaging, points.delivery, grade_of(points.green), proven, measured, complete)


def exact_score(totals: Totals, prior_parcels: int = PRIOR_PARCELS) -> Scores:
    """The definition of `score`: all steps in decimal arithmetic, each figure rounded once."""
    points, proven = (_exact_points(one, prior_parcels) for one in (totals, proven_totals(totals)))
    return Scores(points.green, points.packaging, points.delivery, grade_of(points.green), proven, *shares(totals))


def proven_totals(totals: Totals) -> Totals:
    """The sums as they are when every parcel that only the seller states counts as undeclared."""
    packaging, delivery, returns = totals.packaging, totals.delivery, totals.returns
    packed, delivered = (one.parcels - one.measured_parcels for one in (packaging, delivery))
    returned = returns.parcels - returns.measured_parcels
    return totals._replace(
        packaging=packaging._replace(
            co2e_ratio=packaging.measured_co2e_ratio + packed * RATIO_MOST,
            plastic_ratio=packaging.measured_plastic_ratio + packed * RATIO_MOST,
        ),
        delivery=delivery._replace(ratio=delivery.measured_ratio + delivered * RATIO_MOST),
        returns=returns._replace(ratio=returns.measured_ratio + returned * RATIO_MOST),
    )


def _points(totals: Totals, prior: int) -> Points:
    tenths = quick_tenths(totals, prior)
    return _exact_points(totals, prior) if tenths is None else Points(*(_TENTHS[number] for number in tenths))


def _exact_points(totals: Totals, prior: int) -> Points:
    packaging = packaging_points(totals.packaging, prior)
    delivery = delivery_points(totals.delivery, totals.returns, prior)
    return Points(*map(_one_decimal, (_half_and_half(packaging, delivery), packaging, delivery)))


def green_points(totals: Totals, prior_parcels: int = PRIOR_PARCELS) -> Decimal:
    """The green score unrounded, in which the effect of a small change still shows."""
    packaging = packaging_points(totals.packaging, prior_parcels)
    return _half_and_half(packaging, delivery_points(totals.delivery, totals.returns, prior_parcels))


def parcel_packaging_score(sums: PackagingSums) -> Decimal:
    """One parcel's packaging score, without the prior."""
    return _one_decimal(packaging_points(sums, 0))


def parcel_delivery_score(sums: DeliverySums) -> Decimal:
    """One parcel's delivery score, without the prior."""
    return _one_decimal(delivery_points(sums, ReturnSums(), 0))


def grade_of(green: Decimal) -> Grade:
    """The letter of a green score."""
    return next((grade for least, grade in _GRADES if green >= least), Grade.E)


def shares(totals: Totals) -> tuple[int, int]:
    """Thousandths of the parcels packed and delivered that are measured, and that are complete; rounded down."""
    packaging, delivery = totals.packaging, totals.delivery
    whole = packaging.parcels + delivery.parcels or 1
    measured = packaging.measured_parcels + delivery.measured_parcels
    complete = packaging.complete_parcels + delivery.complete_parcels
    return measured * 1000 // whole, complete * 1000 // whole


class PackagingParts(NamedTuple):
    """The four parts of a packaging score in points of 100."""

    co2e: Decimal
    plastic: Decimal
    empty: Decimal
    circular: Decimal


def packaging_parts(sums: PackagingSums, prior: int) -> PackagingParts:
    """The parts after `prior` parcels at the reference, each 50 or 0 when there is neither parcel nor prior."""
    parcels = sums.parcels + prior or 1
    return PackagingParts(
        s_curve(blended_ratio(sums.co2e_ratio, sums.parcels, prior)),
        s_curve(blended_ratio(sums.plastic_ratio, sums.parcels, prior)),
        _decimal(Fraction(sums.empty_space_milli, 1000 * parcels)),
        _decimal(Fraction(sums.circular_milli, 1000 * parcels)),
    )


def packaging_points(sums: PackagingSums, prior: int) -> Decimal:
    """0.40 S(co2e) + 0.30 S(plastic) + 0.15 E + 0.15 C, unrounded."""
    parts = packaging_parts(sums, prior)
    with localcontext(_EXACT):
        return _W_CO2E * parts.co2e + _W_PLASTIC * parts.plastic + _W_EMPTY * parts.empty + _W_CIRCULAR * parts.circular


def delivery_points(sums: DeliverySums, returns: ReturnSums, prior: int) -> Decimal:
    """S of the mean ratio of the deliveries, returns added to it, unrounded; 50 without any delivered parcel."""
    return s_curve(blended_ratio(sums.ratio + returns.ratio, sums.parcels, prior))


def blended_ratio(ratio: int, parcels: int, prior: int) -> Fraction:
    """(sum of the ratios + N) / (P + N): the mean ratio after N parcels at the reference; 1 without any parcel."""
    if not parcels:
        return Fraction(1)
    return Fraction(ratio + prior * MILLION, (parcels + prior) * MILLION)


def _half_and_half(packaging: Decimal, delivery: Decimal) -> Decimal:
    return _EXACT.divide(_EXACT.add(packaging, delivery), Decimal(2))


def _decimal(value: Fraction) -> Decimal:
    return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _one_decimal(points: Decimal) -> Decimal:
    return points.quantize(_TENTH, rounding=ROUND_HALF_EVEN)
