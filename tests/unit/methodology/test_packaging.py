"""One packed parcel: CO2e, plastic, circular mass, empty space, cover, thin bags, and what undeclared facts cost."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from tests.unit.methodology.honest import (
    AVERAGE,
    BAG,
    BOARD,
    BOX,
    DAY,
    FILM,
    MAILER,
    METHOD,
    THREE_LITRES,
    measured,
    packaging,
    packed,
)

from greenlane.methodology.assessment import Notes
from greenlane.methodology.facts import Component, Item, Order, Outer, PackedFacts, ReusableAsset
from greenlane.methodology.parcel.cover import covers_mm2
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.parcel.reference_packaging import packaging_reference
from greenlane.methodology.parcel.space import capacity_mm3, surface_mm2
from greenlane.methodology.rounding import surface_scale
from greenlane.methodology.seller.score import parcel_packaging_score
from greenlane.methodology.sums import MILLION, RATIO_MOST
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ComponentRole,
    DataCategory,
    Material,
    OuterKind,
    StatedBy,
)

LEAST_CO2E, LEAST_PLASTIC, LEAST_MASS = METHOD.packaging.least
PAPER = Component(ComponentRole.OUTER, Material.KRAFT_PAPER, 20_000)


def test_the_average_vietnamese_parcel_is_335_g_and_exactly_its_own_reference_when_others_measure_it() -> None:
    assessed = assess_packed(measured(AVERAGE), METHOD)
    sums = packaging(measured(AVERAGE))
    assert sums.packaging_co2e_mg == sums.measured_co2e_mg == 334_780
    assert (sums.co2e_ratio, sums.plastic_ratio) == (MILLION, MILLION)
    assert (sums.measured_co2e_ratio, sums.measured_plastic_ratio) == (MILLION, MILLION)
    assert (sums.complete_parcels, sums.measured_parcels, sums.thin_bag_parcels) == (1, 1, 0)
    assert assessed.data_category is DataCategory.MEASURED
    assert assessed.defaults == assessed.implausible == ()
    assert parcel_packaging_score(sums) == 38


def test_the_same_parcel_by_the_sellers_word_alone_is_compared_with_a_small_one() -> None:
    assessed, sums = assess_packed(AVERAGE, METHOD), packaging(AVERAGE)
    assert sums.declared_co2e_mg == 334_780
    assert (sums.co2e_ratio, sums.plastic_ratio) == (RATIO_MOST, RATIO_MOST)
    assert (sums.complete_parcels, sums.measured_parcels, sums.measured_co2e_ratio) == (1, 0, 0)
    assert assessed.data_category is DataCategory.DECLARED
    assert assessed.defaults == ("product_volume_undeclared", "empty_space_undeclared")


def test_a_ratio_is_a_figure_over_the_smallest_reference_in_millionths() -> None:
    sums = packaging(packed(PAPER))
    assert sums.packaging_co2e_mg == 26_902
    assert sums.co2e_ratio == round(26_902 * MILLION / LEAST_CO2E)
    assert sums.plastic_ratio == 0
    light = packaging(packed(PAPER, replace(FILM, mass_mg=5_000)))
    assert light.plastic_ratio == round(5_000 * MILLION / LEAST_PLASTIC)


def test_the_smallest_reference_is_that_of_the_fifth_percentile_of_products() -> None:
    scale = surface_scale(832_000, 3_000_000)
    assert tuple(round(figure * scale / MILLION) for figure in (334_780, 79_000, 166_000)) == (
        LEAST_CO2E,
        LEAST_PLASTIC,
        LEAST_MASS,
    )
    assert abs(scale / MILLION - (0.832 / 3) ** (2 / 3)) < 1e-6


@pytest.mark.parametrize(
    ("volume", "base", "scale"), [(8, 1, 4_000_000), (1, 8, 250_000), (3, 3, MILLION), (27, 8, 2_250_000)]
)
def test_packaging_grows_with_the_surface(volume: int, base: int, scale: int) -> None:
    assert surface_scale(volume, base) == scale


def test_a_scale_exactly_between_two_integers_is_the_even_one() -> None:
    # (volume / base)^(2/3) = (2n + 1) / 2,000,000 exactly, for volume = (2n + 1)^3 and base = 2,000,000^3 squared roots
    for odd in (2_000_001, 2_000_003):
        volume, base = odd**3, 2_000_000**3
        assert surface_scale(volume, base) == round((odd / 2_000_000) ** 2 * MILLION)


def test_a_volume_below_the_smallest_has_the_smallest_reference_whoever_states_it() -> None:
    tiny = packed(PAPER, items=(Item(1, None, 90, 80, 50),))
    assert packaging(measured(tiny)).co2e_ratio == packaging(tiny).co2e_ratio


@pytest.mark.parametrize("silent", ["items", "outer"])
def test_a_volume_counts_only_if_others_state_items_and_outer(silent: str) -> None:
    facts = measured(AVERAGE)
    assert facts.outer is not None
    seller = StatedBy.SELLER
    less = (
        replace(facts, items=tuple(replace(item, stated_by=seller) for item in facts.items))
        if silent == "items"
        else replace(facts, outer=replace(facts.outer, stated_by=seller))
    )
    sums = packaging(less)
    assert (sums.co2e_ratio, sums.empty_space_milli) == (RATIO_MOST, 0)
    assert sums.measured_parcels == (silent == "items")
    assert sums.outer_volume_mm3 == 6_000_000


@pytest.mark.parametrize(
    ("mass_mg", "counts"), [(8_999, False), (9_000, True), (24_000_000, True), (24_000_001, False)]
)
def test_goods_of_an_impossible_density_have_no_volume(mass_mg: int, *, counts: bool) -> None:
    facts = measured(packed(BOARD, FILM, items=(replace(THREE_LITRES, mass_mg=mass_mg),)))
    assessed = assess_packed(facts, METHOD)
    assert (assessed.implausible == ()) is counts
    assert (packaging(facts).co2e_ratio == MILLION) is counts
    if not counts:
        assert assessed.implausible == ("goods_density",)


def test_a_split_order_shares_its_reference_by_volume() -> None:
    facts = measured(packed(PAPER))
    order = Order(2, 8_000_000, StatedBy.MARKETPLACE)
    whole = round(334_780 * surface_scale(8_000_000, 3_000_000) / MILLION)
    sums = packaging(replace(facts, order=order))
    assert sums.co2e_ratio == round(sums.packaging_co2e_mg * MILLION / (whole * 3 // 8))
    assert packaging(replace(facts, order=replace(order, parcels=1))) == packaging(facts)
    assert packaging(replace(facts, order=replace(order, stated_by=StatedBy.SELLER))) == packaging(facts)
    small = packaging(replace(facts, order=replace(order, product_mm3=3_000_001)))
    assert small.co2e_ratio == packaging(facts).co2e_ratio


@pytest.mark.parametrize(
    ("order", "items", "implausible"),
    [
        (Order(2, None, StatedBy.MARKETPLACE), (THREE_LITRES,), ()),
        (Order(2, 8_000_000, StatedBy.MARKETPLACE), (), ()),
        (Order(2, 2_999_999, StatedBy.MARKETPLACE), (THREE_LITRES,), ("order_volume",)),
    ],
)
def test_without_both_volumes_a_split_order_shares_the_smallest_reference_equally(
    order: Order, items: tuple[Item, ...], implausible: tuple[str, ...]
) -> None:
    facts = replace(measured(packed(PAPER, items=items)), order=order)
    assessed = assess_packed(facts, METHOD)
    assert packaging(facts).co2e_ratio == round(26_902 * MILLION / (LEAST_CO2E // 2))
    assert "order_shared_equally" in assessed.defaults
    assert assessed.implausible == implausible


@pytest.mark.parametrize(("mass_mg", "complete"), [(4_692, 1), (4_691, 0)])
def test_a_bag_of_50_um_covers_what_its_mass_just_suffices_for(mass_mg: int, complete: int) -> None:
    bag = Component(ComponentRole.OUTER, Material.LDPE_FILM, mass_mg, 50)
    sums = packaging(packed(bag, items=(), outer=MAILER))
    assert (sums.complete_parcels, sums.thin_bag_parcels) == (complete, 1 - complete)


def test_a_small_part_of_a_large_split_order_has_the_share_that_silence_would_give_it() -> None:
    order = Order(2, 100_000_000, StatedBy.MARKETPLACE)
    told = measured(
        replace(packed(PAPER, items=(Item(1, None, 50, 50, 40),), outer=Outer(OuterKind.BOX, 60, 60, 50)), order=order)
    )
    untold = replace(told, order=replace(order, product_mm3=None))
    assert packaging(told).co2e_ratio == round(26_902 * MILLION / (LEAST_CO2E // 2))
    for less in (untold, replace(told, items=()), replace(told, order=replace(order, product_mm3=99_999))):
        assert packaging(less)[9:11] == packaging(told)[9:11]


@pytest.mark.parametrize("heights", [(10, 190), (100, 100), (1, 1, 1, 197), (50, 60, 90)])
def test_the_shares_of_a_split_order_exceed_its_reference_by_the_smallest_at_most(heights: tuple[int, ...]) -> None:
    order = Order(len(heights), 40_000 * sum(heights), StatedBy.MARKETPLACE)
    shares = [packaging_reference(40_000 * height, order, METHOD, Notes(None)) for height in heights]
    whole = packaging_reference(40_000 * sum(heights), None, METHOD, Notes(None))
    for parts, one, least in zip(zip(*shares, strict=True), whole, METHOD.packaging.least, strict=True):
        assert sum(parts) <= one + least


def test_an_order_below_the_smallest_volume_has_the_smallest_reference() -> None:
    facts = measured(
        packed(
            replace(PAPER, mass_mg=3_500), items=(Item(1, None, 100, 50, 10),), outer=Outer(OuterKind.BOX, 120, 60, 20)
        )
    )
    sums = packaging(replace(facts, order=Order(2, 100_000, StatedBy.MARKETPLACE)))
    assert sums.co2e_ratio == min(RATIO_MOST, round(sums.packaging_co2e_mg * MILLION / (LEAST_CO2E // 2)))


@pytest.mark.parametrize(
    ("height", "score"), [(100, 20_000), (50, 100_000), (55, 100_000), (126, 0), (125, 0), (80, 70_000 - 25_000)]
)
def test_the_empty_space_score_runs_from_0_at_sixty_percent_to_100_at_ten(height: int, score: int) -> None:
    facts = measured(packed(BOARD, outer=replace(BOX, height_mm=height)))
    assert packaging(facts).empty_space_milli == score


def test_a_mailer_that_others_measure_has_no_empty_space() -> None:
    sums = packaging(measured(packed(replace(BAG, mass_mg=20_000), items=(Item(1, None, 100, 80, 20),), outer=MAILER)))
    assert (sums.empty_space_milli, sums.outer_volume_mm3, sums.empty_volume_mm3) == (100_000, 0, 0)


@pytest.mark.parametrize(
    ("outer", "surface", "capacity"),
    [
        (BOX, 220_000, 6_000_000),
        (replace(BOX, height_mm=None), 0, 0),
        (replace(BOX, width_mm=None), 0, 0),
        (replace(BOX, length_mm=None), 0, 0),
        (MAILER, 120_000, 300 * 200 * 100),
        (replace(MAILER, height_mm=120), 240_000, 300 * 200 * 120),
        (replace(MAILER, height_mm=10), 130_000, 300 * 200 * 100),
        (replace(MAILER, width_mm=None), 0, 0),
        (replace(BOX, kind=OuterKind.OWN_BOX), 220_000, 6_000_000),
    ],
)
def test_surface_and_capacity_of_an_outer_packaging(outer: Outer, surface: int, capacity: int) -> None:
    assert (surface_mm2(outer), capacity_mm3(outer)) == (surface, capacity)


def test_items_larger_than_the_outer_packaging_make_it_undeclared() -> None:
    for items in ((replace(THREE_LITRES, quantity=3),), (THREE_LITRES, Item(1, None, 300, 200, 51))):
        assessed = assess_packed(packed(BOARD, items=items), METHOD)
        assert assessed.implausible == ("items_volume",)
        assert assessed.data_category is DataCategory.DEFAULT
    assert assess_packed(packed(BOARD, items=(replace(THREE_LITRES, quantity=2),)), METHOD).implausible == ()


@pytest.mark.parametrize(
    ("part", "covers"),
    [
        (replace(BOARD, mass_mg=250), 1_000),
        (replace(BOARD, mass_mg=54_999), 219_996),
        (replace(BAG, mass_mg=184, film_thickness_um=None), 10_000),
        (replace(BAG, mass_mg=782, film_thickness_um=50), 20_000),
        (replace(BAG, mass_mg=184, film_thickness_um=20), 10_000),
        (replace(BOARD, mass_mg=250, film_thickness_um=5_000), 1_000),
        (replace(BOARD, mass_mg=None), 0),
        (replace(BOARD, material=None), 0),
        (replace(BOARD, material=Material.PAPER_LABEL), 0),
        (replace(BOARD, material=Material.PP_TAPE), 0),
    ],
)
def test_what_a_component_can_cover_in_square_millimetres(part: Component, covers: int) -> None:
    assert covers_mm2(part, METHOD) == covers


@pytest.mark.parametrize(("mass_mg", "known"), [(54_999, False), (55_000, True)])
def test_components_that_cannot_cover_the_parcel_count_as_undeclared(mass_mg: int, *, known: bool) -> None:
    assessed = assess_packed(packed(replace(BOARD, mass_mg=mass_mg)), METHOD)
    assert (assessed.implausible == ()) is known
    assert (assessed.data_category is DataCategory.DECLARED) is known


def test_components_cover_the_parcel_together_whatever_their_role() -> None:
    halves = (replace(BOARD, mass_mg=30_000), replace(BOARD, mass_mg=25_000, role=ComponentRole.FILLER))
    assert assess_packed(packed(*halves), METHOD).implausible == ()


@pytest.mark.parametrize(
    ("facts", "default"),
    [
        (packed(), "packaging_undeclared"),
        (packed(BOARD, replace(FILM, mass_mg=None)), "mass_undeclared"),
        (packed(BOARD, replace(FILM, material=None)), "material_undeclared"),
        (packed(BOARD, outer=None), "outer_undeclared"),
        (packed(BOARD, outer=replace(BOX, height_mm=None)), "outer_undeclared"),
    ],
)
def test_undeclared_packaging_counts_twice_the_reference(facts: PackedFacts, default: str) -> None:
    assessed, sums = assess_packed(facts, METHOD), packaging(facts)
    assert default in assessed.defaults
    assert assessed.data_category is DataCategory.DEFAULT
    assert (sums.co2e_ratio, sums.plastic_ratio) == (RATIO_MOST, RATIO_MOST)
    assert sums.packaging_co2e_mg == 2 * LEAST_CO2E
    assert sums.plastic_mass_mg == 2 * LEAST_PLASTIC
    assert sums.packaging_mass_mg == max(2 * LEAST_MASS, sum(part.mass_mg or 0 for part in facts.components or ()))
    assert (sums.complete_parcels, sums.measured_co2e_mg, sums.declared_co2e_mg, sums.circular_mass_mg) == (0, 0, 0, 0)
    assert parcel_packaging_score(sums) == 17.5


def test_the_inventory_keeps_what_is_declared_beyond_twice_the_reference() -> None:
    heavy = packed(replace(BOARD, mass_mg=900_000), replace(FILM, mass_mg=None), replace(FILM, mass_mg=800_000))
    sums = packaging(heavy)
    assert sums.packaging_mass_mg == 1_700_000
    assert sums.plastic_mass_mg == 800_000
    assert sums.packaging_co2e_mg == 1_079_753 + 2_333_204


CERTIFIED = replace(
    BOARD,
    recycled_permille=800,
    certificate_valid_until=DAY,
    certificate_scheme=CertificateScheme.FSC,
    certificate_id="FSC-C192811",
    stated_by=StatedBy.VERIFIER,
)


def test_recycled_content_interpolates_between_primary_and_closed_loop() -> None:
    facts = measured(packed(BOARD))
    facts = replace(facts, components=(CERTIFIED,))
    sums = packaging(facts)
    assert sums.packaging_co2e_mg == round(87_000 * (1.19972542 + 0.8 * (1.09811442 - 1.19972542)))
    assert sums.circular_mass_mg == 69_600
    assert sums.circular_milli == 80_000
    assert assess_packed(facts, METHOD).factor_ids == (
        "pk.board.primary", "pk.film.primary", "pk.board.closed_loop",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "default", "flag"),
    [
        ({"stated_by": StatedBy.SELLER}, "recycled_uncertified", None),
        ({"certificate_scheme": None}, "recycled_uncertified", None),
        ({"certificate_valid_until": None}, "recycled_uncertified", None),
        ({"certificate_valid_until": DAY - timedelta(days=1)}, "recycled_uncertified", None),
        ({"certificate_id": "FSC-C12"}, None, "certificate"),
        ({"certificate_id": "xFSC-C192811"}, None, "certificate"),
        ({"certificate_scheme": CertificateScheme.GRS}, None, "certificate"),
    ],
)
def test_recycled_content_counts_only_with_a_certificate_that_somebody_else_states(
    change: dict[str, object], default: str | None, flag: str | None
) -> None:
    facts = packed(replace(CERTIFIED, **change))
    assessed = assess_packed(facts, METHOD)
    assert packaging(facts).circular_mass_mg == 0
    assert packaging(facts).packaging_co2e_mg == packaging(packed(BOARD)).packaging_co2e_mg
    assert default is None or default in assessed.defaults
    assert assessed.implausible == (() if flag is None else (flag,))


@pytest.mark.parametrize(
    ("scheme", "identifier"),
    [
        (CertificateScheme.FSC, "SGSHK-COC-350878"),
        (CertificateScheme.PEFC, "PEFC-01-00-01"),
        (CertificateScheme.GRS, "ABC-12345678-GRS-2107"),
        (CertificateScheme.RCS, "ABC-12345678-RCS-2107"),
    ],
)
def test_every_scheme_has_a_form_that_counts(scheme: CertificateScheme, identifier: str) -> None:
    facts = packed(replace(CERTIFIED, certificate_scheme=scheme, certificate_id=identifier))
    assert packaging(facts).circular_mass_mg == 69_600


def test_a_certificate_is_judged_on_the_local_day() -> None:
    late = replace(packed(CERTIFIED), local_day=DAY + timedelta(days=1))
    assert packaging(late).circular_mass_mg == 0


def test_a_material_without_a_closed_loop_factor_is_circular_and_keeps_its_co2e() -> None:
    wood = replace(CERTIFIED, material=Material.WOOD)
    sums, plain = packaging(packed(wood)), packaging(packed(replace(BOARD, material=Material.WOOD)))
    assert sums.packaging_co2e_mg == plain.packaging_co2e_mg
    assert sums.circular_mass_mg == 69_600


@pytest.mark.parametrize(
    ("by", "trips", "counted"),
    [
        (StatedBy.SELLER, 20, 1),
        (StatedBy.VERIFIER, None, 1),
        (StatedBy.VERIFIER, 1, 1),
        (StatedBy.VERIFIER, 2, 2),
        (StatedBy.VERIFIER, 20, 20),
        (StatedBy.VERIFIER, 21, 1),
        (StatedBy.MARKETPLACE, 7, 7),
        (StatedBy.CARRIER, 100, 100),
        (StatedBy.CARRIER, 101, 1),
    ],
)
def test_trips_divide_co2e_and_plastic_and_make_the_rest_circular(
    by: StatedBy, trips: int | None, counted: int
) -> None:
    box = Component(ComponentRole.OUTER, Material.PP, 300_000, reusable=ReusableAsset("a", trips), stated_by=by)
    sums = packaging(packed(box))
    assert sums.packaging_co2e_mg == round(300_000 * 2.57757172 / counted)
    assert sums.plastic_mass_mg == 300_000 // counted
    assert sums.packaging_mass_mg == 300_000
    assert sums.circular_mass_mg == round(300_000 * (counted - 1) / counted)
    assert ("verified_trips" in assess_packed(packed(box), METHOD).implausible) == (trips in {21, 101})


def test_recycled_and_reused_mass_together_are_never_above_the_mass() -> None:
    both = replace(CERTIFIED, recycled_permille=900, reusable=ReusableAsset("a", 20))
    assert packaging(packed(both)).circular_mass_mg == 87_000


def test_circular_mass_scores_only_where_everything_is_measured() -> None:
    facts = measured(packed(BOARD, FILM))
    some = replace(facts, components=(CERTIFIED, replace(FILM, stated_by=StatedBy.SELLER)))
    assert packaging(some).circular_mass_mg == 69_600
    assert packaging(some).circular_milli == 0
    every = replace(facts, components=(CERTIFIED, replace(FILM, stated_by=StatedBy.CARRIER)))
    assert packaging(every).circular_milli == round(100_000 * 69_600 / 166_000)


@pytest.mark.parametrize("material", [Material.UNKNOWN_FIBRE, Material.UNKNOWN_PLASTIC])
def test_an_unknown_material_is_modelled_and_never_measured(material: Material) -> None:
    facts = measured(packed(BOARD, replace(FILM, material=material)))
    assessed, sums = assess_packed(facts, METHOD), packaging(facts)
    assert assessed.data_category is DataCategory.MODELLED
    assert "material_unknown" in assessed.defaults
    assert (sums.complete_parcels, sums.measured_parcels) == (1, 0)
    assert sums.measured_co2e_mg == packaging(measured(packed(BOARD))).packaging_co2e_mg


THIN = replace(BAG, film_thickness_um=49)


@pytest.mark.parametrize(
    ("parts", "outer", "day", "thin"),
    [
        ((THIN,), MAILER, DAY, True),
        ((BAG,), MAILER, DAY, False),
        ((replace(BAG, film_thickness_um=50),), MAILER, DAY, False),
        ((replace(BAG, film_thickness_um=None),), MAILER, DAY, True),
        ((replace(BAG, film_thickness_um=4),), MAILER, DAY, True),
        ((THIN,), MAILER, date(2025, 12, 31), False),
        ((replace(THIN, mass_mg=60_000),), Outer(OuterKind.FLEXIBLE_MAILER, 500, 500), DAY, False),
        ((replace(THIN, mass_mg=60_000),), Outer(OuterKind.FLEXIBLE_MAILER, 500, 499), DAY, True),
        ((THIN, replace(BAG, mass_mg=13_000, film_thickness_um=100)), MAILER, DAY, False),
        ((THIN, replace(BOARD, mass_mg=29_000)), MAILER, DAY, True),
        ((THIN, replace(BOARD, mass_mg=30_000)), MAILER, DAY, False),
        ((replace(THIN, role=ComponentRole.INNER),), MAILER, DAY, True),
        ((replace(THIN, material=Material.KRAFT_PAPER),), MAILER, DAY, False),
        ((Component(ComponentRole.OUTER, Material.PP, 400_000),), BOX, DAY, False),
        ((Component(ComponentRole.OUTER, Material.PP, 20_000),), BOX, DAY, True),
        ((), MAILER, DAY, True),
        ((), MAILER, date(2025, 12, 31), False),
        ((BAG,), None, DAY, True),
    ],
)  # fmt: skip
def test_a_thin_bag_is_film_without_which_the_parcel_would_be_open(
    parts: tuple[Component, ...], outer: Outer | None, day: date, *, thin: bool
) -> None:
    sums = packaging(packed(*parts, outer=outer, items=(), day=day))
    assert sums.thin_bag_parcels == thin
    assert not (thin and sums.complete_parcels)


def test_a_thin_bag_counts_as_undeclared_and_names_its_film() -> None:
    bare = packed(replace(BAG, film_thickness_um=None), outer=MAILER, items=())
    assessed = assess_packed(bare, METHOD)
    assert "film_thickness_undeclared" in assessed.defaults
    assert assessed.data_category is DataCategory.DEFAULT
    assert packaging(bare).packaging_co2e_mg == 2 * LEAST_CO2E
    belied = assess_packed(packed(replace(BAG, film_thickness_um=4), outer=MAILER, items=()), METHOD)
    assert belied.implausible == ("film_thickness",)
    abroad = replace(bare, country="BR")
    assert packaging(abroad).thin_bag_parcels == 0


def test_steps_say_what_counts() -> None:
    steps: list = []  # type: ignore[type-arg]  # of any step
    assess_packed(packed(THIN, outer=MAILER, items=()), METHOD, steps)
    assert [step.label for step in steps][-4:] == [
        "thin bag or unknown packaging: counts as undeclared",
        "undeclared packaging",
        "undeclared plastic",
        "undeclared mass",
    ]
