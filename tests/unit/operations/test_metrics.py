"""The metrics: conventional names, bounded labels, known values from the start, and records that add up."""

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.methodology.assessment import Assessed
from greenlane.methodology.sums import PackagingSums
from greenlane.methodology.vocabulary import BadgeLevel, DataCategory, Dimension
from greenlane.operations.metrics import (
    ALL,
    AggregatorMetrics,
    ClockMetrics,
    EngineMetrics,
    Kind,
    ProcessMetrics,
    ScorerMetrics,
    Series,
    WebhookMetrics,
    new_registry,
)
from greenlane.streaming import EngineObserver

TOPIC = "greenlane.assessments.v1"


def engine(registry: CollectorRegistry, now: float = 1000.0) -> EngineMetrics:
    return EngineMetrics(registry, [TOPIC], lambda: now)


def assessed(*implausible: str, **sums: int) -> Assessed:
    return Assessed(PackagingSums(**sums), DataCategory.DEFAULT, (), (), implausible)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"greenlane_{name}", labels)


def test_every_definition_follows_the_conventions_and_names_are_unique() -> None:
    assert len({definition.name for definition in ALL}) == len(ALL)
    for definition in ALL:
        assert definition.name.endswith("_total") == (definition.kind is Kind.COUNTER), definition.name
        assert bool(definition.buckets) == (definition.kind is Kind.HISTOGRAM), definition.name
        assert all(low < high for low, high in pairwise(definition.buckets)), definition.name
        assert definition.help.endswith("."), definition.name
        assert not set(definition.labels) & {"seller", "seller_id", "parcel", "event_id", "endpoint", "url", "job"}


def test_every_definition_can_be_made_and_exported() -> None:
    registry = new_registry()
    Series(registry, ALL)
    text = generate_latest(registry).decode()
    for definition in ALL:
        assert f"# HELP {definition.full_name} " in text
    assert "_created" not in text


def test_the_engine_metrics_are_an_engine_observer() -> None:
    observer: EngineObserver = engine(CollectorRegistry())
    observer.hole(TOPIC, 0, 1)


def test_known_topics_outcomes_and_reasons_are_at_zero_before_anything_happens() -> None:
    registry = CollectorRegistry()
    engine(registry)
    ProcessMetrics(registry, "1", "2", "3")
    for outcome in ("assessed", "ignored", "duplicate", "superseded", "late", "dead_lettered", "control"):
        assert value(registry, "records_total", topic=TOPIC, outcome=outcome) == 0
    for code in DeadLetterCode:
        assert value(registry, "dead_letters_total", code=code) == 0
    assert value(registry, "errors_total", kind="unexpected") == 0
    assert value(registry, "build_info", version="1", method_version="2", policy_version="3") == 1


def test_read_records_that_no_outcome_explains_are_unaccounted_at_the_end_of_the_batch() -> None:
    registry = CollectorRegistry()
    metrics = engine(registry)
    metrics.records_read(TOPIC, 0, 10)
    metrics.replayed(TOPIC, 0, 2)
    metrics.outcomes(TOPIC, "assessed", 7)
    assert value(registry, "records_unaccounted", topic=TOPIC) == 0
    metrics.batch_done(TOPIC, 0, 10, 999_000, 0.1)
    assert value(registry, "records_unaccounted", topic=TOPIC) == 1
    metrics.outcomes(TOPIC, "late", 1)
    metrics.batch_done(TOPIC, 0, 11, 999_000, 0.1)
    assert value(registry, "records_unaccounted", topic=TOPIC) == 0


def test_latency_runs_from_the_oldest_append_and_is_left_out_where_the_topic_keeps_no_time() -> None:
    registry = CollectorRegistry()
    metrics = engine(registry, now=1000.0)
    metrics.batch_done(TOPIC, 0, 1, 996_000, 0.1)
    metrics.batch_done(TOPIC, 0, 2, -1, 0.1)
    assert value(registry, "latency_from_append_seconds_sum", topic=TOPIC) == 4
    assert value(registry, "latency_from_append_seconds_count", topic=TOPIC) == 1
    assert value(registry, "latency_from_append_seconds_bucket", topic=TOPIC, le="5.0") == 1


def test_offsets_of_partitions_that_went_elsewhere_are_no_longer_shown() -> None:
    registry = CollectorRegistry()
    metrics = engine(registry)
    metrics.batch_done(TOPIC, 3, 17, -1, 0.1)
    assert value(registry, "next_offset", topic=TOPIC, partition="3") == 17
    metrics.rebalanced([])
    assert value(registry, "next_offset", topic=TOPIC, partition="3") is None
    assert value(registry, "rebalances_total") == 1


def test_an_unknown_marketplace_or_error_is_counted_as_other() -> None:
    registry = CollectorRegistry()
    ScorerMetrics(registry, ["shop"]).count([("stranger", assessed(packaging_co2e_mg=5000))])
    ProcessMetrics(registry, "1", "2", "3", ["kafka"]).error("payload text")
    assert value(registry, "assessments_total", marketplace="other", data="default") == 1
    assert value(registry, "errors_total", kind="other") == 1


def test_an_assessment_counts_its_grams_and_its_implausible_facts() -> None:
    registry = CollectorRegistry()
    written = assessed("mass_g", packaging_co2e_mg=5000, plastic_mass_mg=1500)
    ScorerMetrics(registry, ["shop"]).count([("shop", written)])
    assert value(registry, "co2e_grams_total", marketplace="shop") == 5
    assert value(registry, "plastic_grams_total", marketplace="shop") == 1.5
    assert value(registry, "implausible_facts_total", fact="mass_g") == 1


def test_fields_that_the_contract_lacks_are_counted_by_marketplace() -> None:
    registry = CollectorRegistry()
    metrics = ScorerMetrics(registry, ["shop"])
    assert value(registry, "unknown_fields_total", marketplace="shop") == 0
    metrics.unknown_fields("shop", 3)
    assert value(registry, "unknown_fields_total", marketplace="shop") == 3


@pytest.mark.parametrize("sellers", [50, 50_000])
def test_the_scrape_grows_with_no_seller(sellers: int) -> None:
    registry = CollectorRegistry()
    metrics = AggregatorMetrics(registry, ["shop"])
    for number in range(sellers):
        metrics.sellers("shop", BadgeLevel.NONE, 1)
        metrics.closed_day_score("green", number % 101)
        metrics.window("shop", Dimension.PACKAGING, DataCategory.DEFAULT, number)
        metrics.window_plastic("shop", number)
        metrics.transition("shop", BadgeLevel.NONE, BadgeLevel.BRONZE)
    assert value(registry, "badge_sellers", marketplace="shop", level="none") == sellers
    assert len(generate_latest(registry).splitlines()) < 120


def test_a_closed_day_is_exported_as_the_instant_at_which_it_ended() -> None:
    registry = CollectorRegistry()
    clock = ClockMetrics(registry, ["shop"])
    clock.day_closed("shop", date(2026, 3, 31))
    clock.group_standing("greenlane.aggregator", TOPIC, 0, offset=30, lag=12)
    assert (
        value(registry, "day_closed_timestamp_seconds", marketplace="shop")
        == datetime(2026, 4, 1, tzinfo=UTC).timestamp()
    )
    assert value(registry, "group_lag_records", group="greenlane.aggregator", topic=TOPIC, partition="0") == 12


def test_the_process_counts_as_recovering_until_it_is_ready() -> None:
    registry = CollectorRegistry()
    metrics = ProcessMetrics(registry, "1", "2", "3")
    assert value(registry, "recovering") == 1
    metrics.ready(True, "processing")
    assert value(registry, "recovering") == 0
    metrics.ready(False, "loading")
    assert value(registry, "recovering") == 1


def test_the_dispatchers_metrics_start_at_zero() -> None:
    registry = CollectorRegistry()
    metrics = WebhookMetrics(registry)
    assert value(registry, "webhook_deliveries_total", outcome="delivered") == 0
    metrics.webhook_deliveries_orphaned.set(2)
    assert value(registry, "webhook_deliveries_orphaned") == 2
