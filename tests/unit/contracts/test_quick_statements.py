"""What the aggregator computes and encodes fast against the definitions: the same digits, the same bytes."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from greenlane.accounts.aggregator.intake import read
from greenlane.contracts.assessments import Assessment
from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.quick.statements import score_bytes
from greenlane.contracts.statements import BadgeState, StatedAccount, score_statement
from greenlane.factors.loading import load_policy
from greenlane.methodology.seller.quick_score import quick_tenths
from greenlane.methodology.seller.score import exact_score, score
from greenlane.methodology.sums import MILLION, CircularitySums, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import BadgeLevel

POLICY = load_policy()
SUM = st.integers(0, 60) | st.integers(0, 10**7) | st.integers(0, 2**63 - 1)


def sums_of(kind: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, **dict.fromkeys(kind._fields, SUM))


TOTALS = st.builds(
    Totals,
    packaging=sums_of(PackagingSums),
    delivery=sums_of(DeliverySums),
    returns=sums_of(ReturnSums),
    circularity=sums_of(CircularitySums),
    active_days=st.integers(0, 90),
)
PLAUSIBLE = st.builds(
    lambda packed, delivered, measured, empty, circular, thin: Totals(
        PackagingSums(
            packed, co2e_ratio=packed * empty * 20, plastic_ratio=packed * circular * 15,
            empty_space_milli=empty * packed,
            circular_milli=circular * packed, complete_parcels=packed, thin_bag_parcels=thin,
            measured_parcels=packed * measured // 100, measured_co2e_ratio=packed * empty * measured // 9,
        ),
        DeliverySums(
            delivered, ratio=delivered * circular * 20, complete_parcels=delivered // 2,
            measured_parcels=delivered * measured // 100, measured_ratio=delivered * circular * measured // 9,
        ),
        ReturnSums(1, ratio=circular),
    ),
    st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 100), st.integers(0, 100_000), st.integers(0, 100_000),
    st.integers(0, 200),
)  # fmt: skip


@given(TOTALS | PLAUSIBLE, st.sampled_from([0, 1, 40]))
@example(Totals(), 40)
@example(Totals(), 0)
@example(Totals(PackagingSums(parcels=1, circular_milli=10**18)), 0)
def test_a_score_has_the_digits_of_its_definition(totals: Totals, prior: int) -> None:
    assert score(totals, prior) == exact_score(totals, prior)
    assert [str(figure) for figure in _figures(score(totals, prior))] == [
        str(figure) for figure in _figures(exact_score(totals, prior))
    ]


def _figures(scores: Any) -> list[Any]:
    proven = scores.proven
    shares = (scores.measured_share_permille, scores.complete_share_permille)
    points = (scores.green, scores.packaging, scores.delivery, proven.green, proven.packaging, proven.delivery)
    return [*points, scores.grade, *shares]


@pytest.mark.parametrize("empty_milli", [1_000, 3_000, 33_000, 99_000])
def test_what_lies_where_tenths_part_is_left_to_exact_arithmetic(empty_milli: int) -> None:
    # 0.7 x 50 + 0.15 x a whole odd number of points ends in a 5 at the second decimal
    on_the_edge = Totals(
        PackagingSums(parcels=1, co2e_ratio=MILLION, plastic_ratio=MILLION, empty_space_milli=empty_milli)
    )
    assert quick_tenths(on_the_edge, 0) is None
    assert score(on_the_edge, 0) == exact_score(on_the_edge, 0)


def test_an_ordinary_window_needs_no_exact_arithmetic() -> None:
    usual = Totals(PackagingSums(10, co2e_ratio=7_777_777, plastic_ratio=3_333_333), DeliverySums(9, ratio=8_888_888))
    assert quick_tenths(usual, 40) is not None


ACCOUNTS = st.builds(
    StatedAccount,
    marketplace=st.sampled_from(["demo-vn", "a"]),
    seller_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9),
    day=st.dates(date(1970, 1, 1), date(9998, 12, 30)),
    sequence=st.integers(0, 2**40),
    first_day=st.dates(),
    last_day=st.none() | st.dates(),
    totals=PLAUSIBLE | TOTALS,
    scores=(PLAUSIBLE | TOTALS).map(score),
    badge=st.builds(
        BadgeState,
        level=st.sampled_from(BadgeLevel),
        streaks=st.tuples(*[st.integers(0, 3)] * 3),
        days_below=st.integers(0, 14),
        warned_on=st.none() | st.dates(),
    ),
    policy=st.just(POLICY),
)


@given(ACCOUNTS, st.sampled_from(["2026-01-31T10:00:00.000000Z", "2026-02-01T00:00:00Z"]))
def test_a_score_is_encoded_to_the_models_own_bytes(account: StatedAccount, time: str) -> None:
    try:
        expected = score_statement(account, time).model_dump_json().encode()
    except ValidationError:
        with pytest.raises(ValidationError):
            score_bytes(account, time)
    else:
        assert score_bytes(account, time) == expected


def test_every_field_of_an_assessment_still_has_its_say(assessment: Assessment) -> None:
    for name, wrong in (("revision", -1), ("occurred_at", "yesterday"), ("dimension", "smell"), ("contribution", None)):
        value = assessment.model_copy(update={name: wrong}).model_dump_json(warnings=False).encode()
        with pytest.raises(Refusal) as refused:
            read(_record(value))
        assert name in refused.value.problems[0].path


@pytest.fixture
def assessment() -> Assessment:
    return Assessment.model_validate(
        {
            "marketplace": "demo-vn",
            "seller_id": "s",
            "parcel_id": "p",
            "revision": 0,
            "occurred_at": "2026-01-31T10:00:00.000000Z",
            "event_id": "e",
            "origin": {"topic": "t", "partition": 0, "offset": 0, "appended_ms": 0},
            "dimension": "packaging",
            "contribution": {"parcels": 1},
            "data_category": "primary",
            "factor_ids": [],
            "method_version": "1",
        }
    )


def _record(value: bytes) -> Any:

    return SimpleNamespace(value=value, timestamp=1_800_000_000_000)
