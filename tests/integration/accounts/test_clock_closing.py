"""Closing days on a real Kafka: only behind both scorers, once a partition, and by the broker's clock."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError
from kafka.structs import OffsetAndMetadata
from prometheus_client import CollectorRegistry

from greenlane.accounts.clock.day_closer import ClosingError, DayCloser
from greenlane.accounts.clock.process import run
from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.rules import AGGREGATOR_RECORD
from greenlane.contracts.topics import ASSESSMENTS, declared_topics, fulfilment_topic, group_of
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.metrics import ProcessMetrics
from greenlane.operations.topic_provisioning import apply
from greenlane.operations.topics_reader import TopicsReader
from greenlane.settings import Settings

FIRST, LAST = date(2026, 7, 1), date(2026, 7, 9)
PARTITIONS = 3
COORDINATOR_SECONDS = 30.0


MARKETPLACES = tuple(f"shop-{number}" for number in range(7))


@pytest.fixture(scope="module")
def servers(server_dir: Path) -> Iterator[str]:
    with EmbeddedKafka(server_dir / "clock") as server:
        apply(server.bootstrap_servers, declared_topics(MARKETPLACES), PARTITIONS, 1)
        yield server.bootstrap_servers


@pytest.fixture(scope="module")
def unused() -> Iterator[str]:
    """Marketplaces of which no test has closed a day."""
    return iter(MARKETPLACES)


@pytest.fixture
def marketplace(unused: Iterator[str]) -> str:
    return next(unused)


@pytest.fixture
def closer(servers: str) -> Iterator[DayCloser]:
    with DayCloser(servers) as made:
        yield made


def commit(servers: str, service: str, offsets: dict[TopicPartition, int]) -> None:
    """As the service would have committed; a young cluster first has to find a coordinator for the group."""
    group = group_of(service)
    committed = {place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
    deadline = time.monotonic() + COORDINATOR_SECONDS
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        found: dict[TopicPartition, int] = {}
        while found != offsets:
            assert time.monotonic() < deadline, "no coordinator for the group"
            with suppress(CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError):
                admin.alter_group_offsets(group, committed)
                told = admin.list_group_offsets({group: list(offsets)})[group]
                found = {place: standing.offset for place, standing in told.items()}


def closings(servers: str, marketplace: str) -> list[tuple[int, DayClosed]]:
    with TopicsReader(servers, [ASSESSMENTS], lambda _read, _total: None) as reader:
        said = [
            (record.partition, AGGREGATOR_RECORD.validate_json(record.value or b""))
            for record in reader.records(ASSESSMENTS)
        ]
    return [
        (partition, item) for partition, item in said if isinstance(item, DayClosed) and item.marketplace == marketplace
    ]


def test_a_day_stays_open_while_one_scorer_is_behind_and_the_error_names_it(
    servers: str, closer: DayCloser, marketplace: str
) -> None:
    barrier = closer.barrier(marketplace)
    commit(servers, "packaging_scorer", {place: offset + 1 for place, offset in barrier.offsets.items()})
    with pytest.raises(ClosingError, match="greenlane-delivery-scorer did not get past"):
        closer.close(marketplace, FIRST, LAST, barrier=barrier, timeout_seconds=1.0)
    assert closings(servers, marketplace) == []


def test_a_run_of_days_is_told_once_to_every_partition_when_both_scorers_are_past_it(
    servers: str, closer: DayCloser, marketplace: str
) -> None:
    barrier = closer.barrier(marketplace)
    for service in ("packaging_scorer", "delivery_scorer"):
        commit(servers, service, {place: offset + 1 for place, offset in barrier.offsets.items()})
    said = closer.close(marketplace, FIRST, LAST, barrier=barrier)
    assert closings(servers, marketplace) == [(partition, said) for partition in range(PARTITIONS)]


def test_a_day_that_is_not_over_by_the_brokers_clock_is_told_to_nobody(
    servers: str, closer: DayCloser, marketplace: str
) -> None:
    barrier = closer.barrier(marketplace)
    for service in ("packaging_scorer", "delivery_scorer"):
        commit(servers, service, {place: offset + 1 for place, offset in barrier.offsets.items()})
    for last in (barrier.today, date(2062, 7, 4)):
        with pytest.raises(ClosingError, match=f"nothing closed. {last} is not over: .* it is {barrier.today}"):
            closer.close(marketplace, last, last, barrier=barrier)
    assert closings(servers, marketplace) == []


def test_the_barrier_stands_in_every_input_partition_with_the_brokers_time(closer: DayCloser, marketplace: str) -> None:
    first, second = closer.barrier(marketplace), closer.barrier(marketplace)
    places = {TopicPartition(fulfilment_topic(marketplace), partition) for partition in range(PARTITIONS)}
    assert set(first.offsets) == places
    assert {place: offset + 1 for place, offset in first.offsets.items()} == second.offsets
    assert first.broker_ms <= second.broker_ms


def test_waiting_ends_when_the_process_is_asked_to_stop(closer: DayCloser, marketplace: str) -> None:
    with pytest.raises(ClosingError):
        closer.close(marketplace, FIRST, LAST, keep_waiting=lambda: False)


async def test_the_clocks_own_heartbeats_are_no_lag(servers: str, marketplace: str) -> None:
    registry, stop = CollectorRegistry(), asyncio.Event()
    process = ProcessMetrics(registry, "1", "1", "1", ("day_not_closed",))
    settings = Settings(
        kafka_bootstrap_servers=servers, marketplaces=(marketplace,), live_marketplaces=(marketplace,), partitions=1
    )
    places = [TopicPartition(fulfilment_topic(marketplace), partition) for partition in range(PARTITIONS)]
    running = asyncio.create_task(run(settings, registry, process, lambda *_: None, stop))
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:

        async def beaten() -> bool:
            ends = await asyncio.to_thread(admin.list_partition_offsets, dict.fromkeys(places, OffsetSpec.LATEST))
            return all(end.offset > 0 for end in ends.values())

        while not await beaten():
            assert not running.done()
        group = group_of("packaging_scorer")
        labels = {"group": group, "topic": places[0].topic, "partition": "0"}
        assert registry.get_sample_value("greenlane_group_lag_records", labels) == 0
    stop.set()
    await running
