"""From sums to scores: the curve, the prior, proven scores, grades and shares."""

from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

import pytest

from greenlane.methodology.seller.score import (
    PRIOR_PARCELS,
    exact_score,
    grade_of,
    packaging_parts,
    packaging_points,
    parcel_delivery_score,
    parcel_packaging_score,
    proven_totals,
    s_curve,
    score,
    shares,
)
from greenlane.methodology.sums import MILLION, RATIO_MOST, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import Grade

AT_REFERENCE = PackagingSums(parcels=1, co2e_ratio=MILLION, plastic_ratio=MILLION, complete_parcels=1)
USUAL = DeliverySums(parcels=1, ratio=MILLION, complete_parcels=1)


def packed(count: int, **sums: int) -> PackagingSums:
    return AT_REFERENCE._replace(
        **{"parcels": count, "co2e_ratio": count * MILLION, "plastic_ratio": count * MILLION, "complete_parcels": count}
        | sums
    )


def sent(count: int, ratio: int = MILLION, **sums: int) -> DeliverySums:
    return USUAL._replace(**{"parcels": count, "ratio": count * ratio, "complete_parcels": count} | sums)


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


def test_the_curve_is_not_yet_at_its_ends_just_inside_them() -> None:
    assert 98 < s_curve(Fraction(26, 100)) < 100
    assert 0 < s_curve(Fraction(399, 100)) < 1
    assert s_curve(Fraction(24, 100)) == 100


def test_the_curve_does_not_depend_on_the_ambient_decimal_context() -> None:
    third = s_curve(Fraction(1, 3))
    odd = AT_REFERENCE._replace(co2e_ratio=333_333)
    with localcontext(prec=5):
        assert s_curve(Fraction(1, 3)) == third
        narrow = packaging_points(odd, 40)
    assert getcontext().prec == 28
    assert narrow == packaging_points(odd, 40)
    assert round(third, 6) == Decimal("89.624063")


def test_a_parcel_at_the_reference_scores_half_of_co2e_and_plastic_and_nothing_for_empty_space_or_circularity() -> None:
    assert parcel_packaging_score(AT_REFERENCE) == Decimal("35.0")
    assert parcel_delivery_score(USUAL) == Decimal("50.0")


@pytest.mark.parametrize(
    ("sums", "points"),
    [
        ({"co2e_ratio": MILLION // 2}, "45.0"),
        ({"plastic_ratio": MILLION // 2}, "42.5"),
        ({"empty_space_milli": 100_000}, "50.0"),
        ({"circular_milli": 80_000}, "47.0"),
        ({"co2e_ratio": 0, "plastic_ratio": 0, "empty_space_milli": 100_000, "circular_milli": 100_000}, "100.0"),
        ({"co2e_ratio": RATIO_MOST, "plastic_ratio": RATIO_MOST}, "17.5"),
    ],
)
def test_packaging_weighs_40_30_15_and_15(sums: dict[str, int], points: str) -> None:
    assert parcel_packaging_score(AT_REFERENCE._replace(**sums)) == Decimal(points)


def test_the_parts_of_packaging_are_points_of_their_own() -> None:
    halves = PackagingSums(
        2, co2e_ratio=MILLION, plastic_ratio=MILLION, empty_space_milli=61_000, circular_milli=43_000
    )
    assert list(packaging_parts(halves, 0)) == [75, 75, Decimal("30.5"), Decimal("21.5")]
    assert list(packaging_parts(halves, 2)[2:]) == [Decimal("15.25"), Decimal("10.75")]


def test_forty_parcels_at_the_reference_blend_the_ratio_of_a_small_seller() -> None:
    assert PRIOR_PARCELS == 40
    light = Totals(delivery=sent(40, 0))
    assert score(light).delivery == Decimal("75.0")
    assert score(light, prior_parcels=0).delivery == Decimal("100.0")
    full = Totals(packed(40, empty_space_milli=40 * 100_000, circular_milli=40 * 50_000))
    assert score(full).packaging == Decimal(35) + Decimal("7.5") + Decimal("3.75") - Decimal("0.05")


def test_a_seller_without_parcels_stands_at_the_prior() -> None:
    scores = score(Totals())
    assert (scores.green, scores.packaging, scores.delivery) == (Decimal("42.5"), Decimal("35.0"), Decimal("50.0"))
    assert scores.grade is Grade.D
    assert (scores.measured_share_permille, scores.complete_share_permille) == (0, 0)
    assert (scores.proven.green, scores.proven.delivery) == (Decimal("42.5"), Decimal("50.0"))


def test_returns_add_to_the_deliveries_and_bring_no_parcel() -> None:
    returned = Totals(delivery=sent(100), returns=ReturnSums(50, ratio=100 * MILLION))
    assert score(returned, prior_parcels=0).delivery == Decimal("25.0")


def test_a_parcel_that_only_the_seller_states_counts_as_undeclared_in_the_proven_score() -> None:
    totals = Totals(
        packed(10, co2e_ratio=0, plastic_ratio=0, measured_parcels=4, measured_co2e_ratio=1, measured_plastic_ratio=2),
        sent(10, 0, measured_parcels=3, measured_ratio=5),
        ReturnSums(2, ratio=7, measured_parcels=1, measured_ratio=6),
    )
    proven = proven_totals(totals)
    assert (proven.packaging.co2e_ratio, proven.packaging.plastic_ratio) == (1 + 6 * RATIO_MOST, 2 + 6 * RATIO_MOST)
    assert proven.delivery.ratio == 5 + 7 * RATIO_MOST
    assert proven.returns.ratio == 6 + RATIO_MOST
    scores = score(totals)
    expected = score(proven)
    assert (scores.proven.green, scores.proven.packaging, scores.proven.delivery) == (
        expected.green, expected.packaging, expected.delivery,
    )  # fmt: skip
    assert scores.proven.green < scores.green
    assert exact_score(totals) == scores


def test_an_unmeasured_return_lowers_the_proven_score_of_measured_deliveries() -> None:
    delivery = sent(10, 0, measured_parcels=10)
    packaging = packed(10, measured_parcels=10, measured_co2e_ratio=10 * MILLION, measured_plastic_ratio=10 * MILLION)
    scores = score(Totals(packaging, delivery, ReturnSums(1, ratio=0)))
    assert scores.measured_share_permille == 1000
    assert scores.proven.delivery < scores.delivery


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


def test_shares_are_of_packed_and_delivered_parcels_and_rounded_down() -> None:
    totals = Totals(
        PackagingSums(parcels=2, measured_parcels=1, complete_parcels=2),
        DeliverySums(parcels=1, measured_parcels=1, complete_parcels=0),
        ReturnSums(parcels=9, measured_parcels=9),
    )
    assert shares(totals) == (666, 666)
    assert shares(Totals()) == (0, 0)
