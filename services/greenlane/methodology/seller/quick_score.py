"""Scores in floating point where it cannot matter: to the tenth of a point, or nothing when the exact digits decide.

Every step is continuous in the sums, so its error stays below `_DOUBT`; a figure that close to where tenths part is
left to the decimal arithmetic of `score`. What is answered here is therefore the same on every machine.
"""

from math import log2

from greenlane.methodology.sums import MILLION, PackagingSums, Totals

_DOUBT = 1e-6
"""Points. Some 10 million times the error of the few operations on figures of at most `_MOST`."""

_MOST = 1000.0


def quick_tenths(totals: Totals, prior: int) -> tuple[int, int, int] | None:
    """Green, packaging and delivery score in tenths of a point; None when only exact arithmetic can tell."""
    packaging = _packaging(totals.packaging, prior)
    sums = totals.delivery
    delivery = _s_curve(sums.ratio + totals.returns.ratio, sums.parcels, prior)
    green = _tenths((packaging + delivery) / 2)
    packaging_tenths, delivery_tenths = _tenths(packaging), _tenths(delivery)
    if green is None or packaging_tenths is None or delivery_tenths is None:
        return None
    return green, packaging_tenths, delivery_tenths


def _s_curve(ratio: int, parcels: int, prior: int) -> float:
    if not parcels:
        return 50.0
    numerator, denominator = ratio + prior * MILLION, (parcels + prior) * MILLION
    if 4 * numerator <= denominator:
        return 100.0
    if numerator >= 4 * denominator:
        return 0.0
    return 50.0 - 25.0 * log2(numerator / denominator)


def _packaging(sums: PackagingSums, prior: int) -> float:
    parcels = sums.parcels + prior or 1
    empty = sums.empty_space_milli / (1000 * parcels)
    circular = sums.circular_milli / (1000 * parcels)
    if not (0 <= circular <= _MOST and 0 <= empty <= _MOST):
        return -1.0
    return (
        0.40 * _s_curve(sums.co2e_ratio, sums.parcels, prior)
        + 0.30 * _s_curve(sums.plastic_ratio, sums.parcels, prior)
        + 0.15 * empty
        + 0.15 * circular
    )


def _tenths(points: float) -> int | None:
    tenths = points * 10
    nearest = round(tenths)
    near_the_edge = abs(abs(tenths - nearest) - 0.5) < 10 * _DOUBT
    return None if near_the_edge or not 0 <= nearest <= 1000 else nearest
