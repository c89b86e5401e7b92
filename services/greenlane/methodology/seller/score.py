"""From the sums of a window to scores, grade and primary-data share: a seller is scored as one big parcel."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from greenlane.methodology.seller.quick_score import quick_tenths
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import Grade

PRIOR_PARCELS = 30
"""Pseudo-parcels at the reference that are added to every seller, so that few parcels cannot score high."""

_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_LN2 = _EXACT.ln(Decimal(2))
_FINE = Decimal("1e-20")
_TENTH = Decimal("0.1")
_TENTHS = tuple(Decimal(number).scaleb(-1) for number in range(1001))
_HUNDRED = Decimal(100)
_W_CO2E, _W_PLASTIC, _W_CIRCULAR = Decimal("0.40"), Decimal("0.30"), Decimal("0.15")
_NON_COMPLIANT_CAP = Decimal(40)
_NON_COMPLIANT_SHARE = Fraction(2, 100)
_GRADES = ((80, Grade.A), (60, Grade.B), (45, Grade.C), (30, Grade.D))


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores from 0 to 100 with one decimal, the letter of `green`, and the share of CO2e from primary data."""

    green: Decimal
    packaging: Decimal
    delivery: Decimal
    grade: Grade
    primary_share_permille: int


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
    tenths = quick_tenths(totals, prior_parcels)
    if tenths is None:
        return exact_score(totals, prior_parcels)
    green, packaging, delivery = (_TENTHS[number] for number in tenths)
    return Scores(green, packaging, delivery, grade_of(green), primary_share(totals))


def exact_score(totals: Totals, prior_parcels: int = PRIOR_PARCELS) -> Scores:
    """The definition of `score`: all steps in decimal arithmetic, each figure rounded once."""
    packaging = packaging_points(totals.packaging, prior_parcels)
    delivery = delivery_points(totals.delivery, totals.returns, prior_parcels)
    green = _one_decimal(_half_and_half(packaging, delivery))
    return Scores(green, _one_decimal(packaging), _one_decimal(delivery), grade_of(green), primary_share(totals))


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


def primary_share(totals: Totals) -> int:
    """Thousandths of all CO2e that came from primary data, rounded down; 0 when there is no CO2e."""
    packaging, delivery, returns = totals.packaging, totals.delivery, totals.returns
    whole = packaging.packaging_co2e_mg + delivery.delivery_co2e_mg + returns.return_co2e_mg
    primary = packaging.primary_packaging_co2e_mg + delivery.primary_delivery_co2e_mg + returns.primary_return_co2e_mg
    return primary * 1000 // whole if whole else 0


class PackagingParts(NamedTuple):
    """The four parts of a packaging score in points of 100; empty space weighs from 0 to 0.15."""

    co2e: Decimal
    plastic: Decimal
    empty: Decimal
    circular: Decimal
    empty_weight: Decimal


def packaging_parts(sums: PackagingSums, prior: int) -> PackagingParts:
    """The parts after `prior` parcels at the reference, each 50 or 0 when there is neither parcel nor prior."""
    parcels = sums.parcels + prior or 1
    spacious = sums.empty_space_parcels + prior
    circular = Fraction(100 * sums.circular_mass_mg * sums.parcels, (sums.packaging_mass_mg or 1) * parcels)
    return PackagingParts(
        s_curve(blended_ratio(sums.packaging_co2e_mg, sums.reference_packaging_co2e_mg, sums.parcels, prior)),
        s_curve(blended_ratio(sums.plastic_mass_mg, sums.reference_plastic_mg, sums.parcels, prior)),
        _decimal(Fraction(sums.empty_space_score_milli, 1000 * (spacious or 1))),
        _decimal(circular),
        _decimal(Fraction(15 * spacious, 100 * parcels)),
    )


def packaging_points(sums: PackagingSums, prior: int) -> Decimal:
    """0.40 S(co2e) + 0.30 S(plastic) + 0.15 E + 0.15 C, unrounded.

    E's weight shrinks with the share of parcels to which it does not apply; the mean is taken over what remains.
    """
    parts = packaging_parts(sums, prior)
    with localcontext(_EXACT):
        always = _W_CO2E * parts.co2e + _W_PLASTIC * parts.plastic + _W_CIRCULAR * parts.circular
        weight = _W_CO2E + _W_PLASTIC + _W_CIRCULAR + parts.empty_weight
        points = (always + parts.empty_weight * parts.empty) / weight
    capped = sums.non_compliant_parcels > _NON_COMPLIANT_SHARE * sums.parcels
    return min(points, _NON_COMPLIANT_CAP) if capped else points


def delivery_points(sums: DeliverySums, returns: ReturnSums, prior: int) -> Decimal:
    """S of delivery and return CO2e over the deliveries' reference, unrounded; 50 without any delivered parcel."""
    actual = sums.delivery_co2e_mg + returns.return_co2e_mg
    return s_curve(blended_ratio(actual, sums.reference_delivery_co2e_mg, sums.parcels, prior))


def blended_ratio(actual: int, reference: int, parcels: int, prior: int) -> Fraction:
    """(P r + N) / (P + N): the ratio after N parcels that weigh as the seller's own and stand at the reference."""
    if not parcels or not reference:
        return Fraction(1)
    return Fraction(actual * parcels + prior * reference, reference * (parcels + prior))


def _half_and_half(packaging: Decimal, delivery: Decimal) -> Decimal:
    return _EXACT.divide(_EXACT.add(packaging, delivery), Decimal(2))


def _decimal(value: Fraction) -> Decimal:
    return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _one_decimal(points: Decimal) -> Decimal:
    return points.quantize(_TENTH, rounding=ROUND_HALF_EVEN)
