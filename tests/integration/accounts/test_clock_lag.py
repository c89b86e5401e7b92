"""The lag on a real Kafka counts what a group has yet to read: records, and nothing that is none."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from tests.integration.accounts.test_clock_closing import commit
from tests.integration.streaming.harness import until

from greenlane.accounts.clock import lag as lag_module
from greenlane.accounts.clock.lag import GroupPosition, LagMeter, Place
from greenlane.contracts.topics import ASSESSMENTS, SELLER_SCORES, declared_topics, fulfilment_topic, group_of
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.topic_provisioning import apply

PARTITIONS = 12
MARKETPLACE = "shop"
DISPATCHER = group_of("webhook_dispatcher")


@pytest.fixture(scope="module")
def servers(server_dir: Path) -> Iterator[str]:
    with EmbeddedKafka(server_dir / "lag") as server:
        apply(server.bootstrap_servers, declared_topics([MARKETPLACE]), PARTITIONS, 1)
        yield server.bootstrap_servers


@pytest.fixture(scope="module")
def unused() -> Iterator[int]:
    """Partitions to which no test has written."""
    return iter(range(PARTITIONS))


@pytest.fixture
def scores(unused: Iterator[int]) -> TopicPartition:
    """A partition of a topic that transactions write to."""
    return TopicPartition(SELLER_SCORES, next(unused))


@pytest.fixture
def meter(servers: str) -> Iterator[LagMeter]:
    with LagMeter(servers) as made:
        yield made


@contextmanager
def transaction(servers: str, place: TopicPartition, values: Sequence[bytes]) -> Iterator[KafkaProducer]:
    """A transaction with these records, which stays open inside."""
    with closing(KafkaProducer(bootstrap_servers=servers, transactional_id=f"test-{uuid4().hex}")) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        for value in values:
            producer.send(place.topic, key=b"k", value=value, partition=place.partition)
        producer.flush()
        yield producer


def append(servers: str, place: TopicPartition, values: Sequence[bytes], *, commit: bool = True) -> None:
    """Append one transaction and wait for the marker at its end."""
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:

        def end() -> int:
            return int(admin.list_partition_offsets({place: OffsetSpec.LATEST})[place].offset)

        marker = end() + len(values)
        with transaction(servers, place, values) as producer:
            if commit:
                producer.commit_transaction()
            else:
                producer.abort_transaction()
        until(lambda: end() > marker, "the marker is written after the transaction's end is acknowledged")


def measured(meter: LagMeter, place: TopicPartition, group: str = DISPATCHER) -> GroupPosition:
    return known(meter, [MARKETPLACE])[group, place.topic, place.partition]


def known(meter: LagMeter, marketplaces: Sequence[str]) -> dict[Place, GroupPosition]:
    """The positions, as soon as the young cluster can tell them."""
    found: list[dict[Place, GroupPosition]] = []

    def told() -> bool:
        standings = meter.records(marketplaces)
        found.extend([standings] if standings is not None else [])
        return bool(found)

    until(told, "the broker tells the committed offsets")
    return found[0]


def test_a_group_that_has_read_every_record_stands_at_nothing_before_a_trailing_marker(
    servers: str, meter: LagMeter, scores: TopicPartition
) -> None:
    append(servers, scores, [b"1", b"2"])
    commit(servers, "webhook_dispatcher", {scores: 2})
    assert measured(meter, scores) == GroupPosition(offset=2, records=0)


def test_aborted_records_are_nothing_to_read(servers: str, meter: LagMeter, scores: TopicPartition) -> None:
    append(servers, scores, [b"1"])
    for _ in range(3):
        append(servers, scores, [b"taken back"] * 400, commit=False)
    commit(servers, "webhook_dispatcher", {scores: 1})
    assert measured(meter, scores) == GroupPosition(offset=1, records=0)


def test_records_between_markers_are_counted_without_the_markers(
    servers: str, meter: LagMeter, scores: TopicPartition
) -> None:
    for _ in range(5):
        append(servers, scores, [b"1", b"2", b"3"])
    commit(servers, "webhook_dispatcher", {scores: 4})
    assert measured(meter, scores).records == 12


def test_what_an_open_transaction_holds_back_is_lag(servers: str, meter: LagMeter, scores: TopicPartition) -> None:
    commit(servers, "webhook_dispatcher", {scores: 0})
    with transaction(servers, scores, [b"1"]) as producer:
        assert measured(meter, scores).records == 1
        producer.commit_transaction()
    assert measured(meter, scores).records == 1


def test_beyond_the_bound_offsets_are_counted(servers: str, meter: LagMeter, scores: TopicPartition) -> None:
    append(servers, scores, [b"x"] * (3 * lag_module.EXACT_RECORDS))
    commit(servers, "webhook_dispatcher", {scores: 0})
    records = 3 * lag_module.EXACT_RECORDS
    assert records <= measured(meter, scores).records <= records + 1


def test_without_time_to_count_offsets_are_counted(
    servers: str, meter: LagMeter, scores: TopicPartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(servers, scores, [b"1", b"2"])
    commit(servers, "webhook_dispatcher", {scores: 0})
    monkeypatch.setattr(lag_module, "COUNTING_SECONDS", 0.0)
    assert measured(meter, scores).records == 3


def test_a_group_whose_offset_lies_beyond_a_topic_made_anew_has_all_of_it_to_read(
    servers: str, meter: LagMeter, scores: TopicPartition
) -> None:
    append(servers, scores, [b"1", b"2"])
    commit(servers, "webhook_dispatcher", {scores: 1000})
    assert measured(meter, scores) == GroupPosition(offset=0, records=2)


def test_what_was_deleted_before_a_group_read_it_is_not_waited_for(
    servers: str, meter: LagMeter, scores: TopicPartition
) -> None:
    place = TopicPartition(ASSESSMENTS, scores.partition)
    append(servers, place, [b"1", b"2", b"3"])
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        admin.delete_records({place: 2})
        assert admin.list_partition_offsets({place: OffsetSpec.EARLIEST})[place].offset == 2
    assert measured(meter, place, group_of("aggregator")) == GroupPosition(offset=2, records=1)


def test_the_lag_of_each_scorer_is_its_own_and_every_group_is_measured(servers: str, meter: LagMeter) -> None:
    place = TopicPartition(fulfilment_topic(MARKETPLACE), 0)
    append(servers, place, [b"1", b"2", b"3"])
    commit(servers, "packaging_scorer", {place: 3})
    commit(servers, "delivery_scorer", {place: 1})
    assert measured(meter, place, group_of("packaging_scorer")).records == 0
    assert measured(meter, place, group_of("delivery_scorer")).records == 2
    standings = known(meter, [MARKETPLACE])
    assert {group for group, _, _ in standings} == {
        group_of(name) for name in ("packaging_scorer", "delivery_scorer", "aggregator", "webhook_dispatcher")
    }


def test_a_marketplace_without_a_topic_hides_no_others_lag(meter: LagMeter) -> None:
    standings = known(meter, ["never-made", MARKETPLACE])
    topics = {topic for _, topic, _ in standings}
    assert fulfilment_topic(MARKETPLACE) in topics
    assert fulfilment_topic("never-made") not in topics
