"""From sums to scores: the curve, the prior, the cap, grades and the primary share."""

from decimal import Decimal, getcontext, localcontext
from fractions import Fraction
from typing import TypeVar

import pytest

from greenlane.methodology.seller.score import (
    grade_of,
    packaging_points,
    parcel_packaging_score,
    primary_share,
    s_curve,
    score,
)
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import Grade

SumsT = TypeVar("SumsT", PackagingSums, DeliverySums)

AT_REFERENCE = PackagingSums(
    parcels=1,
    packaging_mass_mg=166_000,
    plastic_mass_mg=79_000,
    packaging_co2e_mg=334_780,
    reference_packaging_co2e_mg=334_780,
    reference_plastic_mg=79_000,
    empty_space_parcels=1,
)
USUAL = DeliverySums(parcels=1, delivery_co2e_mg=63_928, reference_delivery_co2e_mg=63_928, attempts=1)


def times(sums: SumsT, count: int) -> SumsT:
    return type(sums)(*(value * count for value in sums))


@pytest.mark.parametrize(
    ("ratio", "points"),
    [
        (Fraction(1), 50),
        (Fraction(1, 2), 75),
        (Fraction(1, 4), 100),
        (Fraction(1, 100), 100),
        (Fraction(0), 100),
        (Fraction(2), 25),
        (Fraction(4), 0),
        (Fraction(5), 0),
    ],
)
def test_the_curve_gives_25_points_for_each_halving_between_0_and_100(ratio: Fraction, points: int) -> None:
    assert s_curve(ratio) == points


def test_the_curve_does_not_depend_on_the_ambient_decimal_context() -> None:
    third = s_curve(Fraction(1, 3))
    with localcontext(prec=5):
        assert s_curve(Fraction(1, 3)) == third
        narrow = packaging_points(AT_REFERENCE._replace(packaging_co2e_mg=111_111), 30)
    assert getcontext().prec == 28
    assert narrow == packaging_points(AT_REFERENCE._replace(packaging_co2e_mg=111_111), 30)
    assert round(third, 6) == Decimal("89.624063")


def test_a_parcel_at_the_reference_scores_half_of_co2e_and_plastic_and_nothing_for_empty_space_or_circularity() -> None:
    assert parcel_packaging_score(AT_REFERENCE) == Decimal("35.0")


def test_empty_space_leaves_the_mean_for_a_parcel_to_which_it_does_not_apply() -> None:
    assert parcel_packaging_score(AT_REFERENCE._replace(empty_space_parcels=0)) == Decimal("41.2")


def test_empty_space_weighs_by_the_share_of_parcels_it_applies_to() -> None:
    half = times(AT_REFERENCE, 2)._replace(empty_space_parcels=1, empty_space_score_milli=80_000)
    assert round(packaging_points(half, 0), 9) == round((35 + Decimal("0.075") * 80) / Decimal("0.925"), 9)


def test_thirty_parcels_at_the_reference_blend_the_ratio_of_a_small_seller() -> None:
    light = Totals(delivery=times(USUAL, 30)._replace(delivery_co2e_mg=0))
    assert score(light).delivery == Decimal("75.0")
    assert score(light, prior_parcels=0).delivery == Decimal("100.0")


def test_a_seller_without_parcels_stands_at_the_prior() -> None:
    scores = score(Totals())
    assert (scores.green, scores.packaging, scores.delivery) == (Decimal("42.5"), Decimal("35.0"), Decimal("50.0"))
    assert scores.grade is Grade.D
    assert scores.primary_share_permille == 0


def test_returns_add_to_the_deliveries_and_bring_no_reference() -> None:
    delivery = times(USUAL, 100)
    returned = Totals(delivery=delivery, returns=ReturnSums(10, delivery.delivery_co2e_mg, 0))
    assert score(returned, prior_parcels=0).delivery == Decimal("25.0")


@pytest.mark.parametrize(("non_compliant", "packaging"), [(2, Decimal("85.0")), (3, Decimal("40.0"))])
def test_packaging_is_capped_at_40_once_more_than_two_percent_break_a_rule(
    non_compliant: int, packaging: Decimal
) -> None:
    good = times(AT_REFERENCE._replace(packaging_co2e_mg=0, plastic_mass_mg=0, circular_mass_mg=0), 100)
    good = good._replace(empty_space_score_milli=100 * 100_000, non_compliant_parcels=non_compliant)
    assert score(Totals(packaging=good), prior_parcels=0).packaging == packaging


def test_one_non_compliant_parcel_is_capped_at_40_by_itself() -> None:
    spotless = AT_REFERENCE._replace(packaging_co2e_mg=0, plastic_mass_mg=0, non_compliant_parcels=1)
    assert parcel_packaging_score(spotless) == Decimal("40.0")


@pytest.mark.parametrize(
    ("green", "grade"),
    [
        ("100", "A"),
        ("80", "A"),
        ("79.9", "B"),
        ("60", "B"),
        ("59.9", "C"),
        ("45", "C"),
        ("44.9", "D"),
        ("30", "D"),
        ("29.9", "E"),
        ("0", "E"),
    ],
)
def test_grades_begin_at_80_60_45_and_30(green: str, grade: str) -> None:
    assert grade_of(Decimal(green)) == grade


def test_the_primary_share_is_by_co2e_of_all_dimensions_and_rounded_down() -> None:
    totals = Totals(
        packaging=PackagingSums(packaging_co2e_mg=1_000, primary_packaging_co2e_mg=999),
        delivery=DeliverySums(delivery_co2e_mg=1_000, primary_delivery_co2e_mg=500),
        returns=ReturnSums(return_co2e_mg=1_000, primary_return_co2e_mg=0),
    )
    assert primary_share(totals) == 499
    assert primary_share(Totals()) == 0
