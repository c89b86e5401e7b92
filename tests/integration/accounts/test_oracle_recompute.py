"""`recompute` on topics written by hand: it agrees with what is right and finds everything that is not."""

import base64
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition

from greenlane.accounts.oracle.compare import Comparison
from greenlane.accounts.oracle.partition_accounts import PartitionAccounts
from greenlane.accounts.oracle.recompute import recompute
from greenlane.contracts.assessing import assessment_of, output_key
from greenlane.contracts.assessments import Assessment, DayClosed, Retraction, account_key
from greenlane.contracts.dead_letters import (
    DeadLetter,
    DeadLetterCode,
    DeadLetterData,
    Failure,
    Origin,
    Processor,
    dead_letter_id,
)
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.topics import (
    ASSESSMENTS,
    BADGE_DECISIONS,
    DEAD_LETTERS,
    SELLER_SCORES,
    declared_topics,
    fulfilment_topic,
)
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.topic_provisioning import apply
from greenlane.operations.topics_reader import TopicsUnreadableError
from greenlane.settings import Settings, load_settings

INPUT = fulfilment_topic("shop")
Step = tuple[bytes, bytes] | DayClosed
"""Key and value of a published event, or a closing."""
Message = Assessment | Retraction | DayClosed

EASY_LEVEL = (
    "{{level: {level}, green_min: {green}, dimension_min: 0, primary_share_min_percent: 0, packed_min: 1, "
    "delivered_min: 0, active_days_min: 1, non_compliant_max_percent: 100}}"
)
POLICY = "\n".join(
    [
        'version: "1.0.0"',
        "window_days: 90\nlateness_days: 10\nprior_parcels: 30\nenter_days: 2\nleave_days: 2\nleave_margin: 0",
        "levels:",
        *(
            f"  - {EASY_LEVEL.format(level=level, green=green)}"
            for level, green in (("bronze", 30), ("silver", 99), ("gold", 99))
        ),
    ]
)


def event(kind: str, seller: str, parcel: str, day: int, number: int, **data: Any) -> tuple[bytes, bytes]:
    """Key and value of a structured event."""
    document = {
        "specversion": "1.0",
        "type": kind,
        "source": "/marketplaces/shop",
        "id": f"event-{number}",
        "time": f"2026-06-{day:02}T12:00:00Z",
        "subject": seller,
        "data": {"parcel_id": parcel} | data,
    }
    return seller.encode(), json.dumps(document).encode()


PACKED, CANCELLED = "greenlane.parcel.packed.v1", "greenlane.parcel.cancelled.v1"

PUBLISHED: list[Step] = [
    event(PACKED, "ann", "a1", 1, 0, country="VN"),
    event(PACKED, "ann", "a1", 1, 0, country="VN"),  # published twice
    event(PACKED, "ann", "a1", 1, 2, country="VN", revision=1, correction_reason="data_entry"),
    event(PACKED, "ann", "a1", 1, 3, country="VN"),  # older than the correction
    event(PACKED, "bob", "b1", 2, 4, country="VN"),
    event(PACKED, "bob", "b2", 2, 5, country="VN"),
    event(CANCELLED, "bob", "b2", 3, 6),
    (b"bob", b"{"),
    event("greenlane.heartbeat.v1", "ann", "none", 3, 8),
]
CLOSING_THEN_LATE: list[Step] = [
    DayClosed(marketplace="shop", first_day=date(2026, 6, 1), last_day=date(2026, 6, 14)),
    event(PACKED, "ann", "a9", 2, 9, country="VN"),
    event(PACKED, "ann", "a2", 15, 10, country="VN"),
]


@dataclass
class Stored:
    """A record as it lies on its topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class Pipeline:
    """Writes to the topics what a faultless pipeline would, so that a test can then spoil it."""

    settings: Settings
    producer: Any

    def send(self, topic: str, key: bytes | None, value: bytes | None) -> Stored:
        """Append a record; returns it as it lies there."""
        sent = self.producer.send(topic, value, key=key, partition=0).get(30)
        return Stored(topic, sent.partition, sent.offset, sent.timestamp, key, value)

    def publish(self, steps: Sequence[Step]) -> list[Message]:
        """Append events and closings in order with what the scorers say of each; returns the account's input."""
        method = load_method()
        said: list[Message] = []
        for step in steps:
            if isinstance(step, DayClosed):
                message: Message | None = step
                self.send(ASSESSMENTS, b"clock", step.model_dump_json().encode())
            else:
                record = self.send(INPUT, *step)
                reading = read_event(record)
                message = None if reading.event is None else assessment_of(record, reading.event, method)
                if message is not None:
                    self.send(ASSESSMENTS, output_key(message), message.model_dump_json().encode())
                elif reading.type != "greenlane.heartbeat.v1":
                    self.send(DEAD_LETTERS, None, letter(record).model_dump_json().encode())
            if message is not None:
                said.append(message)
        return said

    def state(self, messages: list[Message]) -> tuple[list[SellerScore], list[BadgeDecision]]:
        """Append the scores and decisions that follow from the account's input."""
        accounts = PartitionAccounts(load_policy(self.settings.policy_file))
        for message in messages:
            accounts.take(message)
        scores = list(accounts.statements())
        for score in scores:
            self.send(SELLER_SCORES, account_key("shop", score.subject), score.model_dump_json().encode())
        for decision in accounts.decisions:
            self.send(BADGE_DECISIONS, account_key("shop", decision.subject), decision.model_dump_json().encode())
        return scores, accounts.decisions

    def recompute(self) -> Comparison:
        return recompute(self.settings, progress=silent)


def silent(_read: int, _total: int) -> None:
    """Progress that nobody watches."""


def letter(record: Stored) -> DeadLetter:
    stage = "packaging_scorer"
    assert record.value is not None
    return DeadLetter(
        source=f"/services/{stage}",
        id=dead_letter_id(record.topic, record.partition, record.offset, stage),
        data=DeadLetterData(
            failure=Failure(stage=stage, code=DeadLetterCode.NOT_JSON, retriable=False, first_at_ms=0, messages=()),
            origin=Origin(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                timestamp_ms=record.timestamp,
                key_b64=None,
                headers=(),
            ),
            processor=Processor(service=stage, version="1", method_version=METHOD_VERSION),
            raw_b64=base64.b64encode(record.value).decode(),
        ),
    )


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[str]:
    """A broker for this file alone: the declared topics have one name each."""
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as server,
    ):
        yield server.bootstrap_servers


@pytest.fixture
def pipeline(own_kafka: str, tmp_path: Path) -> Iterator[Pipeline]:
    policy_file = tmp_path / "policy.yaml"
    policy_file.write_text(POLICY)
    settings = load_settings(kafka_bootstrap_servers=own_kafka, marketplaces=("shop",), policy_file=policy_file)
    declared = declared_topics(("shop",))
    apply(own_kafka, declared, 2, 1)
    producer = KafkaProducer(bootstrap_servers=own_kafka)
    yield Pipeline(settings, producer)
    producer.close()
    with kafka_admin(own_kafka) as admin:
        admin.delete_topics([topic.name for topic in declared])
        deadline = time.monotonic() + 30
        while set(admin.list_topics()) & {topic.name for topic in declared}:
            assert time.monotonic() < deadline, "the topics are still there"


def test_a_faultless_pipeline_agrees_and_every_record_has_its_fate(pipeline: Pipeline) -> None:
    pipeline.state(pipeline.publish([*PUBLISHED, *CLOSING_THEN_LATE]))
    result = pipeline.recompute()
    assert result.agrees, result.to_text()
    assert (result.published, result.ignored, result.dead_letters, result.unaccounted) == (11, 1, 1, 0)
    assert (result.assessed, result.duplicates, result.superseded, result.late) == (6, 1, 1, 1)
    assert (result.sellers, result.decisions, result.badges) == (2, 2, 2)
    assert json.loads(result.to_json())["sellers"] == 2


def test_topics_without_any_record_agree(pipeline: Pipeline) -> None:
    result = pipeline.recompute()
    assert (result.agrees, result.published, result.sellers) == (True, 0, 0)


def test_everything_that_is_spoilt_is_found(pipeline: Pipeline) -> None:
    messages = pipeline.publish([*PUBLISHED, *CLOSING_THEN_LATE])
    (ann, _), (granted, _) = pipeline.state(messages)
    key = account_key("shop", "ann")

    repeat = next(message for message in messages if not isinstance(message, DayClosed))
    pipeline.send(ASSESSMENTS, output_key(repeat), repeat.model_dump_json().encode())
    pipeline.send(BADGE_DECISIONS, key, granted.model_dump_json().encode())
    result = pipeline.recompute()
    assert result.agrees, "a scorer that repeats itself and a repeated decision are harmless"
    assert (result.scorer_repeats, result.decision_repeats) == (1, 1)

    changed = ann.model_dump_json().replace('"packaging":{"parcels":2', '"packaging":{"parcels":3')
    pipeline.send(SELLER_SCORES, key, changed.encode())
    extra = granted.model_copy(update={"id": "f" * 32})
    pipeline.send(BADGE_DECISIONS, key, extra.model_dump_json().encode())
    lost = pipeline.send(INPUT, *event(PACKED, "bob", "b3", 3, 11, country="VN"))
    corrupted = letter(pipeline.send(INPUT, b"bob", b"["))
    broken = corrupted.data.model_copy(update={"raw_b64": ""})
    pipeline.send(DEAD_LETTERS, None, corrupted.model_copy(update={"data": broken}).model_dump_json().encode())
    pipeline.send(ASSESSMENTS, key, b"no assessment")

    result = pipeline.recompute()
    assert (result.different, result.decisions_different) == (1, 1)
    assert (result.unaccounted, result.unexplained) == (2, 2)
    assert result.published == 13
    assert result.first_difference is not None
    assert result.first_difference[:1] + result.first_difference[2:] == (
        "shop/ann",
        "data.sums.packaging.parcels",
        "2",
        "3",
    )
    assert result.first_unaccounted == f"{INPUT} partition 0 offset {lost.offset}"


def test_a_cut_off_log_is_refused_with_the_remedy(pipeline: Pipeline) -> None:
    pipeline.publish(CLOSING_THEN_LATE)
    with kafka_admin(pipeline.settings.kafka_bootstrap_servers) as admin:
        admin.delete_records({TopicPartition(ASSESSMENTS, 0): 1})
    with pytest.raises(
        TopicsUnreadableError,
        match=r"begins at offset 1: .* would not be the same.*--checkpoint",
    ):
        pipeline.recompute()
