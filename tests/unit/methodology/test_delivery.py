"""One delivered parcel: the cascade from energy to worst case, distances, attempts, hubs, places and the reference."""

from datetime import date
from fractions import Fraction

import pytest
from msgspec.structs import replace

from greenlane.factors.loading import load_method
from greenlane.methodology.assessment import Assessed
from greenlane.methodology.facts import ChainElement, DeliveredFacts, Energy, Hub, Place, Round
from greenlane.methodology.geography import great_circle_m
from greenlane.methodology.parcel.allocation import notional_shares, per_parcel_mg
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.seller.score import parcel_delivery_score
from greenlane.methodology.sums import DeliverySums, ReturnSums
from greenlane.methodology.tables import SCALE
from greenlane.methodology.vocabulary import (
    ChainRole,
    DataCategory,
    DistanceBasis,
    EnergyCarrier,
    PlaceKind,
    RoundDensity,
    Vehicle,
)

METHOD = load_method()
DAY = date(2026, 3, 1)
HANOI, HCMC, DA_NANG = Place("VN", "01"), Place("VN", "79"), Place("VN", "48")
USUAL_ROUND = Round(60_000, 100)
LAST_MILE = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=USUAL_ROUND)
LINE_HAUL = ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_ARTICULATED, 1_700_000, DistanceBasis.ACTUAL)
UNDECLARED_LAST_MILE_MG = divide_half_even(100 * 122_722_530, 60 * 100)


def delivered(
    *chain: ChainElement, destination: Place = HANOI, attempts: int = 1, mass_mg: int = 500_000
) -> DeliveredFacts:
    return DeliveredFacts(DAY, mass_mg, HANOI, destination, attempts, chain or None)


def assess(facts: DeliveredFacts) -> tuple[DeliverySums, Assessed]:
    assessed = assess_delivered(facts, METHOD)
    assert isinstance(assessed.sums, DeliverySums)
    return assessed.sums, assessed


def test_the_usual_petrol_motorbike_round_is_64_g_a_parcel_and_scores_50() -> None:
    sums, assessed = assess(delivered(LAST_MILE))
    assert sums.delivery_co2e_mg == sums.reference_delivery_co2e_mg == sums.last_mile_co2e_mg == 63_928
    assert sums.primary_delivery_co2e_mg == 63_928
    assert assessed.data_category is DataCategory.PRIMARY
    assert assessed.defaults == assessed.implausible == ()
    assert parcel_delivery_score(sums) == 50


def test_the_usual_electric_motorbike_round_with_declared_energy_is_14_g_a_parcel() -> None:
    energy = Energy(EnergyCarrier.ELECTRICITY, 1_800, 100)
    sums, assessed = assess(delivered(replace(LAST_MILE, vehicle=Vehicle.MOTORBIKE_ELECTRIC, energy=energy)))
    assert round(sums.delivery_co2e_mg / 1000) == 14
    assert assessed.factor_ids == ("grid.vn.y2023.plug", "moto.small.wtw.km")
    assert sums.zero_tailpipe_parcels == 1


def test_an_electric_motorbike_without_declared_energy_counts_as_a_petrol_one() -> None:
    sums, assessed = assess(delivered(replace(LAST_MILE, vehicle=Vehicle.MOTORBIKE_ELECTRIC)))
    assert sums.delivery_co2e_mg == 63_928
    assert assessed.defaults == ("vehicle_consumption_unknown",)
    assert assessed.data_category is DataCategory.DEFAULT
    assert sums.zero_tailpipe_parcels == 1


def test_half_a_kilogram_by_articulated_lorry_over_1138_km_is_55_g() -> None:
    leg = replace(LINE_HAUL, distance_m=1_138_000)
    sums, assessed = assess(delivered(leg, LAST_MILE, destination=HCMC))
    assert round(sums.line_haul_co2e_mg / 1000) == 55
    assert sums.modelled_delivery_co2e_mg == sums.line_haul_co2e_mg
    assert assessed.data_category is DataCategory.MODELLED


def test_half_a_kilogram_by_domestic_air_over_1138_km_is_1547_g_tank_to_wheel() -> None:
    tank_to_wheel = METHOD.factors["air.domestic.no_rf.tkm"].value
    assert round(tank_to_wheel * 1138 / 2) == 1547
    leg = replace(LINE_HAUL, vehicle=Vehicle.AIRCRAFT_DOMESTIC, distance_m=1_138_000)
    sums, _ = assess(delivered(leg, LAST_MILE, destination=HCMC))
    assert sums.line_haul_co2e_mg == divide_half_even(500 * 1138 * 32936, 10_000)
    assert sums.air_parcels == 1


def test_a_round_of_7_3_litres_over_275_items_is_88_g_each() -> None:
    assert per_parcel_mg(7_300, round(Fraction("3.314") * SCALE), SCALE, 275) == 87_972


def test_notional_tonne_km_shares_a_round_by_mass_and_distance() -> None:
    shares = notional_shares([10, 50, 40, 20, 6], [100, 50, 80, 60, 60])
    assert [float(round(share, 2)) for share in shares] == [0.12, 0.3, 0.39, 0.15, 0.04]
    assert sum(shares) == 1
    with pytest.raises(ValueError, match="carried nothing"):
        notional_shares([0], [1])


@pytest.mark.parametrize(
    ("vehicle", "grams_per_km"),
    [
        (Vehicle.MOTORBIKE_PETROL, 106.5),
        (Vehicle.VAN_DIESEL, 345.0),
        (Vehicle.VAN_ELECTRIC, 302.3),
        (Vehicle.VAN_CLASS_1_DIESEL, 194.8),
        (Vehicle.VAN_CLASS_2_DIESEL, 238.4),
        (Vehicle.VAN_CLASS_1_PETROL, 258.6),
        (Vehicle.VAN_CLASS_2_PETROL, 267.3),
        (Vehicle.VAN_CLASS_1_ELECTRIC, 150.9),
        (Vehicle.VAN_CLASS_2_ELECTRIC, 229.7),
        (Vehicle.LORRY_RIGID_TO_7_5T, 613.2),
        (Vehicle.LORRY_RIGID_TO_17T, 748.8),
        (Vehicle.LORRY_RIGID_OVER_17T, 1227.2),
        (Vehicle.LORRY_ARTICULATED, 1149.2),
        (Vehicle.BICYCLE, 0),
        (Vehicle.ON_FOOT, 0),
    ],
)
def test_a_round_costs_its_vehicle_km(vehicle: Vehicle, grams_per_km: float) -> None:
    sums, assessed = assess(delivered(replace(LAST_MILE, vehicle=vehicle)))
    assert sums.last_mile_co2e_mg == pytest.approx(grams_per_km * 600, rel=1e-3)
    assert assessed.data_category is DataCategory.PRIMARY


@pytest.mark.parametrize(
    ("day", "country", "factor"),
    [
        (date(2022, 12, 31), "VN", "grid.vn.y2022.plug"),
        (date(2023, 1, 1), "VN", "grid.vn.y2023.plug"),
        (date(2026, 3, 1), "VN", "grid.vn.y2023.plug"),
        (date(2001, 1, 1), "VN", "grid.vn.y2014.plug"),
        (date(2026, 3, 1), "GB", "grid.gb.y2025.plug"),
        (date(2026, 3, 1), "BR", "grid.unknown.plug"),
    ],
)
def test_electricity_takes_the_grid_of_the_country_and_the_day(day: date, country: str, factor: str) -> None:
    assert METHOD.carrier_factor(country, EnergyCarrier.ELECTRICITY, day).id == factor


@pytest.mark.parametrize(
    ("vehicle", "grams_per_tkm"),
    [
        (Vehicle.LORRY_AVERAGE, "127.15"),
        (Vehicle.LORRY_ARTICULATED, "97.49"),
        (Vehicle.LORRY_ARTICULATED_TO_33T, "150.23"),
        (Vehicle.LORRY_ARTICULATED_OVER_33T, "96.34"),
        (Vehicle.LORRY_RIGID, "242.79"),
        (Vehicle.LORRY_RIGID_TO_7_5T, "662.97"),
        (Vehicle.LORRY_RIGID_TO_17T, "522.48"),
        (Vehicle.LORRY_RIGID_OVER_17T, "209.92"),
        (Vehicle.TRAIN, "32.74"),
        (Vehicle.CONTAINER_SHIP, "45.08"),
        (Vehicle.INLAND_VESSEL, "66.29177"),
        (Vehicle.VAN_CLASS_1_DIESEL, "1087.65"),
    ],
)
def test_line_haul_costs_its_vehicles_tonne_km(vehicle: Vehicle, grams_per_tkm: str) -> None:
    sums, assessed = assess(delivered(replace(LINE_HAUL, vehicle=vehicle), LAST_MILE, destination=HCMC))
    exact = Fraction(grams_per_tkm) * 850
    assert sums.line_haul_co2e_mg == divide_half_even(exact.numerator, exact.denominator)
    assert assessed.data_category is DataCategory.MODELLED


@pytest.mark.parametrize(
    ("vehicle", "cooling"),
    [
        (Vehicle.LORRY_ARTICULATED, "1.17032372"),
        (Vehicle.LORRY_RIGID_TO_17T, "1.19096859"),
        (Vehicle.TRAIN, "1.19097439"),
    ],
)
def test_temperature_control_multiplies_line_haul_by_its_vehicles_cooling(vehicle: Vehicle, cooling: str) -> None:
    leg = replace(LINE_HAUL, vehicle=vehicle)
    ambient = assess(delivered(leg, LAST_MILE, destination=HCMC))[0].line_haul_co2e_mg
    sums, assessed = assess(delivered(replace(leg, temperature_controlled=True), LAST_MILE, destination=HCMC))
    assert sums.line_haul_co2e_mg == pytest.approx(ambient * float(cooling), abs=1)
    assert any(identifier.startswith("cooling.") for identifier in assessed.factor_ids)


@pytest.mark.parametrize(("vehicle", "grams_per_km"), [(Vehicle.VAN_ELECTRIC, 302.34), (None, 1227.2253)])
def test_temperature_control_multiplies_rounds_too(vehicle: Vehicle | None, grams_per_km: float) -> None:
    sums, _ = assess(delivered(replace(LAST_MILE, vehicle=vehicle, temperature_controlled=True)))
    assert sums.last_mile_co2e_mg == pytest.approx(grams_per_km * 600 * 1.19097439, rel=1e-4)


def test_declared_energy_holds_its_cooling_already() -> None:
    measured = replace(LAST_MILE, energy=Energy(EnergyCarrier.PETROL, 1_000, 100), temperature_controlled=True)
    assert assess(delivered(measured))[0].last_mile_co2e_mg == 29_465


def test_three_legs_of_line_haul_with_hubs_and_two_rounds_add_up() -> None:
    legs = [
        ChainElement(ChainRole.FIRST_MILE, Vehicle.VAN_DIESEL, round=Round(80_000, 80)),
        replace(LINE_HAUL, vehicle=Vehicle.LORRY_RIGID, distance_m=120_000),
        replace(LINE_HAUL, vehicle=Vehicle.TRAIN, distance_m=1_500_000),
        replace(LINE_HAUL, vehicle=Vehicle.INLAND_VESSEL, distance_m=60_000),
        LAST_MILE,
    ]
    sums, _ = assess(replace(delivered(*legs, destination=HCMC), hubs=(Hub(4_000), Hub(2_500))))
    assert sums.line_haul_co2e_mg == 14_567 + 24_555 + 1_989
    assert (sums.hub_co2e_mg, sums.last_mile_co2e_mg) == (6_500, 63_928)
    assert sums.delivery_co2e_mg == 345_038 + 41_111 + 63_928 + 6_500


@pytest.mark.parametrize("vehicle", [vehicle for vehicle in Vehicle if METHOD.vehicles[vehicle].km is not None])
def test_no_vehicle_is_worse_in_a_round_than_an_undeclared_one(vehicle: Vehicle) -> None:
    undeclared = assess(delivered(replace(LAST_MILE, vehicle=None)))[0]
    assert assess(delivered(replace(LAST_MILE, vehicle=vehicle)))[0].delivery_co2e_mg <= undeclared.delivery_co2e_mg


@pytest.mark.parametrize(
    ("origin", "destination", "kilometres"),
    [
        (Place("VN", "00004"), Place("VN", "00070"), (1, 2)),
        (Place("VN", "00004"), Place("VN", "79"), (1_100, 1_160)),
        (Place("VN", "79"), Place("VN", "00004"), (1_100, 1_160)),
        (Place("VN", "00004"), Place("VN", "01"), (0, 20)),
    ],
)
def test_wards_and_provinces_mix_in_a_distance(
    origin: Place, destination: Place, kilometres: tuple[float, float]
) -> None:
    start, end = METHOD.places.find(origin, DAY), METHOD.places.find(destination, DAY)
    assert start is not None
    assert end is not None
    assert kilometres[0] <= great_circle_m(start, end) / 1000 <= kilometres[1]
    facts = replace(delivered(LAST_MILE, destination=destination), origin=origin)
    assert "place_unknown" not in assess(facts)[1].defaults


def test_declared_energy_is_preferred_to_vehicle_km() -> None:
    thrifty = replace(LAST_MILE, energy=Energy(EnergyCarrier.PETROL, 1_000, 100))
    sums, _ = assess(delivered(thrifty))
    assert sums.last_mile_co2e_mg == 29_465


@pytest.mark.parametrize(
    "energy",
    [
        Energy(EnergyCarrier.PETROL, 500, 100),
        Energy(EnergyCarrier.PETROL, 5_000, 100),
        Energy(EnergyCarrier.DIESEL, 1_000, 100),
        Energy(EnergyCarrier.PETROL, 1_000, 301),
    ],
)
def test_energy_that_does_not_fit_vehicle_distance_or_parcels_counts_as_undeclared(energy: Energy) -> None:
    sums, assessed = assess(delivered(replace(LAST_MILE, energy=energy)))
    assert sums.last_mile_co2e_mg == 63_928
    assert assessed.implausible == ("energy",)


def test_energy_without_the_distance_it_covered_counts_as_undeclared() -> None:
    lone = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, energy=Energy(EnergyCarrier.PETROL, 1_000, 100))
    _, assessed = assess(delivered(lone))
    assert assessed.defaults == ("energy_unverifiable", "round_undeclared")


def test_energy_over_more_parcels_than_the_distance_allows_counts_as_undeclared() -> None:
    short = ChainElement(
        ChainRole.LAST_MILE,
        Vehicle.MOTORBIKE_PETROL,
        2_000,
        DistanceBasis.ACTUAL,
        Energy(EnergyCarrier.PETROL, 40, 200),
    )
    _, assessed = assess(delivered(short))
    assert assessed.implausible == ("energy",)


@pytest.mark.parametrize(
    ("density", "grams"), [(RoundDensity.DENSE, 32.8), (RoundDensity.USUAL, 63.9), (RoundDensity.SPARSE, 177.6)]
)
def test_an_undeclared_round_is_modelled_from_its_density(density: RoundDensity, grams: float) -> None:
    sums, assessed = assess(delivered(replace(LAST_MILE, round=None, density=density)))
    assert round(sums.last_mile_co2e_mg / 1000, 1) == grams
    assert assessed.data_category is DataCategory.MODELLED
    assert assessed.defaults == ("round_by_density",)


@pytest.mark.parametrize("trip", [None, Round(60_000, 301), Round(499, 1), Round(400_001, 100), Round(4_999, 100)])
def test_an_undeclared_or_implausible_round_is_sparse(trip: Round | None) -> None:
    sums, assessed = assess(delivered(replace(LAST_MILE, round=trip)))
    assert sums.last_mile_co2e_mg == 177_578
    assert assessed.defaults == ("round_undeclared",)
    assert assessed.implausible == (() if trip is None else ("round",))


@pytest.mark.parametrize("vehicle", [None, Vehicle.TRAIN, Vehicle.INLAND_VESSEL])
def test_a_round_by_an_undeclared_or_unfit_vehicle_counts_as_a_heavy_rigid_lorrys(vehicle: Vehicle | None) -> None:
    sums, assessed = assess(delivered(replace(LAST_MILE, vehicle=vehicle)))
    assert sums.last_mile_co2e_mg == round(1.2272253 * 600_000)
    assert assessed.defaults == ("vehicle_undeclared",)
    assert assessed.implausible == (() if vehicle is None else ("vehicle",))
    assert assessed.data_category is DataCategory.DEFAULT


def test_nothing_declared_is_the_worst_case_with_line_haul_and_last_mile_assumed() -> None:
    sums, assessed = assess(delivered(destination=HCMC))
    road_m = divide_half_even(_circle(HANOI, HCMC) * 6, 5)
    assert sums.last_mile_co2e_mg == UNDECLARED_LAST_MILE_MG == 2_045_376
    assert sums.line_haul_co2e_mg == divide_half_even(500_000 * road_m * 24_279, 10**11)
    assert sums.primary_delivery_co2e_mg == sums.modelled_delivery_co2e_mg == sums.zero_tailpipe_parcels == 0
    assert assessed.defaults[:2] == ("line_haul_undeclared", "last_mile_undeclared")
    assert parcel_delivery_score(sums) == 0


def test_each_failed_attempt_repeats_the_last_mile() -> None:
    sums, _ = assess(delivered(LAST_MILE, attempts=3))
    assert sums.last_mile_co2e_mg == 191_784
    assert (sums.attempts, sums.first_attempt_parcels) == (3, 0)


def test_hubs_add_what_is_declared_and_note_what_is_not() -> None:
    sums, assessed = assess(replace(delivered(LAST_MILE), hubs=(Hub(5_000), Hub(None))))
    assert (sums.hub_co2e_mg, sums.delivery_co2e_mg) == (5_000, 68_928)
    assert assessed.defaults == ("hub_undeclared",)


def test_a_first_mile_is_costed_like_a_round_and_is_not_repeated() -> None:
    sums, _ = assess(delivered(replace(LAST_MILE, role=ChainRole.FIRST_MILE), LAST_MILE, attempts=2))
    assert sums.last_mile_co2e_mg == 127_856
    assert sums.delivery_co2e_mg == 63_928 + 127_856


@pytest.mark.parametrize(
    ("basis", "vehicle", "metres"),
    [
        (DistanceBasis.ACTUAL, Vehicle.LORRY_AVERAGE, 1_200_000),
        (DistanceBasis.SHORTEST_FEASIBLE, Vehicle.LORRY_AVERAGE, 1_200_000),
        (DistanceBasis.GREAT_CIRCLE, Vehicle.LORRY_AVERAGE, 1_440_000),
    ],
)
def test_a_declared_great_circle_is_lengthened_to_the_road(basis: DistanceBasis, vehicle: Vehicle, metres: int) -> None:
    leg = ChainElement(ChainRole.LINE_HAUL, vehicle, 1_200_000, basis)
    sums, _ = assess(delivered(leg, LAST_MILE, destination=HCMC))
    assert sums.line_haul_co2e_mg == divide_half_even(500_000 * metres * 12_715, 10**11)


@pytest.mark.parametrize("declared", [1_200_000, None])
def test_a_flown_great_circle_is_not_lengthened(declared: int | None) -> None:
    basis = None if declared is None else DistanceBasis.GREAT_CIRCLE
    leg = ChainElement(ChainRole.LINE_HAUL, Vehicle.AIRCRAFT_DOMESTIC, declared, basis)
    sums, _ = assess(delivered(leg, LAST_MILE, destination=HCMC))
    metres = declared or _circle(HANOI, HCMC)
    assert sums.line_haul_co2e_mg == divide_half_even(500_000 * metres * 32_936, 10**12 // 100)


def test_line_haul_distances_that_cannot_span_the_great_circle_count_as_undeclared() -> None:
    sums, assessed = assess(delivered(replace(LINE_HAUL, distance_m=900_000), LAST_MILE, destination=HCMC))
    undeclared = assess(
        delivered(replace(LINE_HAUL, distance_m=None, distance_basis=None), LAST_MILE, destination=HCMC)
    )
    assert sums == undeclared[0]
    assert assessed.implausible == ("line_haul_distance",)
    assert "distance_undeclared" in assessed.defaults


def test_several_legs_together_may_span_the_distance() -> None:
    half = replace(LINE_HAUL, distance_m=700_000)
    sums, assessed = assess(delivered(half, half, LAST_MILE, destination=HCMC))
    assert sums.line_haul_co2e_mg == 2 * divide_half_even(500_000 * 700_000 * 9_749, 10**11)
    assert assessed.implausible == ()


def test_a_shared_line_haul_trip_is_divided_by_its_parcels() -> None:
    leg = ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_RIGID, round=Round(1_700_000, 2_000))
    sums, _ = assess(delivered(leg, LAST_MILE, destination=HCMC))
    assert sums.line_haul_co2e_mg == divide_half_even(1_700_000 * 103_656_205, 2_000 * 100_000)
    assert sums.primary_delivery_co2e_mg == sums.delivery_co2e_mg


def test_line_haul_energy_is_divided_by_its_parcels() -> None:
    leg = replace(LINE_HAUL, energy=Energy(EnergyCarrier.DIESEL, 500_000, 2_000))
    sums, assessed = assess(delivered(leg, LAST_MILE, destination=HCMC))
    assert sums.line_haul_co2e_mg == 821_410
    assert "fuel.diesel.mineral.wtw.litre" in assessed.factor_ids


@pytest.mark.parametrize("vehicle", [None, Vehicle.MOTORBIKE_PETROL])
def test_line_haul_by_an_undeclared_or_unfit_vehicle_counts_as_a_rigid_lorrys(vehicle: Vehicle | None) -> None:
    sums, assessed = assess(delivered(replace(LINE_HAUL, vehicle=vehicle), LAST_MILE, destination=HCMC))
    assert sums.line_haul_co2e_mg == divide_half_even(500_000 * 1_700_000 * 24_279, 10**11)
    assert assessed.defaults == ("vehicle_undeclared",)


def test_the_reference_takes_the_geographic_distance_and_never_the_declared_one() -> None:
    near = assess(delivered(LINE_HAUL, LAST_MILE, destination=HCMC))[0]
    detour = assess(delivered(replace(LINE_HAUL, distance_m=3_000_000), LAST_MILE, destination=HCMC))[0]
    assert near.reference_delivery_co2e_mg == detour.reference_delivery_co2e_mg
    road_m = divide_half_even(_circle(HANOI, HCMC) * 6, 5)
    assert near.reference_delivery_co2e_mg == 63_928 + divide_half_even(500_000 * road_m * 12_715, 10**11)
    assert parcel_delivery_score(detour) < parcel_delivery_score(near)


def test_the_reference_round_grows_with_the_mass_above_three_kilograms() -> None:
    assert assess(delivered(LAST_MILE, mass_mg=3_000_000))[0].reference_delivery_co2e_mg == 63_928
    assert assess(delivered(LAST_MILE, mass_mg=6_000_000))[0].reference_delivery_co2e_mg == 127_856


def test_an_unknown_place_assumes_the_longest_distance_and_a_local_reference() -> None:
    sums, assessed = assess(delivered(LAST_MILE, destination=Place("VN", "99999")))
    assert sums.reference_delivery_co2e_mg == 63_928
    assert sums.line_haul_co2e_mg == divide_half_even(500_000 * 1_366_000 * 24_279, 10**11)
    assert assessed.defaults[0] == "place_unknown"


def test_the_same_place_needs_no_table() -> None:
    facts = replace(delivered(LAST_MILE), origin=Place("GB", "X"), destination=Place("GB", "X"))
    assert assess(facts)[0].delivery_co2e_mg == 63_928


@pytest.mark.parametrize(
    ("code", "day", "outside_63", "outside_34"),
    [
        ("01", date(2025, 6, 30), 0, 0),
        ("74", date(2025, 6, 30), 1, 0),
        ("48", date(2025, 6, 30), 1, 1),
        ("79", date(2025, 7, 1), 0, 0),
        ("48", date(2025, 7, 1), 1, 1),
        ("00004", date(2025, 7, 1), 0, 0),
        ("20194", date(2025, 7, 1), 1, 1),
    ],
)
def test_parcels_outside_the_two_cities_are_counted_in_both_codings(
    code: str, day: date, outside_63: int, outside_34: int
) -> None:
    sums, _ = assess(replace(delivered(LAST_MILE, destination=Place("VN", code)), day=day))
    assert (sums.outside_two_cities_63_parcels, sums.outside_two_cities_34_parcels) == (outside_63, outside_34)


def test_a_province_code_means_the_coding_of_its_day() -> None:
    before, after = (METHOD.places.find(DA_NANG, day) for day in (date(2025, 6, 30), date(2025, 7, 1)))
    assert before is not None
    assert after is not None
    assert 10_000 < great_circle_m(before, after) < 100_000
    gone = METHOD.places.find(Place("VN", "02"), DAY)
    assert gone is not None


def test_parcels_outside_vietnam_are_in_neither_coding() -> None:
    sums, _ = assess(replace(delivered(LAST_MILE, destination=Place("BR", "3550308")), origin=Place("BR", "3550308")))
    assert (sums.outside_two_cities_63_parcels, sums.outside_two_cities_34_parcels) == (0, 0)


@pytest.mark.parametrize(("kind", "counted"), [(PlaceKind.HOME, 0), (PlaceKind.PICKUP_POINT, 1), (PlaceKind.LOCKER, 1)])
def test_pickup_points_and_lockers_are_counted(kind: PlaceKind, counted: int) -> None:
    assert assess(delivered(LAST_MILE, destination=replace(HANOI, kind=kind)))[0].pickup_point_parcels == counted


def test_a_return_adds_its_chain_without_a_reference() -> None:
    assessed = assess_returned(delivered(replace(LAST_MILE, role=ChainRole.FIRST_MILE)), METHOD)
    assert assessed.sums == ReturnSums(1, 63_928, 63_928)
    assert assess_returned(delivered(), METHOD).sums == ReturnSums(1, UNDECLARED_LAST_MILE_MG, 0)


def test_the_great_circle_between_hanoi_and_ho_chi_minh_city_is_1138_km() -> None:
    hanoi, hcmc = METHOD.places.vn_63["01"], METHOD.places.vn_63["79"]
    assert great_circle_m(hanoi, hcmc) == pytest.approx(1_138_000, rel=0.005)
    assert great_circle_m(hanoi, hanoi) == 0
    assert great_circle_m(hanoi, hcmc) == great_circle_m(hcmc, hanoi)


def _circle(origin: Place, destination: Place) -> int:
    start, end = METHOD.places.find(origin, DAY), METHOD.places.find(destination, DAY)
    assert start is not None
    assert end is not None
    return great_circle_m(start, end)


@pytest.mark.parametrize("trip", [Round(500, 10), Round(400_000, 300), Round(5_000, 100), Round(15_000, 300)])
def test_a_round_at_the_edge_of_the_plausible_still_counts(trip: Round) -> None:
    assert assess(delivered(replace(LAST_MILE, round=trip)))[1].implausible == ()


@pytest.mark.parametrize("millilitres", [600, 4_800])
def test_energy_at_the_edge_of_the_plausible_still_counts(millilitres: int) -> None:
    energy = Energy(EnergyCarrier.PETROL, millilitres, 100)
    assert assess(delivered(replace(LAST_MILE, energy=energy)))[1].implausible == ()
