"""The integers that accounts add up: one tuple per dimension, in mg, mm³, millionths and counts, so sums commute.

A ratio is a parcel's figure over its reference, in millionths and at most `RATIO_MOST`; each parcel weighs the same.
Sums named `measured_…` are of parcels of which everything that counts is stated by somebody else than the seller.
"""

from typing import NamedTuple

from greenlane.methodology.vocabulary import Dimension

MILLION = 1_000_000
"""A ratio of 1: the reference itself."""

RATIO_MOST = 2 * MILLION
"""The largest ratio of a parcel, and the one of an undeclared parcel."""


class PackagingSums(NamedTuple):
    """Sums over packed parcels; `…_milli` are points of 100 in thousandths."""

    parcels: int = 0
    packaging_mass_mg: int = 0
    plastic_mass_mg: int = 0
    packaging_co2e_mg: int = 0
    measured_co2e_mg: int = 0
    declared_co2e_mg: int = 0
    outer_volume_mm3: int = 0
    empty_volume_mm3: int = 0
    circular_mass_mg: int = 0
    co2e_ratio: int = 0
    plastic_ratio: int = 0
    empty_space_milli: int = 0
    circular_milli: int = 0
    complete_parcels: int = 0
    thin_bag_parcels: int = 0
    measured_parcels: int = 0
    measured_co2e_ratio: int = 0
    measured_plastic_ratio: int = 0


class DeliverySums(NamedTuple):
    """Sums over delivered parcels. The last two count parcels outside Hanoi and Ho Chi Minh City in each coding."""

    parcels: int = 0
    delivery_co2e_mg: int = 0
    line_haul_co2e_mg: int = 0
    last_mile_co2e_mg: int = 0
    hub_co2e_mg: int = 0
    measured_co2e_mg: int = 0
    declared_co2e_mg: int = 0
    modelled_co2e_mg: int = 0
    ratio: int = 0
    complete_parcels: int = 0
    measured_parcels: int = 0
    measured_ratio: int = 0
    attempts: int = 0
    first_attempt_parcels: int = 0
    air_parcels: int = 0
    pickup_point_parcels: int = 0
    zero_tailpipe_parcels: int = 0
    outside_two_cities_63_parcels: int = 0
    outside_two_cities_34_parcels: int = 0


class ReturnSums(NamedTuple):
    """Sums over returned parcels; their ratios join those of the deliveries and add no parcel to them."""

    parcels: int = 0
    return_co2e_mg: int = 0
    measured_co2e_mg: int = 0
    declared_co2e_mg: int = 0
    modelled_co2e_mg: int = 0
    ratio: int = 0
    measured_parcels: int = 0
    measured_ratio: int = 0


class CircularitySums(NamedTuple):
    """Sums over what was taken back."""

    recoveries: int = 0
    recovered_assets: int = 0
    recovered_mass_mg: int = 0


Sums = PackagingSums | DeliverySums | ReturnSums | CircularitySums

SUMS: dict[Dimension, type[PackagingSums] | type[DeliverySums] | type[ReturnSums] | type[CircularitySums]] = {
    Dimension.PACKAGING: PackagingSums,
    Dimension.DELIVERY: DeliverySums,
    Dimension.RETURN: ReturnSums,
    Dimension.CIRCULARITY: CircularitySums,
}
"""The tuple in which each dimension's contribution is written."""


class Totals(NamedTuple):
    """All sums of a seller over some days; `active_days` counts the days with a packed or delivered parcel."""

    packaging: PackagingSums = PackagingSums()
    delivery: DeliverySums = DeliverySums()
    returns: ReturnSums = ReturnSums()
    circularity: CircularitySums = CircularitySums()
    active_days: int = 0
