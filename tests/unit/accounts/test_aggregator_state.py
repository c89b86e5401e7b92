"""The partition state between records in and outcomes, statements and rows out."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from greenlane.accounts.aggregator import state
from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.rows import RowError
from greenlane.accounts.aggregator.state import Accounts
from greenlane.accounts.aggregator.telemetry import Gauges
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.scores import statement_id
from greenlane.contracts.topics import BADGE_DECISIONS, DEAD_LETTERS, SELLER_SCORES
from greenlane.methodology.seller.eligibility import LevelRules, Policy
from greenlane.methodology.vocabulary import BadgeLevel
from greenlane.operations.metrics import AggregatorMetrics
from greenlane.streaming import Outcome, Stage

EASY = LevelRules(BadgeLevel.BRONZE, 10, 10, 0, 1, 0, 1, 100)
HARD = (LevelRules(BadgeLevel.SILVER, 99, 99, 0, 1, 0, 1, 100), LevelRules(BadgeLevel.GOLD, 100, 100, 0, 1, 0, 1, 100))
POLICY = Policy("test", (EASY, *HARD), window_days=5, lateness_days=3, enter_days=1, leave_days=2)


class Incoming(NamedTuple):
    """A record as the engine hands it over."""

    offset: int
    value: bytes | None
    topic: str = "assessments"
    partition: int = 0
    timestamp: int = 1_790_000_000_000
    key: bytes | None = b"key"
    headers: Sequence[tuple[str, bytes]] = ()


class Harness:
    """One partition's state, its metrics, and the codes it refused records with."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.gauges = Gauges(AggregatorMetrics(self.registry, ["m"]))
        self.refused: list[DeadLetterCode] = []
        self.offset = 0
        self.accounts = self.partition(0)

    def partition(self, number: int) -> Accounts:
        stage = Stage("aggregation", "aggregator", "0", "1.0.0")
        return Accounts(number, PackedEntries(), POLICY, stage, self.gauges, self.refused.append)

    def handle(self, *values: dict[str, Any] | bytes | None) -> list[Outcome]:
        records = []
        for value in values:
            raw = json.dumps(value).encode() if isinstance(value, dict) else value
            records.append(Incoming(self.offset, raw))
            self.offset += 1
        return self.accounts.handle(records)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"greenlane_{name}", labels)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def assessment(**changed: Any) -> dict[str, Any]:
    return {
        "type": "greenlane.assessment.v1",
        "marketplace": "m",
        "seller_id": "s1",
        "parcel_id": "p1",
        "revision": 0,
        "occurred_at": "2026-07-01T12:00:00.000000Z",
        "event_id": "e1",
        "origin": {"topic": "t", "partition": 0, "offset": 0, "appended_ms": 0},
        "dimension": "packaging",
        "contribution": {"parcels": 1, "plastic_mass_mg": 5000, "packaging_co2e_mg": 9000},
        "data_category": "default",
        "factor_ids": [],
        "method_version": "1.0.0",
    } | changed


def closed(day: int = 1, first: int = 1) -> dict[str, Any]:
    days = {"first_day": f"2026-07-{first:02d}", "last_day": f"2026-07-{day:02d}"}
    return {"type": "greenlane.day-closed.v1", "marketplace": "m"} | days


def said(outcome: Outcome) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in outcome.outputs]


def test_before_the_first_closed_day_nothing_is_stated(harness: Harness) -> None:
    assert harness.handle(assessment()) == [Outcome("assessed")]


def test_after_a_batch_each_changed_seller_has_one_open_score_at_its_last_accepted_record(harness: Harness) -> None:
    harness.handle(closed())
    later = assessment(parcel_id="p3", occurred_at="2026-07-02T09:00:00.000000Z")
    first, other, second, duplicate = harness.handle(
        assessment(parcel_id="p2"), assessment(seller_id="s2"), later, later
    )
    assert (first.outputs, duplicate) == ((), Outcome("duplicate"))
    assert [statement["subject"] for statement in said(other)] == ["s2"]
    (statement,) = said(second)
    assert second.outputs[0][:2] == (SELLER_SCORES, b"m/s1")
    assert statement["id"] == statement_id("score", "m", "s1", date(2026, 7, 2), 2)
    assert statement["time"] == "2026-07-02T09:00:00.000000Z"
    data = statement["data"]
    assert (data["as_of"], data["day"], data["sequence"]) == ("open_day", "2026-07-02", 2)
    assert data["window"] == {"first_day": "2026-06-28", "last_day": None}
    assert data["sums"]["packaging"]["parcels"] == 2


def test_after_a_closing_with_many_statements_the_rest_of_the_batch_is_left_for_the_next_transaction(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = (assessment(), assessment(seller_id="s0"), closed(), assessment(parcel_id="p2"), closed(2, 2))
    at_once = harness.handle(*batch)
    other = Harness()
    monkeypatch.setattr(state, "MOST_STATED", 4)
    first = other.handle(*batch)
    other.offset = len(first)
    rest = other.handle(*batch[len(first) :])
    assert (len(first), len(at_once)) == (3, 5)
    assert [*first, *rest] == at_once


def test_a_closed_day_states_the_decisions_and_the_score_of_each_seller_in_turn(harness: Harness) -> None:
    harness.handle(assessment(), assessment(seller_id="s0"))
    (control,) = harness.handle(closed())
    assert control.name == "control"
    assert [output[:2] for output in control.outputs] == [
        (BADGE_DECISIONS, b"m/s0"), (SELLER_SCORES, b"m/s0"), (BADGE_DECISIONS, b"m/s1"), (SELLER_SCORES, b"m/s1"),
    ]  # fmt: skip
    decision, score, *_ = said(control)
    assert (decision["type"], decision["time"]) == ("badge.granted", "2026-07-02T00:00:00Z")
    assert decision["data"]["reason"] == "rules_met_in_a_row"
    assert (decision["data"]["previous_level"], decision["data"]["level"]) == ("none", "bronze")
    assert (score["data"]["as_of"], score["data"]["day"], score["data"]["sequence"]) == ("closed_day", "2026-07-01", 2)
    assert score["data"]["window"] == {"first_day": "2026-06-27", "last_day": "2026-07-01"}
    assert score["data"]["standing"]["level"] == "bronze"


def test_within_a_batch_open_scores_are_stated_before_the_day_is_closed(harness: Harness) -> None:
    harness.handle(closed())
    opened, control, reopened = harness.handle(assessment(), closed(2), assessment(parcel_id="p2"))
    assert [(item["data"]["day"], item["data"]["sequence"]) for item in said(opened)] == [("2026-07-02", 1)]
    assert [item["data"]["day"] for item in said(control)] == ["2026-07-02", "2026-07-02"]
    assert [(item["data"]["day"], item["data"]["sequence"]) for item in said(reopened)] == [("2026-07-03", 1)]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, DeadLetterCode.NULL_VALUE),
        (b"not json", DeadLetterCode.NOT_JSON),
        (b"\xff", DeadLetterCode.NOT_JSON),
        (b"[]", DeadLetterCode.SCHEMA_VIOLATION),
        ({"type": "unknown"}, DeadLetterCode.SCHEMA_VIOLATION),
        (assessment(contribution={"parcels": 2**44}), DeadLetterCode.SCHEMA_VIOLATION),
        (assessment(contribution={"parcels": -1}), DeadLetterCode.SCHEMA_VIOLATION),
        (assessment(contribution={"elephants": 1}), DeadLetterCode.SCHEMA_VIOLATION),
        (assessment(occurred_at="2026-02-30T00:00:00.000000Z"), DeadLetterCode.SCHEMA_VIOLATION),
        ({**closed(), "first_day": "0001-01-01"}, DeadLetterCode.SCHEMA_VIOLATION),
        ({**closed(), "last_day": "9999-12-31"}, DeadLetterCode.SCHEMA_VIOLATION),
    ],
)
def test_what_cannot_be_read_becomes_one_dead_letter_and_its_neighbours_stay_whole(
    harness: Harness, value: dict[str, Any] | bytes | None, code: DeadLetterCode
) -> None:
    before, refused, after = harness.handle(assessment(), value, assessment(parcel_id="p2"))
    assert (before.name, refused.name, after.name) == ("assessed", "dead_lettered", "assessed")
    assert [output.topic for output in refused.outputs] == [DEAD_LETTERS]
    assert said(refused)[0]["data"]["failure"]["code"] == code
    assert harness.refused == [code]


def test_a_dead_letter_never_quotes_the_value(harness: Harness) -> None:
    (refused,) = harness.handle(assessment(contribution={"s3cret": 1}))
    assert "s3cret" not in json.dumps(said(refused)[0]["data"]["failure"])


def test_rows_come_derived_first_and_entries_last_each_once(harness: Harness) -> None:
    harness.handle(assessment(), assessment(dimension="delivery", contribution={"parcels": 1}), closed())
    assert bytes(key[0] for key, _ in harness.accounts.changes()) == b"CSDEE"
    assert list(harness.accounts.changes()) == []


def test_a_replayed_closing_changes_nothing(harness: Harness) -> None:
    harness.handle(assessment(), closed())
    rows = list(harness.accounts.changes())
    harness.accounts = harness.partition(0)
    for key, value in rows:
        assert value is not None
        harness.accounts.restore(key, value)
    harness.offset = 1
    assert harness.handle(closed(9)) == [Outcome("replayed")]
    assert list(harness.accounts.changes()) == []


def test_forgetting_deletes_the_rows(harness: Harness) -> None:
    harness.handle(assessment(), closed())
    written = dict(harness.accounts.changes())
    harness.handle(closed(20))
    deleted = {key for key, value in harness.accounts.changes() if value is None}
    assert deleted == {key for key in written if key[:1] != b"C"}


def test_a_lost_row_is_noticed_before_the_first_record(harness: Harness) -> None:
    harness.handle(assessment())
    rows = dict(harness.accounts.changes())
    lame = harness.partition(0)
    for key, value in rows.items():
        if key[:1] != b"E":
            assert value is not None
            lame.restore(key, value)
    with pytest.raises(RowError, match="rows were lost"):
        lame.handle([])


def test_a_row_of_another_release_is_refused(harness: Harness) -> None:
    with pytest.raises(RowError):
        harness.accounts.restore(b"unknown", b"\x01[]")


def test_the_gauges_add_up_partitions_and_let_go_of_those_that_leave(harness: Harness) -> None:
    harness.handle(assessment(), closed())
    other = harness.partition(7)
    other.handle([Incoming(0, json.dumps(assessment(seller_id="s9")).encode())])
    assert harness.metric("window_plastic_grams", marketplace="m") == 10.0
    assert harness.metric("window_co2e_grams", marketplace="m", dimension="packaging", data="default") == 18.0
    assert harness.metric("badge_sellers", marketplace="m", level="bronze") == 1
    assert harness.metric("badge_sellers", marketplace="m", level="none") == 1
    harness.gauges.keep([7])
    assert harness.metric("window_plastic_grams", marketplace="m") == 5.0
    assert harness.metric("badge_sellers", marketplace="m", level="bronze") == 0
    harness.gauges.keep([])
    assert harness.metric("window_plastic_grams", marketplace="m") == 0


def test_transitions_and_scores_are_measured_at_closed_days(harness: Harness) -> None:
    harness.handle(assessment(), closed())
    transition = {"marketplace": "m", "from": "none", "to": "bronze"}
    assert harness.metric("badge_transitions_total", **transition) == 1
    assert harness.metric("seller_score_count", dimension="green") == 1
