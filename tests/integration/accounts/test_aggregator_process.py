"""The aggregator's process on a real Kafka: assessments and closed days in, scores and decisions out, through kills."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from prometheus_client import CollectorRegistry

from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.process import STAGE
from greenlane.accounts.aggregator.state import Accounts
from greenlane.accounts.aggregator.telemetry import Gauges
from greenlane.contracts.topics import ASSESSMENTS, BADGE_DECISIONS, DEAD_LETTERS, SELLER_SCORES, declared_topics
from greenlane.factors.loading import load_policy
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.metrics import AggregatorMetrics
from greenlane.operations.topic_provisioning import apply

MARKET, PARTITIONS = "demo-vn", 2
FIRST, DAYS, SELLERS = date(2026, 7, 1), 24, 12
PATIENCE = 120.0
POLICY = """
version: "0.0.1"
window_days: 6
lateness_days: 3
prior_parcels: 1
enter_days: 2
leave_days: 2
leave_margin: 0
levels:
  - {level: bronze, green_min: 45, dimension_min: 40, primary_share_min_percent: 0, packed_min: 5, delivered_min: 0,
     active_days_min: 3, non_compliant_max_percent: 2}
  - {level: silver, green_min: 50, dimension_min: 40, primary_share_min_percent: 0, packed_min: 5, delivered_min: 0,
     active_days_min: 3, non_compliant_max_percent: 2}
  - {level: gold, green_min: 60, dimension_min: 40, primary_share_min_percent: 0, packed_min: 5, delivered_min: 0,
     active_days_min: 3, non_compliant_max_percent: 2}
"""


def until(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.1)


class Log:
    """Writes the aggregator's input and reads what it states, each record once it is committed."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._producer = KafkaProducer(bootstrap_servers=bootstrap_servers, linger_ms=1)
        self._readers: dict[str, Reader] = {}

    def append(self, records: list[tuple[int, bytes]]) -> None:
        """Append to the given partitions and wait for every acknowledgement."""
        for sent in [self._producer.send(ASSESSMENTS, value=value, partition=number) for number, value in records]:
            sent.get(30)

    def read(self, topic: str) -> list[Any]:
        """Every record committed so far, partition by partition."""
        reader = self._readers.get(topic)
        if reader is None:
            reader = self._readers[topic] = Reader(self._bootstrap_servers, topic)
        return reader.read()

    def close(self) -> None:
        self._producer.close()
        for reader in self._readers.values():
            reader.close()


class Reader:
    """Follows one topic with one consumer, remembering what it has read."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers, isolation_level="read_committed", enable_auto_commit=False
        )
        self._places = [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic)]
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning(*self._places)
        self._records: list[Any] = []

    def read(self) -> list[Any]:
        """Everything up to the present end."""
        ends = self._consumer.end_offsets(self._places)
        while any(self._consumer.position(place) < ends[place] for place in self._places):
            for fetched in self._consumer.poll(timeout_ms=200).values():
                self._records += fetched
        return sorted(self._records, key=lambda record: (record.partition, record.offset))

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def log(fresh_kafka: str) -> Iterator[Log]:
    apply(fresh_kafka, declared_topics([MARKET]), PARTITIONS, 1)
    log = Log(fresh_kafka)
    yield log
    log.close()


class Aggregator:
    """The process, as an operator runs it; killed and started again under the same name."""

    def __init__(self, bootstrap_servers: str, folder: Path) -> None:
        policy = folder / "policy.yaml"
        policy.write_text(POLICY)
        self._said = folder / "aggregator.log"
        self._environment = os.environ | {
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
            "GREENLANE_PARTITIONS": str(PARTITIONS),
            "GREENLANE_MARKETPLACES": MARKET,
            "GREENLANE_POLICY_FILE": str(policy),
            "GREENLANE_PORT": "0",
        }
        self.start()

    def start(self) -> None:
        with self._said.open("ab") as said:
            command = [sys.executable, "-m", "greenlane", "run", "aggregator"]
            self.process = subprocess.Popen(command, env=self._environment, stdout=said, stderr=said)

    def kill(self) -> None:
        """As `kill -9` does: no word to anyone."""
        self.process.kill()
        self.process.wait()

    def alive(self) -> bool:
        assert self.process.poll() is None, self._said.read_text()[-3000:]
        return True

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture
def aggregator(fresh_kafka: str, log: Log, tmp_path: Path) -> Iterator[Aggregator]:
    _ = log
    aggregator = Aggregator(fresh_kafka, tmp_path)
    yield aggregator
    if aggregator.process.poll() is None:
        aggregator.kill()


def history(seed: int) -> list[list[tuple[int, bytes]]]:
    """Each day's records of both partitions: sellers good and bad by turns, corrections, repeats, cancellations."""
    chance = random.Random(seed)  # noqa: S311 - a seeded history, no secret
    days: list[list[tuple[int, bytes]]] = []
    past: list[tuple[int, bytes]] = []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        said = [
            (seller % PARTITIONS, packed(chance, day, f"seller-{seller}", f"{number}-{parcel}"))
            for seller in range(SELLERS)
            for parcel in range(4)
        ]
        past += said
        said += chance.choices(past, k=10)
        said.append((0, cancelled(day, "seller-0", f"{number}-0")))
        chance.shuffle(said)
        closing = {"type": "greenlane.day-closed.v1", "marketplace": MARKET}
        closing |= {"first_day": str(day), "last_day": str(day)}
        said += [(partition, json.dumps(closing).encode()) for partition in range(PARTITIONS)]
        days.append(said)
    return days


def packed(chance: random.Random, day: date, seller: str, parcel: str) -> bytes:
    wasteful = (day.toordinal() // 8 + int(seller[7:])) % 2
    co2e = chance.randrange(100, 300) * (4 if wasteful else 1)
    said = common(day, seller, parcel) | {
        "type": "greenlane.assessment.v1",
        "revision": chance.randrange(3),
        "dimension": "packaging",
        "contribution": {
            "parcels": 1,
            "packaging_co2e_mg": co2e,
            "co2e_ratio": min(2_000_000, co2e * 2_500),
            "plastic_ratio": 500_000,
        },
        "data_category": "primary",
        "factor_ids": ["factor"],
        "method_version": METHOD_VERSION,
    }
    return json.dumps(said).encode()


def cancelled(day: date, seller: str, parcel: str) -> bytes:
    said = common(day, seller, parcel) | {"type": "greenlane.retraction.v1", "event_id": "cancellation"}
    return json.dumps(said).encode()


def common(day: date, seller: str, parcel: str) -> dict[str, Any]:
    origin = {"topic": "greenlane.fulfilment.demo-vn.v1", "partition": 0, "offset": 0, "appended_ms": 0}
    return {
        "marketplace": MARKET,
        "seller_id": seller,
        "parcel_id": parcel,
        "occurred_at": f"{day}T10:00:00.000000Z",
        "event_id": "e1",
        "origin": origin,
    }


def undisturbed(log: Log, tmp_path: Path) -> tuple[dict[bytes, Any], list[bytes]]:
    """The last score of every seller and every decision of a state that is fed the log in one go."""
    scores: dict[bytes, Any] = {}
    decisions: list[bytes] = []
    records = log.read(ASSESSMENTS)
    for partition in range(PARTITIONS):
        gauges = Gauges(AggregatorMetrics(CollectorRegistry(), [MARKET]))
        accounts = Accounts(
            partition, PackedEntries(), load_policy(tmp_path / "policy.yaml"), STAGE, gauges, pytest.fail
        )
        for outcome in accounts.handle([record for record in records if record.partition == partition]):
            for topic, key, value, *_ in outcome.outputs:
                assert value is not None
                if topic == SELLER_SCORES:
                    scores[key] = value
                else:
                    decisions.append(value)
    return scores, decisions


def more_than(log: Log, aggregator: Aggregator, stated: int) -> bool:
    return aggregator.alive() and len(log.read(SELLER_SCORES)) > stated


def test_kills_in_the_middle_change_no_score_and_no_decision(log: Log, aggregator: Aggregator, tmp_path: Path) -> None:
    kills = {5, 11, 17}
    for number, said in enumerate(history(seed=7)):
        half, stated = len(said) // 2, len(log.read(SELLER_SCORES)) if number in kills else 0
        log.append(said[:half])
        if number in kills:
            until(partial(more_than, log, aggregator, stated), "half of the day")
        log.append(said[half:])
        if number in kills:
            aggregator.kill()
            aggregator.start()
    scores, decisions = undisturbed(log, tmp_path)
    until(lambda: aggregator.alive() and len(log.read(BADGE_DECISIONS)) >= len(decisions), "every decision")
    until(lambda: {record.key: record.value for record in log.read(SELLER_SCORES)} == scores, "every last score")
    assert sorted(record.value for record in log.read(BADGE_DECISIONS)) == sorted(decisions)
    kinds = {json.loads(decision)["type"] for decision in decisions}
    assert kinds == {"badge.granted", "badge.level_changed", "badge.warned", "badge.revoked"}
    assert aggregator.stop() == 0


def test_a_record_nobody_can_read_becomes_a_dead_letter_and_the_next_is_counted(
    log: Log, aggregator: Aggregator
) -> None:
    closing = {"type": "greenlane.day-closed.v1", "marketplace": MARKET, "first_day": "2026-07-01"}
    chance = random.Random(1)  # noqa: S311 - no secret
    log.append([(0, json.dumps(closing | {"last_day": "2026-07-01"}).encode()), (0, b"not json")])
    log.append([(0, packed(chance, FIRST + timedelta(days=1), "seller-0", "p"))])
    until(lambda: aggregator.alive() and len(log.read(SELLER_SCORES)) == 1, "the score")
    (letter,) = log.read(DEAD_LETTERS)
    failure = json.loads(letter.value)["data"]["failure"]
    assert (failure["stage"], failure["code"]) == ("aggregation", "not_json")
