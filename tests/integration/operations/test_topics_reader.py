"""The oracle reads topics as they lie in Kafka: whole, up to where they ended when it began, gaps included."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.topics_reader import TopicsReader, TopicsUnreadableError

Topics = Callable[..., str]


@pytest.fixture
def producer(bootstrap_servers: str) -> Iterator[Any]:
    sender = KafkaProducer(bootstrap_servers=bootstrap_servers)
    yield sender
    sender.close()


def silent(_read: int, _total: int) -> None:
    """Progress that nobody watches."""


def values(bootstrap_servers: str, topic: str) -> list[tuple[int, int, bytes | None]]:
    with TopicsReader(bootstrap_servers, [topic], silent) as reader:
        return [(record.partition, record.offset, record.value) for record in reader.records(topic)]


def test_every_partition_is_read_in_order(bootstrap_servers: str, topics: Topics, producer: Any) -> None:
    topic = topics(partitions=2)
    for number in range(6):
        producer.send(topic, b"%d" % number, partition=number % 2)
    producer.flush()
    assert values(bootstrap_servers, topic) == [
        (partition, offset, b"%d" % (2 * offset + partition)) for partition in range(2) for offset in range(3)
    ]


def test_an_empty_topic_has_no_records(bootstrap_servers: str, topics: Topics) -> None:
    assert values(bootstrap_servers, topics(partitions=3)) == []


def test_reading_ends_where_the_topic_ended_when_it_began(
    bootstrap_servers: str, topics: Topics, producer: Any
) -> None:
    topic = topics()
    producer.send(topic, b"before").get(30)
    with TopicsReader(bootstrap_servers, [topic], silent) as reader:
        producer.send(topic, b"after").get(30)
        assert [record.value for record in reader.records(topic)] == [b"before"]


def test_null_values_keys_and_headers_arrive_as_they_were_written(
    bootstrap_servers: str, topics: Topics, producer: Any
) -> None:
    topic = topics()
    producer.send(topic, None, key=b"k", headers=[("ce_type", b"t")]).get(30)
    with TopicsReader(bootstrap_servers, [topic], silent) as reader:
        (record,) = reader.records(topic)
    assert (record.key, record.value, list(record.headers)) == (b"k", None, [("ce_type", b"t")])
    assert record.timestamp > 0


@pytest.mark.parametrize("committed", [True, False])
def test_only_committed_records_are_read_and_markers_at_the_end_do_not_hold_it_up(
    bootstrap_servers: str, topics: Topics, producer: Any, committed: bool
) -> None:
    topic = topics()
    producer.send(topic, b"plain").get(30)
    sender: Any = KafkaProducer(
        bootstrap_servers=bootstrap_servers, transactional_id=f"oracle-{topic}", enable_idempotence=True
    )
    sender.init_transactions()
    sender.begin_transaction()
    sender.send(topic, b"in a transaction").get(30)
    if committed:
        sender.commit_transaction()
    else:
        sender.abort_transaction()
    sender.close()
    expected = [b"plain", b"in a transaction"] if committed else [b"plain"]
    assert [value for _, _, value in values(bootstrap_servers, topic)] == expected


def test_progress_ends_at_everything_there_was(bootstrap_servers: str, topics: Topics, producer: Any) -> None:
    first, second = topics(partitions=2), topics()
    for topic in (first, second):
        for number in range(10):
            producer.send(topic, b"%d" % number)
    producer.flush()
    told: list[tuple[int, int]] = []
    with TopicsReader(bootstrap_servers, [first, second], lambda read, total: told.append((read, total))) as reader:
        assert sum(1 for topic in (first, second) for _ in reader.records(topic)) == 20
    assert told[-1] == (20, 20)
    assert told == sorted(told)


def test_a_missing_topic_is_named_with_the_remedy(bootstrap_servers: str) -> None:
    with pytest.raises(TopicsUnreadableError, match=r"topic nowhere-to-be-found does not exist.*topics apply"):
        TopicsReader(bootstrap_servers, ["nowhere-to-be-found"], silent)


def test_a_partition_that_stops_answering_is_named() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as server,
    ):
        with kafka_admin(server.bootstrap_servers) as admin:
            admin.create_topics({"events": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
        sender = KafkaProducer(bootstrap_servers=server.bootstrap_servers)
        sender.send("events", b"x").get(30)
        sender.close()
        with TopicsReader(server.bootstrap_servers, ["events"], silent, stall_seconds=1) as reader:
            assert server.pid is not None
            os.kill(server.pid, signal.SIGSTOP)  # a dead broker would make the client leave sockets behind
            try:
                with pytest.raises(TopicsUnreadableError, match="events partition 0 at offset 0 of 1: no answer for 1"):
                    list(reader.records("events"))
            finally:
                os.kill(server.pid, signal.SIGCONT)
