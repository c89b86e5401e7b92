"""Properties of accounts, suppositions and advice, and of the levers that the single parcels' properties leave out."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import partial
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.methodology.generated import components, deliveries, parcels

from greenlane.factors.loading import load_method
from greenlane.methodology.explaining.account_explanation import contributions_of
from greenlane.methodology.explaining.advice import suggest
from greenlane.methodology.explaining.changes import LEVERS, Change
from greenlane.methodology.explaining.effects import effects_of
from greenlane.methodology.explaining.suppositions import certified, suppose, suppose_everything
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    PackedFacts,
    Place,
    ReusableAsset,
    Round,
)
from greenlane.methodology.seller.account import Declaration, assess, assess_all, co2e_mg, totals_of
from greenlane.methodology.seller.arithmetic import arithmetic_of
from greenlane.methodology.seller.score import green_points, parcel_delivery_score, parcel_packaging_score, score
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    DefaultUsed,
    Dimension,
    EnergyCarrier,
    Material,
    StatedBy,
    Vehicle,
)

METHOD = load_method()
HANOI = Place("VN", "01")
declarations = st.one_of(
    st.builds(Declaration, st.just("P"), st.just(Dimension.PACKAGING), parcels),
    st.builds(Declaration, st.just("P"), st.sampled_from([Dimension.DELIVERY, Dimension.RETURN]), deliveries),
)
accounts = st.lists(declarations, max_size=5)


def added(parts: Sequence[Totals]) -> Totals:
    return Totals(
        PackagingSums(*map(sum, zip(*(part.packaging for part in parts), strict=True))),
        DeliverySums(*map(sum, zip(*(part.delivery for part in parts), strict=True))),
        ReturnSums(*map(sum, zip(*(part.returns for part in parts), strict=True))),
    )


def packaging(facts: PackedFacts) -> PackagingSums:
    sums = assess(Declaration("P", Dimension.PACKAGING, facts), METHOD).sums
    assert isinstance(sums, PackagingSums)
    return sums


def delivery(*chain: ChainElement) -> DeliverySums:
    facts = DeliveredFacts(date(2026, 3, 1), 500_000, HANOI, HANOI, 1, chain)
    sums = assess(Declaration("P", Dimension.DELIVERY, facts), METHOD).sums
    assert isinstance(sums, DeliverySums)
    return sums


@given(accounts, st.randoms(use_true_random=False), st.integers(0, 5))
def test_the_sums_of_an_account_do_not_depend_on_order_or_grouping(
    account: list[Declaration], random: Random, cut: int
) -> None:
    whole = totals_of(assess_all(account, METHOD))
    shuffled = random.sample(account, len(account))
    left, right = (totals_of(assess_all(part, METHOD)) for part in (shuffled[:cut], shuffled[cut:]))
    assert totals_of(assess_all(shuffled, METHOD)) == whole
    assert added([left, right]) == whole._replace(active_days=0)
    assert score(added([left, right])) == score(whole)


@given(accounts, st.integers(1, 40))
def test_a_seller_of_any_parcels_scores_as_often_as_they_come_as_one_big_parcel(
    account: list[Declaration], times: int
) -> None:
    whole = totals_of(assess_all(account, METHOD))
    assert score(totals_of(assess_all(account * times, METHOD)), 0) == score(added([whole] * times), 0)
    assert score(added([whole] * times), 0).green == score(whole, 0).green


@given(accounts)
def test_contributions_add_up_to_the_co2e_of_the_account(account: list[Declaration]) -> None:
    judged = assess_all(account, METHOD)
    totals = totals_of(judged)
    by_dimension: Counter[Dimension] = Counter()
    for row in contributions_of(judged, METHOD):
        assert type(row.co2e_mg) is int
        by_dimension[row.dimension] += row.co2e_mg
    assert by_dimension[Dimension.PACKAGING] == totals.packaging.packaging_co2e_mg
    assert by_dimension[Dimension.DELIVERY] == totals.delivery.delivery_co2e_mg
    assert by_dimension[Dimension.RETURN] == totals.returns.return_co2e_mg


@given(accounts, st.integers(0, 60))
def test_the_arithmetic_shown_is_bounded_and_comes_to_the_score(account: list[Declaration], prior: int) -> None:
    totals = totals_of(assess_all(account, METHOD))
    shown, scores = arithmetic_of(totals, prior), score(totals, prior)
    assert (shown.score, shown.grade) == (scores.green, scores.grade)
    assert all(0 <= line.points <= 100 and 0 <= line.weight <= 1 for line in shown.lines)
    assert 0 <= shown.green <= 100


@given(declarations, st.sampled_from(DefaultUsed))
def test_a_supposition_is_a_declaration_that_can_be_assessed(declaration: Declaration, default: DefaultUsed) -> None:
    supposed = suppose(default, declaration, METHOD)
    assert supposed != declaration
    if supposed is not None:
        assert (supposed.parcel_id, supposed.dimension) == (declaration.parcel_id, declaration.dimension)
        assert all(type(value) is int and value >= 0 for value in assess(supposed, METHOD).sums)
    everything = suppose_everything(declaration, METHOD) or declaration
    assert all(type(value) is int and value >= 0 for value in assess(everything, METHOD).sums)


@given(accounts)
def test_effects_are_named_for_exactly_the_defaults_that_were_used(account: list[Declaration]) -> None:
    judged = assess_all(account, METHOD)
    effects = effects_of(judged, METHOD, partial(green_points, prior_parcels=40))
    used = Counter(code for row in judged for code in row.assessed.defaults)
    assert {effect.default: effect.used for effect in effects} == used
    assert all(-100 <= effect.points <= 100 for effect in effects)


@given(accounts)
def test_advice_is_the_best_changes_and_each_is_what_scoring_again_says(account: list[Declaration]) -> None:
    before = totals_of(assess_all(account, METHOD))
    everything = suggest(account, METHOD, most=len(Change))
    assert list(everything) == sorted(everything, key=lambda one: -one.points)
    assert suggest(account, METHOD) == everything[:3]
    for one in everything:
        after = totals_of(assess_all([LEVERS[one.change].apply(item, METHOD) or item for item in account], METHOD))
        assert one.points == green_points(after) - green_points(before) > 0
        assert one.co2e_saved_mg == co2e_mg(before) - co2e_mg(after)
        assert one.green == score(after).green


@given(declarations, st.sampled_from(Change))
def test_a_change_that_applies_changes_the_facts_and_only_them(declaration: Declaration, change: Change) -> None:
    changed = LEVERS[change].apply(declaration, METHOD)
    if changed is not None:
        assert changed != declaration
        assert (changed.parcel_id, changed.dimension) == (declaration.parcel_id, declaration.dimension)
        assert changed.facts.day == declaration.facts.day
        assert all(type(value) is int and value >= 0 for value in assess(changed, METHOD).sums)


plain_parts = st.lists(
    components.map(lambda part: replace(part, recycled_permille=0, reusable=None)), min_size=1, max_size=4
)
plastics = st.sampled_from([material for material in Material if METHOD.materials[material].plastic])


@given(parcels, plain_parts, plastics)
def test_board_instead_of_as_much_plastic_never_lowers_a_score(
    facts: PackedFacts, parts: list[Component], plastic: Material
) -> None:
    first, *others = parts
    board, film = (
        replace(facts, components=(replace(first, material=material), *others))
        for material in (Material.CORRUGATED_BOARD, plastic)
    )
    if packaging(board).complete_parcels:
        assert parcel_packaging_score(packaging(board)) >= parcel_packaging_score(packaging(film))


@given(parcels, plain_parts, st.integers(0, 1000), st.integers(0, 1000))
def test_more_certified_recycled_content_never_lowers_a_score(
    facts: PackedFacts, parts: list[Component], one: int, other: int
) -> None:
    first, *others = parts
    less, more = (
        replace(
            facts,
            components=(certified(replace(first, recycled_permille=share), date.max), *others),
        )
        for share in sorted((one, other))
    )
    assert parcel_packaging_score(packaging(more)) >= parcel_packaging_score(packaging(less))


@given(parcels, plain_parts, st.integers(1, 20), st.integers(1, 20))
def test_more_verified_trips_never_lower_a_score(
    facts: PackedFacts, parts: list[Component], one: int, other: int
) -> None:
    first, *others = parts
    fewer, more = (
        replace(
            facts, components=(replace(first, reusable=ReusableAsset("a", trips), stated_by=StatedBy.VERIFIER), *others)
        )
        for trips in sorted((one, other))
    )
    assert parcel_packaging_score(packaging(more)) >= parcel_packaging_score(packaging(fewer))


@given(parcels, plain_parts, components)
def test_leaving_filler_out_never_lowers_a_score_without_circular_mass(
    facts: PackedFacts, parts: list[Component], filler: Component
) -> None:
    extra = replace(filler, role=ComponentRole.FILLER, recycled_permille=0, reusable=None)
    without = replace(facts, components=tuple(parts))
    filled = replace(facts, components=(*parts, extra))
    if packaging(without).complete_parcels:
        assert parcel_packaging_score(packaging(without)) >= parcel_packaging_score(packaging(filled))


@given(st.integers(9_000, 150_000), st.integers(0, 44), st.integers(0, 44), st.integers(1, 100))
def test_less_measured_energy_never_lowers_a_score(metres: int, one: int, other: int, count: int) -> None:
    saving, wasting = (
        delivery(
            ChainElement(
                ChainRole.LAST_MILE,
                Vehicle.MOTORBIKE_ELECTRIC,
                energy=Energy(EnergyCarrier.ELECTRICITY, -(-(15 + per_km) * metres // 1000), count),
                round=Round(metres, count),
            )
        )
        for per_km in sorted((one, other))
    )
    assert parcel_delivery_score(saving) >= parcel_delivery_score(wasting)
