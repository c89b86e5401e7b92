"""From sums to score, line by line: every sub-score with its figures, its weight and the prior, down to the grade."""

from decimal import Decimal
from typing import NamedTuple

from greenlane.methodology.seller.score import (
    blended_ratio,
    delivery_points,
    green_points,
    packaging_parts,
    packaging_points,
    score,
)
from greenlane.methodology.sums import PackagingSums, Totals
from greenlane.methodology.vocabulary import Grade


class Line(NamedTuple):
    """One sub-score: its formula with numbers, its points of 100, and its weight in what it belongs to."""

    name: str
    formula: str
    points: Decimal
    weight: Decimal


class Arithmetic(NamedTuple):
    """How a score comes about; `packaging`, `delivery` and `green` are unrounded, `score` has one decimal."""

    prior_parcels: int
    lines: tuple[Line, ...]
    capped: bool
    packaging: Decimal
    delivery: Decimal
    green: Decimal
    score: Decimal
    grade: Grade


def arithmetic_of(totals: Totals, prior: int) -> Arithmetic:
    """The steps of `score` on these sums, with the figures it used."""
    packaging, delivery = (
        packaging_points(totals.packaging, prior),
        delivery_points(totals.delivery, totals.returns, prior),
    )
    scores = score(totals, prior)
    return Arithmetic(
        prior,
        (*_packaging_lines(totals.packaging, prior), _delivery_line(totals, prior, delivery)),
        totals.packaging.non_compliant_parcels * 50 > totals.packaging.parcels,
        packaging,
        delivery,
        green_points(totals, prior),
        scores.green,
        scores.grade,
    )


def _packaging_lines(sums: PackagingSums, prior: int) -> tuple[Line, ...]:
    parts = packaging_parts(sums, prior)
    spacious = sums.empty_space_parcels + prior
    return (
        Line(
            "packaging CO2e",
            _ratio(sums.packaging_co2e_mg, sums.reference_packaging_co2e_mg, sums.parcels, prior),
            parts.co2e,
            Decimal("0.40"),
        ),
        Line(
            "packaging plastic",
            _ratio(sums.plastic_mass_mg, sums.reference_plastic_mg, sums.parcels, prior),
            parts.plastic,
            Decimal("0.30"),
        ),
        Line(
            "empty space",
            f"{sums.empty_space_score_milli} / 1000 / ({sums.empty_space_parcels} + {prior} parcels); weight 0.15 x "
            f"{spacious} / {sums.parcels + prior}",
            parts.empty,
            parts.empty_weight,
        ),
        Line(
            "circular mass",
            f"100 x {sums.circular_mass_mg} / {sums.packaging_mass_mg} mg x {sums.parcels} / {sums.parcels + prior}",
            parts.circular,
            Decimal("0.15"),
        ),
    )


def _delivery_line(totals: Totals, prior: int, points: Decimal) -> Line:
    sums = totals.delivery
    actual = sums.delivery_co2e_mg + totals.returns.return_co2e_mg
    formula = _ratio(actual, sums.reference_delivery_co2e_mg, sums.parcels, prior)
    return Line("delivery and return CO2e", formula, points, Decimal(1))


def _ratio(actual: int, reference: int, parcels: int, prior: int) -> str:
    if not parcels or not reference:
        return "no parcel: r = 1; 50 - 25 log2 r"
    ratio = float(blended_ratio(actual, reference, parcels, prior))
    blend = f"{parcels} x {actual} / {reference} mg + {prior}"
    return f"r = ({blend}) / ({parcels} + {prior}) = {ratio:.6f}; 50 - 25 log2 r within 0 and 100"
