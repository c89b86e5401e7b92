"""Rounding, order of parts and rules, and the places and energies that decide a figure."""

import dataclasses
from datetime import date, timedelta
from fractions import Fraction

import pytest
from msgspec.structs import replace

from greenlane.factors.loading import load_method
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Item,
    Outer,
    PackedFacts,
    Place,
    Round,
)
from greenlane.methodology.parcel.delivery import assess_delivered
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.seller.score import primary_share, s_curve
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    DefaultUsed,
    DistanceBasis,
    EnergyCarrier,
    ImplausibleFact,
    Material,
    OuterKind,
    RoundDensity,
    Vehicle,
)

METHOD = load_method()
DAY = date(2026, 3, 1)
HANOI, HCMC = Place("VN", "01"), Place("VN", "79")
BOARD = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000)
LAST_MILE = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(60_000, 100))
MAILER = Outer(OuterKind.FLEXIBLE_MAILER, 40, 30)
BAG = Component(ComponentRole.OUTER, Material.LDPE_FILM, 9_000, 30)


def sums_of(*chain: ChainElement, to: Place = HANOI, origin: Place = HANOI, mass_mg: int = 500_000) -> DeliverySums:
    sums = assess_delivered(DeliveredFacts(DAY, mass_mg, origin, to, 1, chain), METHOD).sums
    assert isinstance(sums, DeliverySums)
    return sums


def packed(facts: PackedFacts) -> PackagingSums:
    sums = assess_packed(facts, METHOD).sums
    assert isinstance(sums, PackagingSums)
    return sums


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(1, 2, 0), (3, 2, 2), (5, 2, 2), (7, 2, 4), (9, 2, 4), (-1, 2, 0), (-3, 2, -2), (4, 3, 1), (5, 3, 2), (6, 3, 2)],
)
def test_halves_are_rounded_to_the_even_neighbour(numerator: int, denominator: int, rounded: int) -> None:
    assert divide_half_even(numerator, denominator) == rounded == round(Fraction(numerator, denominator))


def test_the_curve_is_not_yet_at_its_ends_just_inside_them() -> None:
    assert 98 < s_curve(Fraction(26, 100)) < 100
    assert 0 < s_curve(Fraction(399, 100)) < 1
    assert s_curve(Fraction(24, 100)) == 100


def test_primary_returns_count_towards_the_primary_share() -> None:
    returned = Totals(
        returns=ReturnSums(1, 1_000, 250), delivery=DeliverySums(1, 1_000, 1, primary_delivery_co2e_mg=500)
    )
    assert primary_share(returned) == 375


def test_several_first_miles_and_several_modelled_legs_all_count() -> None:
    first = ChainElement(ChainRole.FIRST_MILE, Vehicle.MOTORBIKE_PETROL, density=RoundDensity.USUAL)
    once, twice = (sums_of(*[first] * times, LAST_MILE) for times in (1, 2))
    assert twice.delivery_co2e_mg - once.delivery_co2e_mg == once.delivery_co2e_mg - once.last_mile_co2e_mg == 63_928
    assert (once.modelled_delivery_co2e_mg, twice.modelled_delivery_co2e_mg) == (63_928, 127_856)


def test_a_delivery_with_only_a_first_mile_still_has_a_last_one() -> None:
    first = ChainElement(ChainRole.FIRST_MILE, Vehicle.MOTORBIKE_PETROL, density=RoundDensity.USUAL)
    facts = DeliveredFacts(DAY, 500_000, HANOI, HANOI, 1, (first,))
    assert DefaultUsed.LAST_MILE_UNDECLARED in assess_delivered(facts, METHOD).defaults


def test_electricity_is_that_of_the_destination_in_the_last_mile_and_of_the_origin_in_the_first() -> None:
    van = ChainElement(ChainRole.LAST_MILE, Vehicle.VAN_ELECTRIC, round=Round(60_000, 100))
    abroad = Place("GB", "nowhere")
    for role, place in ((ChainRole.LAST_MILE, "to"), (ChainRole.FIRST_MILE, "origin")):
        chain = (replace(van, role=role), replace(LAST_MILE))
        here = sums_of(*chain)
        there = sums_of(*chain, **{place: abroad})  # type: ignore[arg-type]  # one of two keywords, both of a Place
        other = sums_of(*chain, **{"origin" if place == "to" else "to": abroad})  # type: ignore[arg-type]  # as above
        rounds = [one.delivery_co2e_mg - one.line_haul_co2e_mg for one in (here, there, other)]
        assert rounds[0] == rounds[2] != rounds[1]


def test_energy_counts_up_to_the_bounds_of_its_round() -> None:
    for parcels, metres in ((1, 500), (300, 15_000)):
        electric = ChainElement(
            ChainRole.LAST_MILE,
            Vehicle.MOTORBIKE_ELECTRIC,
            energy=Energy(EnergyCarrier.ELECTRICITY, 30 * metres // 1000, parcels),
            round=Round(metres, parcels),
        )
        facts = DeliveredFacts(DAY, 500_000, HANOI, HANOI, 1, (electric,))
        assert assess_delivered(facts, METHOD).implausible == ()
        crowded = replace(electric, energy=Energy(EnergyCarrier.ELECTRICITY, 30 * metres // 1000, parcels + 300))
        assert assess_delivered(replace(facts, chain=(crowded,)), METHOD).implausible == (ImplausibleFact.ENERGY,)


def test_a_part_of_which_something_is_missing_does_not_hide_the_parts_after_it() -> None:
    heavy = replace(BOARD, mass_mg=5_000_000)
    whole = packed(PackedFacts(DAY, "VN", components=(heavy,)))
    for lacking in (replace(BOARD, mass_mg=None), replace(BOARD, material=None)):
        sums = packed(PackedFacts(DAY, "VN", components=(lacking, heavy)))
        assert sums.packaging_co2e_mg == whole.packaging_co2e_mg
        assert sums.undeclared_parcels == 1


def test_every_rule_is_asked_whichever_rules_before_it_do_not_apply() -> None:
    rule = METHOD.thin_bag_rules[0]
    elsewhere = dataclasses.replace(rule, country="BR")
    over = dataclasses.replace(rule, valid_from=date(2020, 1, 1), valid_to=DAY - timedelta(days=1))
    not_yet = dataclasses.replace(rule, valid_from=DAY + timedelta(days=1))
    bag = PackedFacts(DAY, "VN", outer=MAILER, components=(BAG,))
    for before in (elsewhere, over, not_yet):
        alone, both = (dataclasses.replace(METHOD, thin_bag_rules=rules) for rules in ((before,), (before, rule)))
        assert assess_packed(bag, alone).sums[-1] == 0
        assert assess_packed(bag, both).sums[-1] == 1
    last_day = dataclasses.replace(METHOD, thin_bag_rules=(dataclasses.replace(rule, valid_to=DAY),))
    assert assess_packed(bag, last_day).sums[-1] == 1


@pytest.mark.parametrize(("height", "fits"), [(15, True), (16, False)])
def test_a_mailer_holds_its_sides_times_half_the_shorter(height: int, *, fits: bool) -> None:
    facts = PackedFacts(DAY, "VN", (Item(1, None, 40, 30, height),), MAILER, (BOARD,))
    assessed = assess_packed(facts, METHOD)
    assert (ImplausibleFact.ITEMS_VOLUME in assessed.implausible) is not fits
    assert packed(facts).empty_volume_mm3 == packed(facts).outer_volume_mm3 == 0


def test_an_exactly_filled_box_is_plausible_and_an_unmeasured_one_has_no_volume() -> None:
    full = PackedFacts(DAY, "VN", (Item(1, None, 9, 8, 7),), Outer(OuterKind.BOX, 9, 8, 7), (BOARD,))
    assert assess_packed(full, METHOD).implausible == ()
    assert packed(full).empty_space_score_milli == 100_000
    speck = replace(full, outer=Outer(OuterKind.BOX, 1, 1, 1))
    assert assess_packed(speck, METHOD).implausible == (ImplausibleFact.ITEMS_VOLUME,)
    for outer in (Outer(OuterKind.BOX, 9, 8), Outer(OuterKind.BOX, 9, None, 7), None):
        assessed = assess_packed(replace(full, outer=outer), METHOD)
        assert assessed.implausible == ()
        assert packed(replace(full, outer=outer)).outer_volume_mm3 == 0


def test_two_line_haul_legs_may_together_fall_just_short_of_the_great_circle() -> None:
    circle = 1_138_806
    for short, trusted in ((100_000, True), (100_001, False)):
        half = ChainElement(ChainRole.LINE_HAUL, Vehicle.TRAIN, (circle - short) // 2, DistanceBasis.ACTUAL)
        rest = replace(half, distance_m=circle - short - (circle - short) // 2)
        facts = DeliveredFacts(DAY, 500_000, HANOI, HCMC, 1, (half, rest, LAST_MILE))
        assert (ImplausibleFact.LINE_HAUL_DISTANCE not in assess_delivered(facts, METHOD).implausible) is trusted


def test_a_heavy_parcels_reference_lorry_is_exact_to_the_milligram() -> None:
    sums = sums_of(LAST_MILE, to=HCMC, mass_mg=100_000_000)
    by_round = divide_half_even(60_000 * 10_654_653 * 100_000_000, 100_000 * 100 * 3_000_000)
    assert sums.reference_delivery_co2e_mg == by_round + round(
        Fraction(100_000_000 * 1_366_567 * 12_715, 10**5 * 10**6)
    )
