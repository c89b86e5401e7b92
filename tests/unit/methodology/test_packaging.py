"""One packed parcel: CO2e, plastic, circular mass, empty space, legal rules, and what undeclared facts cost."""

from datetime import date

import pytest
from msgspec.structs import replace

from greenlane.factors.loading import load_method
from greenlane.methodology.assessment import Assessed
from greenlane.methodology.facts import Component, Item, Order, Outer, PackedFacts, ReusableAsset
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.seller.score import parcel_packaging_score
from greenlane.methodology.sums import PackagingSums
from greenlane.methodology.vocabulary import ComponentRole, DataCategory, Material, OuterKind

METHOD = load_method()
DAY = date(2026, 3, 1)
BOARD = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000)
FILM = Component(ComponentRole.CUSHIONING, Material.PLASTIC_FILM, 79_000)
BOX = Outer(OuterKind.BOX, 300, 200, 100)
MAILER = Outer(OuterKind.FLEXIBLE_MAILER, 400, 300)
THREE_LITRES = Item(1, 500_000, 200, 150, 100)
BAG = Component(ComponentRole.OUTER, Material.LDPE_FILM, 10_000, film_thickness_um=40)


def packed(
    *components: Component, items: tuple[Item, ...] = (THREE_LITRES,), outer: Outer | None = BOX, day: date = DAY
) -> PackedFacts:
    return PackedFacts(day, "VN", items, outer, components or None)


def sums_of(facts: PackedFacts) -> PackagingSums:
    return _sums(assess_packed(facts, METHOD))


def _sums(assessed: Assessed) -> PackagingSums:
    assert isinstance(assessed.sums, PackagingSums)
    return assessed.sums


def test_the_average_vietnamese_parcel_is_335_g_and_exactly_its_own_reference() -> None:
    assessed = assess_packed(packed(BOARD, FILM), METHOD)
    sums = _sums(assessed)
    assert sums.packaging_co2e_mg == 334_780
    assert round(sums.packaging_co2e_mg / 1000) == 335
    assert sums.packaging_co2e_mg == sums.reference_packaging_co2e_mg
    assert sums.plastic_mass_mg == sums.reference_plastic_mg == 79_000
    assert sums.primary_packaging_co2e_mg == 334_780
    assert assessed.data_category is DataCategory.PRIMARY
    assert assessed.defaults == assessed.implausible == ()


def test_the_parts_of_a_split_order_share_its_reference_by_volume() -> None:
    order = Order(2, 8_000_000)
    alone, part = sums_of(packed(BOARD)), sums_of(replace(packed(BOARD), order=order))
    assert alone.reference_packaging_co2e_mg == 334_780
    assert part.reference_packaging_co2e_mg == 531_430 * 3 // 8 == 199_286
    assert part.reference_plastic_mg == 125_405 * 3 // 8
    assert sums_of(replace(packed(BOARD), order=Order(1, 8_000_000))) == alone


def test_a_small_part_of_a_large_order_has_no_more_than_its_own_reference() -> None:
    assert sums_of(replace(packed(BOARD), order=Order(2, 4_001_000))).reference_packaging_co2e_mg == 334_780


@pytest.mark.parametrize(
    ("order", "items", "implausible"),
    [
        (Order(2), (THREE_LITRES,), ()),
        (Order(2, 8_000_000), (), ()),
        (Order(2, 2_999_999), (THREE_LITRES,), ("order_volume",)),
    ],
)
def test_without_both_volumes_a_split_order_shares_the_smallest_reference_equally(
    order: Order, items: tuple[Item, ...], implausible: tuple[str, ...]
) -> None:
    assessed = assess_packed(replace(packed(BOARD, items=items), order=order), METHOD)
    assert _sums(assessed).reference_packaging_co2e_mg == 83_695 // 2
    assert "order_shared_equally" in assessed.defaults
    assert assessed.implausible == implausible


def test_empty_space_is_the_part_of_the_box_without_product() -> None:
    sums = sums_of(packed(BOARD))
    assert (sums.outer_volume_mm3, sums.empty_volume_mm3) == (6_000_000, 3_000_000)
    assert (sums.empty_space_parcels, sums.empty_space_score_milli) == (1, 20_000)


@pytest.mark.parametrize(
    ("height", "score"), [(100, 20_000), (50, 100_000), (55, 100_000), (126, 0), (125, 0), (80, 70_000 - 25_000)]
)
def test_the_empty_space_score_runs_from_0_at_sixty_percent_to_100_at_ten(height: int, score: int) -> None:
    assert sums_of(packed(BOARD, outer=replace(BOX, height_mm=height))).empty_space_score_milli == score


@pytest.mark.parametrize("kind", [OuterKind.FLEXIBLE_MAILER, OuterKind.OWN_BOX])
def test_empty_space_does_not_apply_to_a_mailer_or_the_products_own_box(kind: OuterKind) -> None:
    sums = sums_of(packed(BOARD, outer=replace(BOX, kind=kind)))
    assert (sums.empty_space_parcels, sums.empty_space_score_milli, sums.outer_volume_mm3) == (0, 0, 0)


@pytest.mark.parametrize(
    ("items", "outer"),
    [
        ((), BOX),
        ((replace(THREE_LITRES, height_mm=None),), BOX),
        ((THREE_LITRES,), None),
        ((THREE_LITRES,), replace(BOX, width_mm=None)),
    ],
)
def test_an_unknown_or_unverifiable_volume_takes_the_smallest_reference(
    items: tuple[Item, ...], outer: Outer | None
) -> None:
    assessed = assess_packed(packed(BOARD, items=items, outer=outer), METHOD)
    assert _sums(assessed).reference_packaging_co2e_mg == 83_695
    assert _sums(assessed).empty_space_score_milli == 0
    assert assessed.defaults == ("product_volume_undeclared", "empty_space_undeclared")


def test_items_larger_than_the_box_count_as_undeclared() -> None:
    assessed = assess_packed(packed(BOARD, items=(replace(THREE_LITRES, quantity=3),)), METHOD)
    assert assessed.implausible == ("items_volume",)
    assert _sums(assessed).reference_packaging_co2e_mg == 83_695


@pytest.mark.parametrize(
    ("litres", "reference"), [(0.5, 83_695), (1, 132_858), (2, 210_898), (4, 334_780), (32, 1_339_120), (65, 3_374_371)]
)
def test_the_reference_grows_with_the_surface_of_the_product(litres: float, reference: int) -> None:
    item = Item(1, None, 1000, 100, round(litres * 10))
    assert (
        sums_of(packed(BOARD, items=(item,), outer=Outer(OuterKind.BOX, 1000, 1000, 1000))).reference_packaging_co2e_mg
        == reference
    )


def test_certified_recycled_content_moves_the_factor_towards_the_recycled_one() -> None:
    half = replace(BOARD, recycled_permille=500, certificate_valid_until=DAY)
    sums = sums_of(packed(half))
    assert sums.packaging_co2e_mg == round(87_000 * (1.19972542 + 1.09811442) / 2)
    assert sums.circular_mass_mg == 43_500


@pytest.mark.parametrize("until", [None, date(2026, 2, 28)])
def test_recycled_content_without_a_certificate_valid_on_the_day_counts_as_none(until: date | None) -> None:
    claimed = replace(BOARD, recycled_permille=500, certificate_valid_until=until)
    assessed = assess_packed(packed(claimed), METHOD)
    assert _sums(assessed) == sums_of(packed(BOARD))
    assert assessed.defaults == ("recycled_uncertified",)


def test_a_verified_reusable_asset_is_divided_by_its_trips() -> None:
    crate = Component(ComponentRole.OUTER, Material.PP, 500_000, reusable=ReusableAsset("crate-1", 50))
    sums = sums_of(packed(crate))
    assert sums.packaging_co2e_mg == round(500_000 * 2.57757172 / 50)
    assert sums.plastic_mass_mg == 10_000
    assert (sums.packaging_mass_mg, sums.circular_mass_mg) == (500_000, 490_000)


@pytest.mark.parametrize(
    ("trips", "defaults", "implausible"),
    [(None, ("trips_unverified",), ()), (1, (), ()), (1001, (), ("verified_trips",))],
)
def test_a_reusable_asset_without_plausible_verified_trips_counts_as_used_once(
    trips: int | None, defaults: tuple[str, ...], implausible: tuple[str, ...]
) -> None:
    crate = Component(ComponentRole.OUTER, Material.PP, 500_000)
    assessed = assess_packed(packed(replace(crate, reusable=ReusableAsset("crate-1", trips))), METHOD)
    assert _sums(assessed) == sums_of(packed(crate))
    assert (assessed.defaults, assessed.implausible) == (defaults, implausible)


def test_circular_mass_never_exceeds_the_mass() -> None:
    crate = Component(ComponentRole.OUTER, Material.PP, 500_000, None, 1000, DAY, ReusableAsset("crate-1", 50))
    assert sums_of(packed(crate)).circular_mass_mg == 500_000


def test_undeclared_packaging_is_twice_the_reference_and_default_data() -> None:
    assessed = assess_packed(packed(), METHOD)
    sums = _sums(assessed)
    assert (sums.packaging_co2e_mg, sums.plastic_mass_mg, sums.packaging_mass_mg) == (669_560, 158_000, 332_000)
    assert (sums.undeclared_parcels, sums.primary_packaging_co2e_mg, sums.circular_mass_mg) == (1, 0, 0)
    assert assessed.data_category is DataCategory.DEFAULT
    assert assessed.defaults == ("packaging_undeclared",)


@pytest.mark.parametrize(
    ("part", "code"),
    [(replace(FILM, mass_mg=None), "mass_undeclared"), (replace(FILM, material=None), "material_undeclared")],
)
def test_a_component_without_mass_or_material_makes_the_parcel_undeclared_at_least(part: Component, code: str) -> None:
    assessed = assess_packed(packed(BOARD, part), METHOD)
    assert _sums(assessed).packaging_co2e_mg == 669_560
    assert _sums(assessed).undeclared_parcels == 1
    assert assessed.defaults == (code,)
    heavy = replace(BOARD, mass_mg=5_000_000)
    assert sums_of(packed(heavy, part)).packaging_co2e_mg == sums_of(packed(heavy)).packaging_co2e_mg


def test_an_unknown_plastic_counts_as_the_worst_plastic_and_is_no_primary_data() -> None:
    assessed = assess_packed(packed(BOARD, replace(FILM, material=Material.UNKNOWN_PLASTIC)), METHOD)
    assert _sums(assessed).packaging_co2e_mg == 104_376 + round(79_000 * 4.37680391)
    assert _sums(assessed).primary_packaging_co2e_mg == 104_376
    assert assessed.data_category is DataCategory.MODELLED
    assert assessed.defaults == ("material_unknown",)


@pytest.mark.parametrize(
    ("bag", "outer", "day", "country", "non_compliant"),
    [
        (BAG, MAILER, DAY, "VN", 1),
        (BAG, MAILER, date(2025, 12, 31), "VN", 0),
        (BAG, MAILER, date(2026, 1, 1), "VN", 1),
        (BAG, MAILER, DAY, "BR", 0),
        (replace(BAG, film_thickness_um=50), MAILER, DAY, "VN", 0),
        (replace(BAG, film_thickness_um=None), MAILER, DAY, "VN", 1),
        (replace(BAG, film_thickness_um=4_000), MAILER, DAY, "VN", 1),
        (replace(BAG, material=Material.KRAFT_PAPER), MAILER, DAY, "VN", 0),
        (replace(BAG, role=ComponentRole.INNER), MAILER, DAY, "VN", 0),
        (BAG, BOX, DAY, "VN", 0),
        (BAG, None, DAY, "VN", 1),
        (BAG, replace(MAILER, length_mm=500, width_mm=500), DAY, "VN", 0),
        (BAG, replace(MAILER, length_mm=600, width_mm=499), DAY, "VN", 1),
        (BAG, replace(MAILER, length_mm=600, width_mm=None), DAY, "VN", 1),
    ],
)
def test_a_thin_small_plastic_bag_breaks_the_rule_from_2026_in_vietnam(
    bag: Component, outer: Outer | None, day: date, country: str, non_compliant: int
) -> None:
    facts = replace(packed(bag, outer=outer, day=day), country=country)
    assert sums_of(facts).non_compliant_parcels == non_compliant


def test_a_non_compliant_parcel_scores_at_most_40() -> None:
    light = replace(BAG, mass_mg=1_000)
    assert parcel_packaging_score(sums_of(packed(light, outer=MAILER))) == 40
    assert parcel_packaging_score(sums_of(packed(replace(light, film_thickness_um=60), outer=MAILER))) > 80


def test_every_factor_used_is_listed_once() -> None:
    assessed = assess_packed(packed(BOARD, BOARD, FILM), METHOD)
    assert assessed.factor_ids == ("pk.board.primary", "pk.film.primary")
