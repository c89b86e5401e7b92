"""The publishing SDK on a real Kafka: everything arrives as published, and what a silent broker swallows is named."""

import json
import os
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from aiokafka.partitioner import murmur2
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.reading import read_event
from greenlane.contracts.topics import MAX_EVENT_BYTES, fulfilment_topic
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.publisher.malformed import malformed_records
from greenlane.publisher.receipts import NotDelivered, Outcome, PublisherBusy, PublisherUnavailable, Receipt
from greenlane.publisher.replay import Pace, replay
from greenlane.publisher.sdk import Options, Publisher
from greenlane.publisher.simulator import SimulationPlan, simulate
from greenlane.publisher.timeline import Fate, RawRecord

PARTITIONS = 4


class Own(NamedTuple):
    """A broker that a test may stop, by its process id, and a marketplace whose topic it has."""

    bootstrap_servers: str
    pid: int
    marketplace: str


def create(bootstrap_servers: str, marketplace: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    configs = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(MAX_EVENT_BYTES)}
    topic = {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": configs}
    admin.create_topics({fulfilment_topic(marketplace): topic}, wait_for_metadata=True)
    admin.close()


@pytest.fixture
def marketplace(bootstrap_servers: str) -> str:
    """A marketplace of this test alone, with its topic."""
    name = f"test-{uuid4().hex[:12]}"
    create(bootstrap_servers, name)
    return name


def records(bootstrap_servers: str, marketplace: str) -> list[Any]:
    """Everything in the marketplace's topic."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
    )
    partitions = [TopicPartition(fulfilment_topic(marketplace), number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    found: list[Any] = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for batch in consumer.poll(timeout_ms=500).values():
            found.extend(batch)
    consumer.close()
    return found


def some_events(marketplace: str, count: int) -> list[FulfilmentEvent]:
    plan = SimulationPlan(sellers=24, days=40, marketplace=marketplace, malformed=0)
    history = simulate(plan)
    events: list[FulfilmentEvent] = []
    while len(events) < count:
        payload = next(history).payload
        assert not isinstance(payload, RawRecord)
        events.append(payload)
    return events


@pytest.mark.parametrize("options", [Options(), Options(mode="structured")], ids=["binary", "structured"])
def test_every_event_arrives_once_and_reads_back(bootstrap_servers: str, marketplace: str, options: Options) -> None:
    events = list({event.id: event for event in some_events(marketplace, 500)}.values())
    heard: list[Receipt] = []

    with Publisher(bootstrap_servers, marketplace, options, on_receipt=heard.append) as publisher:
        futures = [publisher.publish(event) for event in events]
        tally = publisher.flush()

    found = records(bootstrap_servers, marketplace)
    read = [read_event(record) for record in found]
    assert {reading.event.id: reading.event for reading in read if reading.event} == {
        event.id: event for event in events
    }
    assert (len(found), tally.delivered, tally.pending) == (len(events), len(events), 0)
    places = {(record.partition, record.offset) for record in found}
    assert {(receipt.partition, receipt.offset) for receipt in (future.result() for future in futures)} == places
    assert Counter(receipt.outcome for receipt in heard) == {Outcome.DELIVERED: len(events)}


def test_the_key_is_the_seller_and_the_partition_kafka_s_own(bootstrap_servers: str, marketplace: str) -> None:
    with Publisher(bootstrap_servers, marketplace) as publisher:
        for event in some_events(marketplace, 200):
            publisher.publish(event)

    found = records(bootstrap_servers, marketplace)
    assert len({record.partition for record in found}) > 1
    for record in found:
        headers = dict(record.headers)
        assert record.key == headers["ce_subject"]
        assert headers["content-type"] == b"application/json"
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % PARTITIONS


def test_a_mapping_and_json_bytes_are_checked_and_published_like_a_model(
    bootstrap_servers: str, marketplace: str
) -> None:
    (event,) = some_events(marketplace, 1)

    with Publisher(bootstrap_servers, marketplace) as publisher:
        publisher.publish(event.model_dump(mode="json", exclude_none=True))
        publisher.publish(event.model_dump_json().encode())

    assert [read_event(record).event for record in records(bootstrap_servers, marketplace)] == [event, event]


def test_a_bad_event_is_refused_before_it_is_sent(bootstrap_servers: str, marketplace: str) -> None:
    (event,) = some_events(marketplace, 1)
    document = event.model_dump(mode="json", exclude_none=True)

    with Publisher(bootstrap_servers, marketplace) as publisher:
        with pytest.raises(Refusal, match="surprise: is not a field"):
            publisher.publish(document | {"surprise": 1})
        for wrong, code in (
            ({"source": "/marketplaces/another"}, DeadLetterCode.SOURCE_MISMATCH),
            ({"time": "2999-01-01T00:00:00Z"}, DeadLetterCode.FUTURE_TIME),
        ):
            model = type(event).model_validate_json(json.dumps(document | wrong))
            for bad in (document | wrong, model):
                with pytest.raises(Refusal) as caught:
                    publisher.publish(bad)
                assert caught.value.code is code

    assert records(bootstrap_servers, marketplace) == []


def test_unchecked_bytes_arrive_as_they_are(bootstrap_servers: str, marketplace: str) -> None:
    cases = malformed_records(marketplace)

    with Publisher(bootstrap_servers, marketplace) as publisher:
        for case in cases:
            publisher.publish_raw(case.record, name=case.name)

    found = records(bootstrap_servers, marketplace)
    assert Counter((record.key, record.value, tuple(record.headers)) for record in found) == Counter(
        (case.record.key, case.record.value, case.record.headers) for case in cases
    )
    codes = Counter(reading.refusal.code for reading in map(read_event, found) if reading.refusal)
    assert codes == Counter(case.code for case in cases)


def test_a_record_the_broker_refuses_is_named_as_failed(bootstrap_servers: str, marketplace: str) -> None:
    large = RawRecord(b"seller", b"x" * (MAX_EVENT_BYTES + 1))

    with (
        pytest.raises(NotDelivered, match="too-large") as caught,
        Publisher(bootstrap_servers, marketplace) as publisher,
    ):
        future = publisher.publish_raw(large, name="too-large")

    assert future.result().outcome is Outcome.FAILED
    assert caught.value.receipts == (future.result(),)
    assert records(bootstrap_servers, marketplace) == []


def test_a_replay_publishes_the_history_and_closes_its_days(bootstrap_servers: str, marketplace: str) -> None:
    plan = SimulationPlan(sellers=16, days=12, marketplace=marketplace, late=4, malformed=12)
    closed: list[tuple[str, int]] = []

    with Publisher(bootstrap_servers, marketplace) as publisher:

        def close(name: str, first: date, last: date) -> None:
            assert len(records(bootstrap_servers, name)) == publisher.tally.delivered
            closed.append((name, (last - first).days + 1))

        report = replay(simulate(plan), publisher, Pace(close_every=5), close)

    found = records(bootstrap_servers, marketplace)
    assert closed == [(marketplace, 5), (marketplace, 5), (marketplace, 2)]
    assert len(found) == report.published
    assert sum(read_event(record).event is None for record in found) == report.by_fate[Fate.DEAD_LETTER] == 12
    assert report.by_kind == Counter(item.kind for item in simulate(plan))


def test_no_topic_is_said_at_once_with_the_remedy(bootstrap_servers: str) -> None:
    with pytest.raises(PublisherUnavailable, match="greenlane topics apply"):
        Publisher(bootstrap_servers, f"nobody-{uuid4().hex[:8]}")


def test_no_broker_is_said_with_the_address() -> None:
    with pytest.raises(PublisherUnavailable, match=r"127\.0\.0\.1:1\b"):
        Publisher("127.0.0.1:1", "demo-vn", Options(deadline=1.0))


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[EmbeddedKafka]:
    """A broker that these tests may stop."""
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def own(own_kafka: EmbeddedKafka) -> Own:
    """That broker, with a topic of this test alone."""
    assert own_kafka.pid is not None
    name = f"test-{uuid4().hex[:12]}"
    create(own_kafka.bootstrap_servers, name)
    return Own(own_kafka.bootstrap_servers, own_kafka.pid, name)


def publish_until_busy(send: Callable[[int], Future[Receipt]], most: int) -> list[Future[Receipt]]:
    """Send until there is no room; what was taken until then."""
    taken: list[Future[Receipt]] = []
    for number in range(most):
        try:
            taken.append(send(number))
        except PublisherBusy:
            return taken
    pytest.fail(f"the publisher took all of {most} records")


def test_a_silent_broker_fills_the_room_and_no_more_and_every_event_is_named(own: Own) -> None:
    """kafka-python alone took 150,000 records into memory from a frozen broker and named none of them at close."""
    limit = 300
    threads = set(threading.enumerate())
    events = list({event.id: event for event in some_events(own.marketplace, 1_000)}.values())
    publisher = Publisher(own.bootstrap_servers, own.marketplace, Options(max_count=limit, deadline=2.0))
    acknowledged = publisher.publish(events[0]).result(timeout=30)

    with frozen(own.pid):
        taken = publish_until_busy(lambda number: publisher.publish(events[1 + number], wait=0), len(events) - 1)
        assert publisher.tally.pending == limit == len(taken)
        lost = publisher.close()
        tally = publisher.tally
        left = [thread.name for thread in set(threading.enumerate()) - threads]

    ids = [event.id for event in events[1 : limit + 1]]
    assert acknowledged.outcome is Outcome.DELIVERED
    assert (tally.delivered, tally.failed + tally.unknown, tally.pending) == (1, limit, 0)
    assert [future.result(timeout=0).event_id for future in taken] == ids
    assert sorted(receipt.event_id for receipt in lost) == sorted(ids)
    assert {receipt.outcome for receipt in lost} == {Outcome.UNKNOWN}
    assert left == []


def test_room_is_bounded_by_bytes_too(own: Own) -> None:
    limit = 2 * MAX_EVENT_BYTES
    publisher = Publisher(own.bootstrap_servers, own.marketplace, Options(max_bytes=limit, deadline=2.0))
    record = RawRecord(b"s", b"x" * 100_000)

    with frozen(own.pid):
        taken = publish_until_busy(lambda _: publisher.publish_raw(record, wait=0), 100)
        publisher.close()

    assert len(taken) == limit // 100_000


def test_events_that_waited_for_a_silent_broker_arrive_when_it_answers(own: Own) -> None:
    events = some_events(own.marketplace, 50)

    with Publisher(own.bootstrap_servers, own.marketplace, Options(deadline=60.0)) as publisher:
        with frozen(own.pid):
            futures = [publisher.publish(event) for event in events]
            assert not any(future.done() for future in futures)
        assert publisher.flush().delivered == len(events)

    found = [reading.event for reading in map(read_event, records(own.bootstrap_servers, own.marketplace))]
    assert Counter(event.id for event in found if event) == Counter(event.id for event in events)
