"""The integers that accounts add up: one tuple per dimension, in mg, mm³ and counts, so sums are exact and commute."""

from typing import NamedTuple

from greenlane.methodology.vocabulary import Dimension


class PackagingSums(NamedTuple):
    """Sums over packed parcels.

    `empty_space_parcels` counts the parcels to which the empty-space ratio applies, undeclared ones included;
    `empty_space_score_milli` adds each one's empty-space score in thousandths of a point (0 when undeclared).
    """

    parcels: int = 0
    packaging_mass_mg: int = 0
    plastic_mass_mg: int = 0
    packaging_co2e_mg: int = 0
    reference_packaging_co2e_mg: int = 0
    reference_plastic_mg: int = 0
    outer_volume_mm3: int = 0
    empty_volume_mm3: int = 0
    empty_space_parcels: int = 0
    empty_space_score_milli: int = 0
    circular_mass_mg: int = 0
    primary_packaging_co2e_mg: int = 0
    undeclared_parcels: int = 0
    non_compliant_parcels: int = 0


class DeliverySums(NamedTuple):
    """Sums over delivered parcels. The last two count parcels outside Hanoi and Ho Chi Minh City in each coding."""

    parcels: int = 0
    delivery_co2e_mg: int = 0
    reference_delivery_co2e_mg: int = 0
    line_haul_co2e_mg: int = 0
    last_mile_co2e_mg: int = 0
    hub_co2e_mg: int = 0
    primary_delivery_co2e_mg: int = 0
    modelled_delivery_co2e_mg: int = 0
    attempts: int = 0
    first_attempt_parcels: int = 0
    air_parcels: int = 0
    pickup_point_parcels: int = 0
    zero_tailpipe_parcels: int = 0
    outside_two_cities_63_parcels: int = 0
    outside_two_cities_34_parcels: int = 0


class ReturnSums(NamedTuple):
    """Sums over returned parcels; their CO2e joins the delivery ratio, the reference does not."""

    parcels: int = 0
    return_co2e_mg: int = 0
    primary_return_co2e_mg: int = 0


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
