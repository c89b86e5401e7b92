"""From sums to score, line by line: every sub-score with its figures, its weight and the prior, down to the grade."""

from decimal import Decimal
from typing import NamedTuple

from greenlane.methodology.seller.score import (
    Points,
    blended_ratio,
    delivery_points,
    green_points,
    packaging_parts,
    packaging_points,
    score,
)
from greenlane.methodology.sums import PackagingSums, Totals
from greenlane.methodology.vocabulary import Grade

DELIVERIES = "deliveries and returns"
"""Name of the one line that is about deliveries; the others are about packaging."""


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
    packaging: Decimal
    delivery: Decimal
    green: Decimal
    score: Decimal
    grade: Grade
    proven: Points
    measured_share_permille: int
    complete_share_permille: int


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
        packaging,
        delivery,
        green_points(totals, prior),
        scores.green,
        scores.grade,
        scores.proven,
        scores.measured_share_permille,
        scores.complete_share_permille,
    )


def _packaging_lines(sums: PackagingSums, prior: int) -> tuple[Line, ...]:
    parts = packaging_parts(sums, prior)
    parcels = f"({sums.parcels} + {prior} parcels)"
    return (
        Line("packaging CO2e", _ratio(sums.co2e_ratio, sums.parcels, prior), parts.co2e, Decimal("0.40")),
        Line("packaging plastic", _ratio(sums.plastic_ratio, sums.parcels, prior), parts.plastic, Decimal("0.30")),
        Line("empty space", f"{sums.empty_space_milli} / 1000 / {parcels}", parts.empty, Decimal("0.15")),
        Line("circular mass", f"{sums.circular_milli} / 1000 / {parcels}", parts.circular, Decimal("0.15")),
    )


def _delivery_line(totals: Totals, prior: int, points: Decimal) -> Line:
    sums = totals.delivery
    formula = _ratio(sums.ratio + totals.returns.ratio, sums.parcels, prior)
    return Line(DELIVERIES, formula, points, Decimal(1))


def _ratio(ratio: int, parcels: int, prior: int) -> str:
    if not parcels:
        return "no parcel: r = 1; 50 - 25 log2 r"
    mean = float(blended_ratio(ratio, parcels, prior))
    blend = f"{ratio} / 1000000 + {prior}"
    return f"r = ({blend}) / ({parcels} + {prior}) = {mean:.6f}; 50 - 25 log2 r within 0 and 100"
