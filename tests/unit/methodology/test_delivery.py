"""One delivered parcel: each part of its chain beside its reference, bounds, hubs, wards, returns and the inventory."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.methodology.honest import (
    BROUGHT,
    COMMUNE,
    DA_NANG,
    DAY,
    FAR,
    HANOI,
    HCMC,
    LORRY,
    METHOD,
    NEAR,
    PICKED_UP,
    TRAVELLED,
    WARD,
    carried,
    delivery,
    returning,
)

from greenlane.methodology.assessment import Step
from greenlane.methodology.facts import ChainElement, DeliveredFacts, Energy, Hub, Place, Round
from greenlane.methodology.geography import great_circle_m
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.rounding import divide_half_even, ratio_of
from greenlane.methodology.seller.score import parcel_delivery_score
from greenlane.methodology.sums import MILLION, RATIO_MOST
from greenlane.methodology.tables import SCALE
from greenlane.methodology.vocabulary import (
    ChainRole,
    DataCategory,
    DistanceBasis,
    EnergyCarrier,
    PlaceKind,
    RoundDensity,
    StatedBy,
    Vehicle,
)

FIRST, LAST, HUB, UNDECLARED_HUB = 32_784, 46_880, 18_187, 27_280
ROAD = 1_366_567
HAUL = divide_half_even(700 * ROAD * 12_715, 100_000_000)
USUAL_NEAR, USUAL_FAR = FIRST + LAST + HUB, FIRST + LAST + 2 * HUB + HAUL
OTHERS = StatedBy.CARRIER


def near(*chain: ChainElement, **fields: Any) -> DeliveredFacts:
    return replace(NEAR, chain=chain or None, **fields)


def far(*chain: ChainElement, **fields: Any) -> DeliveredFacts:
    return replace(FAR, chain=chain or None, **fields)


def notes(facts: DeliveredFacts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    assessed = assess_delivered(facts, METHOD)
    return assessed.defaults, assessed.implausible


def counted(facts: DeliveredFacts, returned: bool = False) -> int:
    """What counts in mg, from the steps."""
    steps: list[Step] = []
    (assess_returned if returned else assess_delivered)(facts, METHOD, steps)
    return next(step.value for step in steps if step.label == "what counts")


def test_the_reference_is_a_motorbikes_round_at_either_end_hubs_and_an_average_lorry() -> None:
    table = METHOD.delivery
    assert (table.seller_round_mg, table.buyer_round_mg, table.hub_mg) == (FIRST, LAST, HUB)
    assert table.undeclared_hub_mg == UNDECLARED_HUB
    assert divide_half_even(40_000 * 10_654_653 * 1000, SCALE * 130) == FIRST
    assert divide_half_even(44_000 * 10_654_653 * 1000, SCALE * 100) == LAST
    assert HAUL == 121_631


def test_the_usual_delivery_is_its_reference_but_for_the_hub_that_nobody_states() -> None:
    sums, assessed = delivery(NEAR), assess_delivered(NEAR, METHOD)
    assert counted(NEAR) == FIRST + LAST + UNDECLARED_HUB
    assert sums.ratio == ratio_of(FIRST + LAST + UNDECLARED_HUB, USUAL_NEAR, RATIO_MOST) == 1_092_927
    assert (sums.last_mile_co2e_mg, sums.hub_co2e_mg, sums.declared_co2e_mg) == (LAST, UNDECLARED_HUB, FIRST + LAST)
    assert assessed.data_category is DataCategory.DECLARED
    assert notes(NEAR) == (("hub_undeclared",), ())
    assert (sums.complete_parcels, sums.measured_parcels) == (1, 0)
    assert parcel_delivery_score(sums) == Decimal("46.8")


def test_a_far_delivery_has_a_line_haul_and_a_second_hub() -> None:
    sums = delivery(FAR)
    assert counted(FAR) == FIRST + LAST + 2 * UNDECLARED_HUB + HAUL
    assert sums.ratio == ratio_of(counted(FAR), USUAL_FAR, RATIO_MOST)
    assert sums.modelled_co2e_mg == sums.line_haul_co2e_mg == divide_half_even(500 * ROAD * 12_715, 100_000_000)
    assert assess_delivered(FAR, METHOD).data_category is DataCategory.MODELLED


@pytest.mark.parametrize(
    ("facts", "parts"),
    [
        (near(BROUGHT), 3 * FIRST + LAST),
        (near(PICKED_UP), FIRST + 3 * LAST),
        (near(replace(PICKED_UP, vehicle=None), BROUGHT), 3 * FIRST + LAST),
        (near(replace(PICKED_UP, round=None), BROUGHT), 3 * FIRST + LAST),
        (near(replace(PICKED_UP, round=None, density=RoundDensity.DENSE), BROUGHT), 3 * FIRST + LAST),
        (near(replace(PICKED_UP, vehicle=Vehicle.TRAIN), BROUGHT), 3 * FIRST + LAST),
        (near(PICKED_UP, PICKED_UP, BROUGHT), 2 * FIRST + LAST),
        (near(PICKED_UP, PICKED_UP, PICKED_UP, PICKED_UP, BROUGHT), 3 * FIRST + LAST),
        (near(PICKED_UP, BROUGHT, attempts=2), FIRST + 2 * LAST),
        (near(PICKED_UP, BROUGHT, attempts=9), FIRST + 3 * LAST),
        (near(PICKED_UP, LORRY, BROUGHT), FIRST + LAST),
        (near(PICKED_UP, replace(LORRY, vehicle=Vehicle.AIRCRAFT_DOMESTIC), BROUGHT), FIRST + LAST),
    ],
)
def test_a_part_counts_at_most_as_when_it_is_undeclared(facts: DeliveredFacts, parts: int) -> None:
    assert counted(facts) == parts + UNDECLARED_HUB
    assert delivery(facts).ratio == ratio_of(parts + UNDECLARED_HUB, USUAL_NEAR, RATIO_MOST)


@pytest.mark.parametrize(
    ("chain", "haul"),
    [
        ((PICKED_UP, BROUGHT), 8 * HAUL),
        ((PICKED_UP, replace(LORRY, vehicle=None), BROUGHT), 8 * HAUL),
        ((PICKED_UP, replace(LORRY, vehicle=Vehicle.BICYCLE), BROUGHT), 8 * HAUL),
        ((PICKED_UP, LORRY, replace(LORRY, vehicle=None), BROUGHT), 8 * HAUL),
        ((PICKED_UP, replace(LORRY, vehicle=Vehicle.AIRCRAFT_DOMESTIC), BROUGHT), 8 * HAUL),
        ((PICKED_UP, replace(LORRY, vehicle=Vehicle.TRAIN), BROUGHT), divide_half_even(7 * ROAD * 3_274 * 1264, 10**9)),
        ((PICKED_UP, TRAVELLED, BROUGHT), HAUL),
        ((PICKED_UP, replace(TRAVELLED, distance_m=3_000_000), BROUGHT), HAUL),
    ],
)
def test_a_line_haul_counts_by_its_vehicle_over_the_way_between_the_places(
    chain: tuple[ChainElement, ...], haul: int
) -> None:
    assert counted(far(*chain)) == FIRST + LAST + 2 * UNDECLARED_HUB + haul


def test_legs_count_by_their_share_of_the_declared_distances() -> None:
    train = replace(TRAVELLED, vehicle=Vehicle.TRAIN, distance_m=500_000)
    lorry = replace(TRAVELLED, distance_m=1_500_000)
    by_train = 7 * ROAD * 3_274 * 1264
    expected = divide_half_even(by_train + 3 * 700 * ROAD * 12_715 * 10, 4 * 10**9)
    rest = FIRST + LAST + 2 * UNDECLARED_HUB
    assert counted(far(PICKED_UP, train, lorry, BROUGHT)) == rest + expected
    silent = replace(train, distance_m=None, distance_basis=None)
    assert counted(far(PICKED_UP, silent, lorry, BROUGHT)) == rest + HAUL
    nothing = (replace(train, distance_m=0), replace(lorry, distance_m=0))
    assert counted(far(PICKED_UP, *nothing, BROUGHT)) == rest + HAUL


def test_two_legs_by_one_vehicle_count_as_one() -> None:
    rest = FIRST + LAST + 2 * UNDECLARED_HUB
    for metres in range(1_000_000, 1_000_020):
        legs = replace(TRAVELLED, distance_m=metres), replace(TRAVELLED, distance_m=333_331)
        assert counted(far(PICKED_UP, *legs, BROUGHT)) == rest + HAUL


def test_a_chain_of_which_nothing_is_known_counts_twice_the_reference() -> None:
    for facts in (near(), far()):
        sums = delivery(facts)
        assert sums.ratio == RATIO_MOST
        assert (sums.complete_parcels, sums.zero_tailpipe_parcels) == (0, 0)
        assert assess_delivered(facts, METHOD).data_category is DataCategory.DEFAULT
    assert notes(far())[0] == (
        "first_mile_undeclared", "last_mile_undeclared", "line_haul_undeclared", "hub_undeclared",
    )  # fmt: skip
    assert delivery(near()).delivery_co2e_mg == 3 * (FIRST + LAST) + UNDECLARED_HUB
    lorry = divide_half_even(500 * ROAD * 12_715, 100_000_000)
    assert delivery(far()).line_haul_co2e_mg == 8 * lorry


def test_the_inventory_of_a_half_known_line_haul_is_no_less_than_an_unknown_one() -> None:
    half = far(PICKED_UP, TRAVELLED, replace(LORRY, vehicle=None), BROUGHT)
    assert delivery(half).line_haul_co2e_mg == delivery(far(PICKED_UP, BROUGHT)).line_haul_co2e_mg


@pytest.mark.parametrize(("origin", "destination"), [(HANOI, Place("VN", "99999")), (Place("XX", "1"), HANOI)])
def test_an_unknown_place_counts_as_undeclared(origin: Place, destination: Place) -> None:
    facts = far(PICKED_UP, LORRY, BROUGHT, origin=origin, destination=destination)
    sums = delivery(facts)
    assert (sums.ratio, sums.complete_parcels) == (RATIO_MOST, 0)
    assert "place_unknown" in notes(facts)[0]
    assert sums.line_haul_co2e_mg == divide_half_even(500 * 1_366_000 * 12_715, 100_000_000)


def test_between_equal_codes_there_is_no_way_even_if_no_table_has_them() -> None:
    nowhere = Place("ZZ", "1")
    assert delivery(near(PICKED_UP, BROUGHT, origin=nowhere, destination=nowhere)).ratio == delivery(NEAR).ratio


@pytest.mark.parametrize(
    ("metres", "parcels", "vehicle", "flag"),
    [
        (200_000, 100, Vehicle.MOTORBIKE_PETROL, None),
        (200_001, 100, Vehicle.MOTORBIKE_PETROL, "round"),
        (44_000, 142, Vehicle.MOTORBIKE_PETROL, None),
        (44_000, 143, Vehicle.MOTORBIKE_PETROL, "round"),
        (9_000, 100, Vehicle.MOTORBIKE_PETROL, None),
        (8_999, 100, Vehicle.MOTORBIKE_PETROL, "round"),
        (500, 5, Vehicle.MOTORBIKE_PETROL, None),
        (499, 5, Vehicle.MOTORBIKE_PETROL, "round"),
        (20_000, 42, Vehicle.ON_FOOT, None),
        (20_001, 42, Vehicle.ON_FOOT, "round"),
        (20_000, 43, Vehicle.ON_FOOT, "round"),
        (80_000, 42, Vehicle.BICYCLE, None),
        (80_001, 42, Vehicle.BICYCLE, "round"),
        (100_000, 300, Vehicle.VAN_DIESEL, None),
        (100_000, 301, Vehicle.VAN_DIESEL, "round"),
        (400_000, 1_000, Vehicle.LORRY_RIGID, None),
        (400_000, 1_001, Vehicle.LORRY_RIGID, "round"),
    ],
)
def test_a_round_is_one_that_the_vehicle_can_make(
    metres: int, parcels: int, vehicle: Vehicle, flag: str | None
) -> None:
    facts = near(PICKED_UP, replace(BROUGHT, vehicle=vehicle, round=Round(metres, parcels)))
    assert notes(facts)[1] == (() if flag is None else (flag,))
    assert delivery(facts).complete_parcels == (flag is None)
    if flag is not None:
        assert counted(facts) == FIRST + 3 * LAST + UNDECLARED_HUB


@pytest.mark.parametrize("kind", [PlaceKind.LOCKER, PlaceKind.PICKUP_POINT])
def test_a_van_brings_more_parcels_to_lockers(kind: PlaceKind) -> None:
    element = replace(BROUGHT, vehicle=Vehicle.VAN_DIESEL, round=Round(100_000, 1_000))
    there = replace(HANOI, kind=kind)
    assert notes(near(PICKED_UP, element, destination=there))[1] == ()
    assert notes(near(PICKED_UP, element))[1] == ("round",)
    more = replace(element, round=Round(100_000, 1_001))
    assert notes(near(PICKED_UP, more, destination=there))[1] == ("round",)


def test_a_train_makes_no_rounds() -> None:
    by_train = replace(BROUGHT, vehicle=Vehicle.TRAIN)
    assert notes(near(PICKED_UP, by_train))[1] == ("vehicle",)
    assert counted(near(PICKED_UP, by_train)) == counted(near(PICKED_UP))


def test_a_round_to_lockers_is_bounded_by_the_payload_and_one_to_doors_by_the_table_alone() -> None:
    there = replace(HANOI, kind=PlaceKind.LOCKER)
    for count, flag in ((142, ()), (143, ("payload",))):
        element = replace(BROUGHT, round=Round(44_000, count))
        assert notes(near(PICKED_UP, element, destination=there))[1] == flag
    for row in METHOD.vehicles.values():
        if row.km or row.kwh_km:
            assert 0 < row.limits.round_parcels * METHOD.delivery.usual_mass_mg <= row.limits.payload_mg
            assert row.limits.round_m
        else:
            assert (row.limits.round_m, row.limits.round_parcels) == (0, 0)


@pytest.mark.parametrize(("mass_mg", "flag"), [(100_000_000, ()), (100_000_001, ("payload",))])
def test_a_motorbike_carries_a_hundred_kilograms(mass_mg: int, flag: tuple[str, ...]) -> None:
    assert notes(near(PICKED_UP, BROUGHT, mass_mg=mass_mg))[1] == flag


def test_a_line_haul_vehicle_that_cannot_carry_the_parcel_counts_as_undeclared() -> None:
    van = replace(LORRY, vehicle=Vehicle.VAN_DIESEL)
    lorries = replace(PICKED_UP, vehicle=Vehicle.LORRY_RIGID, round=Round(40_000, 100))
    ends = (lorries, replace(lorries, role=ChainRole.LAST_MILE))
    heavy, light = (far(*ends, van, mass_mg=mass) for mass in (1_500_000_001, 1_500_000_000))
    assert notes(light)[1] == ()
    assert notes(heavy)[1] == ("payload",)
    assert counted(heavy) > counted(light)


def electric(wh_per_km: int = 30, role: ChainRole = ChainRole.LAST_MILE) -> ChainElement:
    energy = Energy(EnergyCarrier.ELECTRICITY, 44 * wh_per_km, 100)
    return ChainElement(role, Vehicle.MOTORBIKE_ELECTRIC, energy=energy, round=Round(44_000, 100))


def test_energy_lowers_a_round_by_the_grid_of_the_country_and_day() -> None:
    facts = near(PICKED_UP, electric())
    mg = divide_half_even(1_320 * 77_553, 10_000)
    assert delivery(facts).last_mile_co2e_mg == mg == 10_237
    assert counted(facts) == FIRST + mg + UNDECLARED_HUB
    assert delivery(facts).zero_tailpipe_parcels == 1
    assert delivery(replace(facts, day=date(2021, 5, 1))).last_mile_co2e_mg > mg
    assert "grid.vn.y2023.plug" in assess_delivered(facts, METHOD).factor_ids


def test_an_electric_motorbike_without_energy_counts_as_a_petrol_one() -> None:
    facts = near(PICKED_UP, replace(electric(), energy=None))
    assert counted(facts) == FIRST + LAST + UNDECLARED_HUB
    assert notes(facts)[0] == ("vehicle_consumption_unknown", "hub_undeclared")
    assert assess_delivered(facts, METHOD).data_category is DataCategory.MODELLED
    assert delivery(facts).modelled_co2e_mg == LAST


def test_energy_above_the_vehicles_own_figure_is_in_the_inventory_and_not_in_the_ratio() -> None:
    thirsty = replace(BROUGHT, energy=Energy(EnergyCarrier.PETROL, 3_520, 100))
    facts = near(PICKED_UP, thirsty)
    assert delivery(facts).last_mile_co2e_mg > 2 * LAST
    assert counted(facts) == counted(NEAR)
    saving = replace(BROUGHT, energy=Energy(EnergyCarrier.PETROL, 880, 100))
    assert counted(near(PICKED_UP, saving)) < counted(NEAR)


@pytest.mark.parametrize(
    "energy",
    [
        Energy(EnergyCarrier.DIESEL, 1_320, 100),
        Energy(EnergyCarrier.ELECTRICITY, 1_320, 99),
        Energy(EnergyCarrier.ELECTRICITY, 659, 100),
        Energy(EnergyCarrier.ELECTRICITY, 2_641, 100),
    ],
)
def test_energy_that_does_not_fit_makes_the_round_undeclared(energy: Energy) -> None:
    facts = near(PICKED_UP, replace(electric(), energy=energy))
    assert notes(facts)[1] == ("energy",)
    assert counted(facts) == FIRST + 3 * LAST + UNDECLARED_HUB


@pytest.mark.parametrize("amount", [660, 2_640])
def test_energy_counts_up_to_its_bounds(amount: int) -> None:
    facts = near(PICKED_UP, replace(electric(), energy=Energy(EnergyCarrier.ELECTRICITY, amount, 100)))
    assert notes(facts)[1] == ()


@pytest.mark.parametrize(
    ("vehicle", "grams_per_km"),
    [
        (Vehicle.MOTORBIKE_PETROL, 106.5),
        (Vehicle.VAN_DIESEL, 345.0),
        (Vehicle.VAN_ELECTRIC, 302.3),
        (Vehicle.VAN_CLASS_1_DIESEL, 194.8),
        (Vehicle.VAN_CLASS_2_DIESEL, 238.4),
        (Vehicle.LORRY_RIGID, 1036.6),
        (Vehicle.BICYCLE, 0),
        (Vehicle.CARGO_BIKE, 106.5),
    ],
)
def test_a_vehicles_figure_per_km_is_shared_by_the_parcels_of_its_round(vehicle: Vehicle, grams_per_km: float) -> None:
    facts = near(PICKED_UP, replace(BROUGHT, vehicle=vehicle, round=Round(40_000, 40)))
    assert abs(delivery(facts).last_mile_co2e_mg / 1000 - grams_per_km) < 0.05


@pytest.mark.parametrize(
    ("hubs", "hub_mg"),
    [
        ((), UNDECLARED_HUB),
        ((Hub(),), UNDECLARED_HUB),
        ((Hub(5_000),), UNDECLARED_HUB),
        ((Hub(5_000, OTHERS),), 5_000),
        ((Hub(5_000, OTHERS), Hub(6_000, OTHERS)), 11_000),
        ((Hub(50_000, OTHERS),), UNDECLARED_HUB),
        ((Hub(5_000), Hub(6_000, OTHERS)), 6_000),
        ((Hub(None, OTHERS),), UNDECLARED_HUB),
    ],
)
def test_hubs_count_by_what_others_state_and_at_most_as_undeclared(hubs: tuple[Hub, ...], hub_mg: int) -> None:
    assert counted(replace(NEAR, hubs=hubs)) == FIRST + LAST + hub_mg


def test_a_far_parcel_has_two_hubs() -> None:
    rest = FIRST + LAST + HAUL
    assert counted(replace(FAR, hubs=(Hub(5_000, OTHERS),))) == rest + 5_000 + UNDECLARED_HUB
    assert counted(replace(FAR, hubs=(Hub(5_000, OTHERS),) * 2)) == rest + 10_000
    assert "hub_undeclared" not in notes(replace(FAR, hubs=(Hub(5_000, OTHERS),) * 2))[0]
    wasteful = (Hub(90_000, OTHERS), Hub(5_000, OTHERS))
    assert counted(replace(FAR, hubs=wasteful)) == rest + UNDECLARED_HUB + 5_000
    assert counted(replace(FAR, hubs=wasteful)) == counted(replace(FAR, hubs=wasteful[1:]))


def test_the_inventory_of_hubs_is_what_anybody_declares_and_the_default_for_the_rest() -> None:
    assert delivery(replace(FAR, hubs=(Hub(70_000),))).hub_co2e_mg == 70_000 + UNDECLARED_HUB
    assert delivery(replace(FAR, hubs=(Hub(70_000),) * 3)).hub_co2e_mg == 210_000
    assert delivery(replace(NEAR, hubs=(Hub(), Hub()))).hub_co2e_mg == UNDECLARED_HUB


def test_in_the_countryside_the_buyers_round_counts_by_how_long_rounds_are_there() -> None:
    facts = near(PICKED_UP, BROUGHT, origin=COMMUNE, destination=COMMUNE)
    rural = divide_half_even(LAST * 44_000 * 60, 63_000 * 100)
    assert counted(facts) == FIRST + rural + UNDECLARED_HUB
    assert delivery(facts).last_mile_co2e_mg == LAST
    undeclared = near(PICKED_UP, origin=COMMUNE, destination=COMMUNE)
    assert counted(undeclared) == FIRST + 3 * LAST + UNDECLARED_HUB
    town = near(PICKED_UP, BROUGHT, origin=WARD, destination=WARD)
    assert counted(town) == counted(NEAR)
    island = Place("VN", "20333", stated_by=StatedBy.MARKETPLACE)
    assert counted(near(PICKED_UP, BROUGHT, origin=island, destination=island)) == counted(NEAR)


def test_a_return_has_the_same_parts_the_other_way() -> None:
    home = replace(BROUGHT, role=ChainRole.FIRST_MILE)
    back = replace(PICKED_UP, role=ChainRole.LAST_MILE)
    facts = near(home, back)
    assert counted(facts, returned=True) == LAST + FIRST + UNDECLARED_HUB
    assert returning(facts).ratio == delivery(NEAR).ratio
    assert counted(near(home), returned=True) == LAST + 3 * FIRST + UNDECLARED_HUB
    assert counted(near(back), returned=True) == 3 * LAST + FIRST + UNDECLARED_HUB
    from_village = near(home, back, origin=COMMUNE, destination=WARD)
    rural = divide_half_even(LAST * 44_000 * 60, 63_000 * 100)
    assert counted(from_village, returned=True) == rural + FIRST + UNDECLARED_HUB
    sums = returning(near(home, back, attempts=2))
    assert sums.return_co2e_mg == LAST + 2 * FIRST + UNDECLARED_HUB
    assert (sums.declared_co2e_mg, sums.measured_parcels) == (LAST + 2 * FIRST, 0)


def test_a_parcel_is_measured_when_others_state_every_element_and_both_places() -> None:
    facts = carried(FAR)
    sums = delivery(facts)
    assert (sums.measured_parcels, sums.measured_ratio) == (1, sums.ratio)
    assert sums.measured_co2e_mg == FIRST + LAST
    seller = StatedBy.SELLER
    chain = facts.chain or ()
    less = [
        replace(facts, origin=replace(facts.origin, stated_by=seller)),
        replace(facts, destination=replace(facts.destination, stated_by=seller)),
        *(
            replace(facts, chain=(*chain[:place], replace(chain[place], stated_by=seller), *chain[place + 1 :]))
            for place in range(3)
        ),
        replace(facts, chain=chain[1:]),
    ]
    for one in less:
        assert (delivery(one).measured_parcels, delivery(one).measured_ratio) == (0, 0)
        assert delivery(one).ratio >= sums.ratio
    flown = replace(
        facts, chain=(chain[0], replace(chain[1], distance_m=1, distance_basis=DistanceBasis.ACTUAL), chain[2])
    )
    assert delivery(flown).measured_parcels == 0
    back = returning(carried(near(PICKED_UP, BROUGHT)))
    assert (back.measured_parcels, back.measured_ratio, back.measured_co2e_mg) == (1, back.ratio, FIRST + LAST)
    near_measured = carried(NEAR)
    assert assess_delivered(near_measured, METHOD).data_category is DataCategory.MEASURED


@pytest.mark.parametrize(
    ("leg", "metres"),
    [
        (TRAVELLED, 1_700_000),
        (replace(TRAVELLED, distance_basis=DistanceBasis.GREAT_CIRCLE, distance_m=1_200_001), 1_440_001),
        (replace(TRAVELLED, distance_basis=DistanceBasis.SHORTEST_FEASIBLE), 1_700_000),
        (replace(LORRY, round=Round(1_500_011, 3_001)), 1_500_011),
        (LORRY, ROAD),
        (replace(LORRY, vehicle=Vehicle.TRAIN), ROAD * 1264 // 1000),
        (replace(TRAVELLED, distance_m=1_000_000), ROAD),
        (
            replace(
                TRAVELLED,
                vehicle=Vehicle.AIRCRAFT_DOMESTIC,
                distance_basis=DistanceBasis.GREAT_CIRCLE,
                distance_m=1_138_009,
            ),
            1_138_009,
        ),
    ],
)
def test_the_inventory_of_a_line_haul_goes_by_the_declared_distance(leg: ChainElement, metres: int) -> None:
    factor = METHOD.vehicles[leg.vehicle or Vehicle.TRAIN].tkm
    assert factor is not None
    facts = far(PICKED_UP, leg, BROUGHT)
    assert delivery(facts).line_haul_co2e_mg == divide_half_even(500_000 * metres * factor.value, SCALE * 10**6)
    assert delivery(facts).air_parcels == (leg.vehicle is Vehicle.AIRCRAFT_DOMESTIC)


@pytest.mark.parametrize(("metres", "flag"), [(1_038_806, ()), (1_038_805, ("line_haul_distance",))])
def test_declared_legs_may_be_a_hundred_kilometres_shorter_than_the_great_circle(
    metres: int, flag: tuple[str, ...]
) -> None:
    assert great_circle_m(*(METHOD.places.find(place, DAY) for place in (HANOI, HCMC))) == 1_138_806  # type: ignore[arg-type]  # both exist
    assert notes(far(PICKED_UP, replace(TRAVELLED, distance_m=metres), BROUGHT))[1] == flag


def test_temperature_control_is_in_the_inventory_alone() -> None:
    cold = far(*(replace(element, temperature_controlled=True) for element in (PICKED_UP, TRAVELLED, BROUGHT)))
    warm = far(PICKED_UP, TRAVELLED, BROUGHT)
    assert delivery(cold).ratio == delivery(warm).ratio
    assert delivery(cold).last_mile_co2e_mg == divide_half_even(44_000 * 10_654_653 * 119_097_439, 10**13 * 100)
    assert delivery(cold).line_haul_co2e_mg > delivery(warm).line_haul_co2e_mg


def test_half_a_kilogram_by_articulated_lorry_over_1138_km_is_55_g() -> None:
    leg = replace(TRAVELLED, vehicle=Vehicle.LORRY_ARTICULATED, distance_m=1_138_000)
    assert round(delivery(far(PICKED_UP, leg, BROUGHT)).line_haul_co2e_mg / 1000) == 55


def test_electricity_is_that_of_the_destination_in_the_last_mile_and_of_the_origin_in_the_others() -> None:
    van = replace(BROUGHT, vehicle=Vehicle.VAN_ELECTRIC)
    abroad = Place("GB", "nowhere")
    for role, end in ((ChainRole.LAST_MILE, "destination"), (ChainRole.FIRST_MILE, "origin")):
        facts = near(replace(van, role=role))
        here, there = delivery(facts), delivery(replace(facts, **{end: abroad}))
        assert here.declared_co2e_mg > there.declared_co2e_mg > 0


def test_attempts_pickups_and_places_are_counted() -> None:
    locker = replace(DA_NANG, kind=PlaceKind.LOCKER)
    sums = delivery(far(PICKED_UP, LORRY, BROUGHT, destination=locker, attempts=2))
    assert (sums.attempts, sums.first_attempt_parcels, sums.pickup_point_parcels) == (2, 0, 1)
    assert (sums.outside_two_cities_63_parcels, sums.outside_two_cities_34_parcels) == (1, 1)
    assert (delivery(NEAR).attempts, delivery(NEAR).first_attempt_parcels) == (1, 1)


def test_fifty_kilometres_by_road_are_not_far() -> None:
    distances = METHOD.distances
    assert distances.line_haul_from_m == 50_000
    neighbours = replace(NEAR, destination=Place("VN", "00376"))
    assert counted(neighbours) == counted(NEAR)


def test_the_ratio_of_the_reference_itself_is_a_million() -> None:
    hubs = (Hub(HUB, OTHERS),)
    assert delivery(replace(NEAR, hubs=hubs)).ratio == MILLION
