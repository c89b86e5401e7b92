"""What a lie or a silence bought in method 1.0.0, row by row, and what it buys now."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.unit.methodology.honest import (
    AVERAGE,
    BAG,
    BOARD,
    BROUGHT,
    COMMUNE,
    DAY,
    FAR,
    FILM,
    HANOI,
    LORRY,
    MAILER,
    METHOD,
    NEAR,
    PICKED_UP,
    POLICY,
    WARD,
    bring_back,
    carried,
    delivery,
    measured,
    pack,
    packaging,
    packed,
    send,
)

from greenlane.contracts.events import ParcelPacked
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    Item,
    Order,
    Outer,
    PackedFacts,
    Place,
    ReusableAsset,
    Round,
)
from greenlane.methodology.parcel.delivery import assess_delivered
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.seller.account import Declaration, assess_all, totals_of
from greenlane.methodology.seller.eligibility import level_met
from greenlane.methodology.seller.score import (
    green_points,
    parcel_delivery_score,
    parcel_packaging_score,
    score,
)
from greenlane.methodology.sums import RATIO_MOST
from greenlane.methodology.vocabulary import (
    BadgeLevel,
    ChainRole,
    ComponentRole,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    StatedBy,
    Vehicle,
)

DAYS = 20


def account(parcel: PackedFacts, sent: DeliveredFacts, count: int = 100) -> list[Declaration]:
    """So many alike parcels, spread over enough days for a badge."""
    days = [DAY + timedelta(days=number % DAYS) for number in range(count)]
    return [one for day in days for one in (pack(replace(parcel, day=day)), send(replace(sent, day=day)))]


def green(declarations: Sequence[Declaration]) -> Decimal:
    return green_points(totals_of(assess_all(declarations, METHOD)), POLICY.prior_parcels)


def level(declarations: Sequence[Declaration]) -> BadgeLevel:
    totals = totals_of(assess_all(declarations, METHOD))
    return level_met(totals, score(totals, POLICY.prior_parcels), POLICY)


ORDINARY = account(AVERAGE, NEAR)


@pytest.mark.parametrize("kilograms", [1, 3, 6, 30, 99])
def test_heavier_goods_on_the_same_round_score_the_same(kilograms: int) -> None:
    heavy = replace(NEAR, mass_mg=kilograms * 1_000_000)
    assert delivery(heavy).ratio == delivery(NEAR).ratio
    far = replace(FAR, mass_mg=kilograms * 1_000_000)
    assert delivery(far).ratio == delivery(FAR).ratio
    assert delivery(far).line_haul_co2e_mg > delivery(FAR).line_haul_co2e_mg


def test_one_parcel_of_a_tonne_by_motorbike_among_101_gains_nothing_and_is_flagged() -> None:
    impossible = replace(NEAR, mass_mg=1_000_000_000)
    assert assess_delivered(impossible, METHOD).implausible == ("payload",)
    assert 0 > green([*ORDINARY, send(impossible)]) - green(ORDINARY) > -1


def test_a_gram_of_board_for_every_parcel_counts_as_undeclared_and_is_flagged() -> None:
    light = packed(replace(BOARD, mass_mg=1_000))
    assert assess_packed(light, METHOD).implausible == ("packaging_mass",)
    assert packaging(light).co2e_ratio == RATIO_MOST
    assert green(account(light, NEAR)) <= green(ORDINARY)


def test_both_lies_together_make_no_badge() -> None:
    both = account(packed(replace(BOARD, mass_mg=1_000)), replace(NEAR, mass_mg=30_000_000))
    assert green(both) <= green(ORDINARY)
    assert level(both) is BadgeLevel.NONE


def test_line_haul_on_foot_counts_as_undeclared_and_is_flagged() -> None:
    walked = ChainElement(ChainRole.LINE_HAUL, Vehicle.ON_FOOT, 1_140_000, DistanceBasis.ACTUAL)
    facts = replace(FAR, chain=(PICKED_UP, walked, BROUGHT))
    assert "vehicle" in assess_delivered(facts, METHOD).implausible
    assert delivery(facts).ratio == delivery(replace(FAR, chain=(PICKED_UP, BROUGHT))).ratio == RATIO_MOST


@pytest.mark.parametrize("trips", [2, 20, 1_000])
def test_trips_that_only_the_seller_states_count_as_one(trips: int) -> None:
    bag = replace(BAG, reusable=ReusableAsset("a", trips))
    once, often = (packaging(packed(part, outer=MAILER)) for part in (BAG, bag))
    assert often == once


def test_a_thousand_trips_are_implausible_whoever_states_them() -> None:
    bag = replace(BAG, reusable=ReusableAsset("a", 1_000), stated_by=StatedBy.VERIFIER)
    assessed = assess_packed(packed(bag, outer=MAILER), METHOD)
    assert assessed.implausible == ("verified_trips",)
    assert (
        packaging(packed(bag, outer=MAILER)).packaging_co2e_mg == packaging(packed(BAG, outer=MAILER)).packaging_co2e_mg
    )


def test_one_asset_of_a_tonne_among_101_parcels_moves_less_than_two_points() -> None:
    asset = Component(ComponentRole.OUTER, Material.STEEL, 10**9, reusable=ReusableAsset("a", 20))
    for facts in (packed(asset), measured(packed(asset))):
        assert abs(green([*ORDINARY, pack(facts)]) - green(ORDINARY)) < 2


def test_an_inflated_product_and_box_gain_nothing() -> None:
    true = packed(
        replace(BOARD, mass_mg=150_000), items=(Item(1, None, 100, 80, 50),), outer=Outer(OuterKind.BOX, 200, 200, 100)
    )
    as_box = replace(true, items=(Item(1, None, 200, 200, 100),))
    inflated = replace(true, items=(Item(1, None, 400, 400, 401),), outer=Outer(OuterKind.BOX, 401, 401, 401))
    assert packaging(as_box).co2e_ratio == packaging(true).co2e_ratio
    assert assess_packed(inflated, METHOD).implausible == ("packaging_mass",)
    assert parcel_packaging_score(packaging(inflated)) < parcel_packaging_score(packaging(true))


def test_the_reference_has_no_step() -> None:
    box = Outer(OuterKind.BOX, 210, 210, 105)
    before, after = (
        packaging(measured(packed(BOARD, FILM, items=(Item(1, None, 200, 200, height),), outer=box)))
        for height in (99, 101)
    )
    assert before.co2e_ratio > after.co2e_ratio
    assert before.co2e_ratio - after.co2e_ratio < before.co2e_ratio // 50


@pytest.mark.parametrize("role", ComponentRole)
@pytest.mark.parametrize("kind", OuterKind)
def test_a_thin_bag_is_one_whatever_its_role_and_its_outer_are_called(role: ComponentRole, kind: OuterKind) -> None:
    thin = replace(BAG, role=role, film_thickness_um=40)
    outer = Outer(kind, 350, 250, 40)
    sums = packaging(packed(thin, items=(Item(1, None, 200, 150, 20),), outer=outer))
    assert (sums.thin_bag_parcels, sums.co2e_ratio, sums.plastic_ratio) == (1, RATIO_MOST, RATIO_MOST)


@pytest.mark.parametrize("facts", [packed(BOARD), measured(packed(BOARD))])
def test_a_half_empty_box_called_own_box_is_as_empty(facts: PackedFacts) -> None:
    assert facts.outer is not None
    called = replace(facts, outer=replace(facts.outer, kind=OuterKind.OWN_BOX))
    assert packaging(called) == packaging(facts)


FLOWN = replace(
    LORRY, vehicle=Vehicle.AIRCRAFT_DOMESTIC, distance_m=1_138_000, distance_basis=DistanceBasis.GREAT_CIRCLE
)
VAN = replace(PICKED_UP, vehicle=Vehicle.VAN_DIESEL, round=Round(45_000, 90))


@pytest.mark.parametrize(
    ("honest", "silent"),
    [
        (replace(FAR, chain=(PICKED_UP, FLOWN, BROUGHT)), replace(FAR, chain=(PICKED_UP, BROUGHT))),
        (replace(NEAR, chain=(VAN, BROUGHT)), replace(NEAR, chain=(BROUGHT,))),
        (replace(NEAR, hubs=(Hub(20_000), Hub(20_000))), replace(NEAR, hubs=(Hub(), Hub()))),
        (replace(NEAR, hubs=(Hub(20_000), Hub(20_000))), NEAR),
        (
            replace(NEAR, chain=(PICKED_UP, replace(BROUGHT, round=Round(100_000, 20)))),
            replace(NEAR, chain=(PICKED_UP, replace(BROUGHT, round=None))),
        ),
    ],
)
def test_withholding_the_bad_part_of_a_chain_gains_nothing(honest: DeliveredFacts, silent: DeliveredFacts) -> None:
    assert delivery(silent).ratio >= delivery(honest).ratio


def test_a_lorrys_kilometres_set_to_0_gain_nothing_and_are_flagged() -> None:
    none = replace(LORRY, distance_m=0, distance_basis=DistanceBasis.ACTUAL)
    facts = replace(FAR, chain=(PICKED_UP, none, BROUGHT))
    assert assess_delivered(facts, METHOD).implausible == ("line_haul_distance",)
    assert delivery(facts).ratio == delivery(FAR).ratio
    assert delivery(facts).complete_parcels == 0


def test_a_share_of_a_full_lorry_gains_nothing() -> None:
    shared = replace(LORRY, vehicle=Vehicle.LORRY_ARTICULATED, round=Round(1_700_000, 30_000))
    alone = replace(shared, round=None)
    with_share, without = (
        delivery(replace(FAR, mass_mg=30_000_000, chain=(PICKED_UP, leg, BROUGHT))) for leg in (shared, alone)
    )
    assert with_share.ratio == without.ratio


def test_energy_of_three_times_the_rounds_parcels_makes_the_round_undeclared() -> None:
    energy = Energy(EnergyCarrier.PETROL, 600, 300)
    facts = replace(NEAR, chain=(PICKED_UP, replace(BROUGHT, round=Round(60_000, 100), energy=energy)))
    assert assess_delivered(facts, METHOD).implausible == ("energy",)
    undeclared = replace(NEAR, chain=(PICKED_UP, replace(BROUGHT, vehicle=None)))
    assert delivery(facts).ratio == delivery(undeclared).ratio


def test_a_split_order_that_the_marketplace_states_scores_no_better() -> None:
    whole = packed(
        replace(BOARD, mass_mg=260_000),
        items=(Item(1, None, 200, 200, 200),),
        outer=Outer(OuterKind.BOX, 230, 230, 230),
    )
    half = packed(
        replace(BOARD, mass_mg=163_000),
        items=(Item(1, None, 200, 200, 100),),
        outer=Outer(OuterKind.BOX, 230, 230, 125),
    )
    for facts, part in ((whole, half), (measured(whole), measured(half))):
        said = replace(part, order=Order(2, 8_000_000, StatedBy.MARKETPLACE))
        assert packaging(said).co2e_ratio >= packaging(facts).co2e_ratio
        assert packaging(replace(part, order=Order(2, 8_000_000))) == packaging(part)


def test_returns_on_foot_cost_like_returns_of_which_nothing_is_known() -> None:
    walked = ChainElement(ChainRole.FIRST_MILE, Vehicle.ON_FOOT, round=Round(1_000, 5))
    back = replace(NEAR, chain=(walked,))
    before, after = green(ORDINARY), green([*ORDINARY, *[bring_back(back)] * 20])
    assert before - after > 1
    honest = green([*ORDINARY, *[bring_back(NEAR)] * 20])
    assert after < honest < before


def test_three_percent_of_thin_bags_bar_every_level() -> None:
    good = measured(packed(Component(ComponentRole.OUTER, Material.KRAFT_PAPER, 15_000)))
    sent = carried(replace(NEAR, chain=(_electric(PICKED_UP), _electric(BROUGHT))))
    best = account(good, sent, 400)
    assert level(best) is BadgeLevel.SILVER
    thin = measured(packed(replace(BAG, film_thickness_um=40), outer=MAILER, items=(Item(1, None, 100, 80, 20),)))
    assert level([*best, *[pack(thin)] * 8]) is not BadgeLevel.NONE
    assert level([*best, *[pack(thin)] * 13]) is BadgeLevel.NONE


def _electric(element: ChainElement) -> ChainElement:
    trip = element.round
    assert trip is not None
    energy = Energy(EnergyCarrier.ELECTRICITY, trip.distance_m * 30 // 1000, trip.parcels)
    return replace(element, vehicle=Vehicle.MOTORBIKE_ELECTRIC, energy=energy)


@pytest.mark.parametrize("vehicle", [Vehicle.MOTORBIKE_PETROL, Vehicle.VAN_DIESEL])
def test_the_same_diligence_scores_the_same_in_town_and_country(vehicle: Vehicle) -> None:
    town, country = (
        parcel_delivery_score(
            delivery(
                replace(
                    NEAR,
                    destination=place,
                    origin=place,
                    chain=(PICKED_UP, replace(BROUGHT, vehicle=vehicle, round=trip)),
                )
            )
        )
        for place, trip in ((WARD, Round(44_000, 100)), (COMMUNE, Round(63_000, 60)))
    )
    assert town == country


def test_the_country_counts_only_when_somebody_else_states_it() -> None:
    trip = replace(BROUGHT, round=Round(63_000, 60))
    stated = replace(NEAR, origin=COMMUNE, destination=COMMUNE, chain=(PICKED_UP, trip))
    said = replace(stated, destination=replace(COMMUNE, stated_by=StatedBy.SELLER))
    province = replace(stated, destination=Place("VN", "01"), origin=HANOI)
    assert delivery(said).ratio == delivery(province).ratio > delivery(stated).ratio


def test_a_thin_bag_packed_at_five_in_the_morning_of_new_year_in_hanoi_is_packed_under_the_rule() -> None:
    data = ParcelPacked.model_validate_json(
        '{"parcel_id": "p", "country": "VN", "outer": {"kind": "flexible_mailer", "length_mm": 350, "width_mm": 250},'
        ' "components": [{"role": "outer", "material": "ldpe_film", "mass_g": 14, "film_thickness_um": 40}]}'
    )
    new_year = datetime(2025, 12, 31, 22, 0, tzinfo=UTC)
    assert packaging(data.to_facts(new_year)).thin_bag_parcels == 1
    assert packaging(data.to_facts(new_year - timedelta(hours=6))).thin_bag_parcels == 0
