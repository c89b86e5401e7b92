"""Scores in floating point where it cannot matter: to the tenth of a point, or nothing when the exact digits decide.

Every step is continuous in the sums, so its error stays below `_DOUBT`; a figure that close to where tenths part is
left to the decimal arithmetic of `score`. What is answered here is therefore the same on every machine.
"""

from math import log2

from greenlane.methodology.sums import PackagingSums, Totals

_DOUBT = 1e-6
"""Points. Some 10 million times the error of the few operations on figures of at most `_MOST`."""

_MOST = 1000.0


def quick_tenths(totals: Totals, prior: int) -> tuple[int, int, int] | None:
    """Green, packaging and delivery score in tenths of a point; None when only exact arithmetic can tell."""
    packaging = _packaging(totals.packaging, prior)
    sums = totals.delivery
    actual = sums.delivery_co2e_mg + totals.returns.return_co2e_mg
    delivery = _s_curve(actual, sums.reference_delivery_co2e_mg, sums.parcels, prior)
    green = _tenths((packaging + delivery) / 2)
    packaging_tenths, delivery_tenths = _tenths(packaging), _tenths(delivery)
    if green is None or packaging_tenths is None or delivery_tenths is None:
        return None
    return green, packaging_tenths, delivery_tenths


def _s_curve(actual: int, reference: int, parcels: int, prior: int) -> float:
    if not parcels or not reference:
        return 50.0
    numerator, denominator = actual * parcels + prior * reference, reference * (parcels + prior)
    if 4 * numerator <= denominator:
        return 100.0
    if numerator >= 4 * denominator:
        return 0.0
    return 50.0 - 25.0 * log2(numerator / denominator)


def _packaging(sums: PackagingSums, prior: int) -> float:
    parcels, spacious = sums.parcels + prior or 1, sums.empty_space_parcels + prior
    circular = 100 * sums.circular_mass_mg * sums.parcels / ((sums.packaging_mass_mg or 1) * parcels)
    empty = sums.empty_space_score_milli / (1000 * (spacious or 1))
    if not (0 <= circular <= _MOST and 0 <= empty <= _MOST):
        return -1.0
    weight = 0.15 * spacious / parcels
    points = (
        0.40 * _s_curve(sums.packaging_co2e_mg, sums.reference_packaging_co2e_mg, sums.parcels, prior)
        + 0.30 * _s_curve(sums.plastic_mass_mg, sums.reference_plastic_mg, sums.parcels, prior)
        + 0.15 * circular
        + weight * empty
    ) / (0.85 + weight)
    return min(points, 40.0) if sums.non_compliant_parcels * 50 > sums.parcels else points


def _tenths(points: float) -> int | None:
    tenths = points * 10
    nearest = round(tenths)
    near_the_edge = abs(abs(tenths - nearest) - 0.5) < 10 * _DOUBT
    return None if near_the_edge or not 0 <= nearest <= 1000 else nearest
