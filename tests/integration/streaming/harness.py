"""Starts, feeds, stops and kills worker processes on a real Kafka, and reads back what they left there."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NodeNotReadyError,
    NotCoordinatorError,
    TopicAlreadyExistsError,
)

from greenlane.contracts.topics import DEAD_LETTERS

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 120.0
YOUNG = (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NodeNotReadyError, NotCoordinatorError)
"""What a cluster that has just started says of every group, and a client that has yet to connect to it again."""


def until(
    condition: Callable[[], bool], what: str | Callable[[], str], seconds: float = PATIENCE, *, required: bool = True
) -> None:
    """Poll until the condition holds; when the time is over, fail if it is required."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            assert not required, f"not in time: {what if isinstance(what, str) else what()}"
            return
        time.sleep(0.05)


class Worker:
    """One worker process; what it said is a list of (what, detail)."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.options = options
        self._out = folder / f"worker-{time.monotonic_ns()}.log"
        with self._out.open("wb") as out:
            command = [sys.executable, str(WORKER), json.dumps(options)]
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def text(self) -> str:
        return self._out.read_text()

    def said(self, what: str) -> list[Any]:
        lines = [json.loads(line) for line in self.text().splitlines() if line.startswith('["')]
        return [detail for said, detail in lines if said == what]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        until(lambda: condition() or self.process.poll() is not None, lambda: f"{what}; it said\n{self.text()[-3000:]}")
        assert condition(), f"the worker ended with {self.process.returncode} before: {what}\n{self.text()}"

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float = PATIENCE) -> int:
        until(lambda: self.process.poll() is not None, lambda: f"the worker's end; it said\n{self.text()}", seconds)
        return self.process.wait()

    def terminate(self) -> int:
        self.signal(signal.SIGTERM)
        return self.ended()


@contextmanager
def workers(folder: Path) -> Iterator[Callable[..., Worker]]:
    """Starts workers, and sees to it that none outlives the test."""
    started: list[Worker] = []

    def start(options: dict[str, Any], **changed: Any) -> Worker:
        started.append(Worker(folder, options | changed))
        return started[-1]

    try:
        yield start
    finally:
        for worker in started:
            if worker.process.poll() is None:
                os.kill(worker.process.pid, signal.SIGCONT)
                worker.process.kill()
                worker.process.wait()


class Log:
    """What the tests ask of Kafka directly."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
        self._producer = KafkaProducer(bootstrap_servers=bootstrap_servers, linger_ms=1)
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            group_id=None,
            isolation_level="read_committed",
            enable_auto_commit=False,
        )

    def close(self) -> None:
        self._consumer.close()
        self._producer.close()
        self._admin.close()

    def ensure_dead_letters(self) -> None:
        with suppress(TopicAlreadyExistsError):
            self.create(DEAD_LETTERS, 1)

    def create(self, topic: str, partitions: int) -> None:
        settings = {"num_partitions": partitions, "replication_factor": 1}
        self._admin.create_topics({topic: settings}, wait_for_metadata=True)

    def append(self, topic: str, records: Iterable[tuple[bytes, bytes | None]], partition: int = 0) -> None:
        """Append and wait for every acknowledgement."""
        sent = [self._producer.send(topic, key=key, value=value, partition=partition) for key, value in records]
        for future in sent:
            future.get(30)

    def append_transaction(self, topic: str, values: Sequence[bytes], *, commit: bool = True) -> None:
        """Append to partition 0 in one transaction of its own, and wait for the marker at its end."""
        marker = self.end(topic) + len(values)
        name = f"test-{time.monotonic_ns()}"
        producer = KafkaProducer(bootstrap_servers=self.bootstrap_servers, transactional_id=name)
        producer.init_transactions()
        producer.begin_transaction()
        for value in values:
            producer.send(topic, key=b"k", value=value, partition=0).get(30)
        if commit:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
        producer.close()
        until(lambda: self.end(topic) > marker, "the marker is written after the transaction's end is acknowledged")

    def read(self, topic: str) -> list[Any]:
        """Every committed record, partition by partition."""
        self._consumer.topics()
        numbers = sorted(self._consumer.partitions_for_topic(topic))
        return [record for number in numbers for record in _partition(self._consumer, topic, number)]

    def end(self, topic: str, partition: int = 0) -> int:
        """The offset after the partition's last record or marker."""
        place = TopicPartition(topic, partition)
        return int(self._consumer.end_offsets([place])[place])

    def committed(self, group: str, topic: str, partition: int = 0) -> int | None:
        """The group's committed offset, None before its first commit."""
        place = TopicPartition(topic, partition)
        try:
            found = self._admin.list_group_offsets({group: [place]})[group][place].offset
        except YOUNG:
            return None
        return None if found < 0 else int(found)

    def places(self, topic: str) -> list[TopicPartition]:
        """The topic's partitions."""
        return [TopicPartition(topic, number) for number in sorted(self._consumer.partitions_for_topic(topic))]

    def delete_before(self, topic: str, offset: int) -> None:
        """Remove the records before an offset, as retention would."""
        self._admin.delete_records({TopicPartition(topic, 0): offset})


def _partition(consumer: KafkaConsumer, topic: str, number: int) -> Iterator[Any]:
    place = TopicPartition(topic, number)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end = consumer.end_offsets([place])[place]
    while consumer.position(place) < end:
        yield from consumer.poll(timeout_ms=200).get(place, [])


def rows(records: Iterable[Any]) -> dict[bytes, bytes]:
    """The latest live row of each key of a changelog."""
    latest = {record.key: record.value for record in records}
    return {key: value for key, value in latest.items() if value is not None and key != b"\x00meta"}


class Traffic:
    """Seeded records `id:amount`, about a third of them repeats, and what they must add up to."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a test's seed, not a secret
        self.sums: Counter[bytes] = Counter()
        self.ids: dict[bytes, tuple[bytes, bytes]] = {}
        self.sent = 0

    def records(self, count: int) -> list[tuple[bytes, bytes]]:
        self.sent += count
        return [self._record() for _ in range(count)]

    def _record(self) -> tuple[bytes, bytes]:
        if self.ids and self._random.random() < 1 / 3:
            return self._random.choice(list(self.ids.values()))
        name, key = b"id%d" % len(self.ids), b"seller%d" % self._random.randrange(9)
        amount = self._random.randrange(1, 1000)
        self.sums[key] += amount
        self.ids[name] = (key, b"%s:%d" % (name, amount))
        return self.ids[name]


def check(log: Log, options: dict[str, Any], traffic: Traffic) -> None:
    """State, effects and the committed offset are what the traffic alone implies."""
    state = rows(log.read(options["changelog"]))
    assert {key[1:]: int(value) for key, value in state.items() if key[:1] == b"s"} == traffic.sums
    assert {key[1:] for key in state if key[:1] == b"l"} == set(traffic.ids)
    assert int(state[b"n"]) == traffic.sent
    effects = Counter(record.key for record in log.read(options["effects"]))
    assert effects == Counter(dict.fromkeys(traffic.ids, 1))
    assert log.committed(options["group_id"], options["topics"][0]) == traffic.sent
