"""Every Kafka topic, declared once: key, payload, who writes, who reads, how long it is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from greenlane.contracts.events import EVENT_MODELS

DAY_MS = 86_400_000

ASSESSMENTS = "greenlane.assessments.v1"
SELLER_SCORES = "greenlane.seller-scores.v1"
BADGE_DECISIONS = "greenlane.badge-decisions.v1"
DEAD_LETTERS = "greenlane.dead-letters.v1"
RULES = "greenlane.rules.v1"
AGGREGATOR_CHANGELOG = "greenlane.aggregator-changelog.v1"

MAX_EVENT_BYTES = 262_144
MAX_DEAD_LETTER_BYTES = MAX_EVENT_BYTES * 4 // 3 + 65_536
"""Largest record a fulfilment topic takes. A dead letter holds it in base64 (4/3) with 16 KiB of reasons."""


COMPACTED_WITHIN_DAYS = 7
"""Days within which a compacted topic forgets what was replaced: it can be said when an erased seller is gone."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it must exist: its names for people, its settings for the provisioner.

    `carries` are the messages that stand on it, by the names of their schemas: none where no contract covers them.
    `retention_days` None keeps records for ever (always so when compacted).
    """

    name: str
    key: str
    carries: tuple[str, ...]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    cleanup: Literal["delete", "compact"] = "delete"
    retention_days: int | None = None
    keyed: bool = True
    max_message_bytes: int = 1_048_576

    def config(self) -> dict[str, str]:
        """The topic's Kafka configuration, in Kafka's own names and units (milliseconds, bytes)."""
        retention = -1 if self.retention_days is None else self.retention_days * DAY_MS
        settings = {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(retention),
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime",
        }
        if self.cleanup == "compact":
            lag = {"max.compaction.lag.ms": str(COMPACTED_WITHIN_DAYS * DAY_MS)}
            settings |= {"min.cleanable.dirty.ratio": "0.2", "segment.ms": str(DAY_MS)} | lag
        return settings


def fulfilment_topic(marketplace: str) -> str:
    """Name of the topic to which one marketplace, and nobody else, publishes its events."""
    return f"greenlane.fulfilment.{marketplace}.v1"


def marketplace_of(topic: str) -> str | None:
    """The marketplace to which a fulfilment topic belongs; None for any other topic."""
    prefix, suffix = "greenlane.fulfilment.", ".v1"
    if topic.startswith(prefix) and topic.endswith(suffix) and len(topic) > len(prefix) + len(suffix):
        return topic[len(prefix) : -len(suffix)]
    return None


def _fulfilment(marketplace: str) -> Topic:
    return Topic(
        name=fulfilment_topic(marketplace),
        key="seller_id",
        carries=tuple(EVENT_MODELS),
        producers=(f"publisher-{marketplace}", "gateway"),
        consumers=("packaging_scorer", "delivery_scorer", "recompute"),
        retention_days=400,
        max_message_bytes=MAX_EVENT_BYTES,
    )


_DERIVED = (
    Topic(
        ASSESSMENTS,
        key="<marketplace>/<seller_id>",
        carries=(
            "greenlane.assessment.v1",
            "greenlane.retraction.v1",
            "greenlane.day-closed.v1",
            "greenlane.rules-adopted.v1",
            "greenlane.seller-erased.v1",
        ),
        producers=("packaging_scorer", "delivery_scorer", "clock"),
        consumers=("aggregator", "recompute"),
    ),
    Topic(
        SELLER_SCORES,
        key="<marketplace>/<seller_id>",
        carries=("seller.score.updated",),
        producers=("aggregator",),
        consumers=("webhook_dispatcher", "recompute"),
        cleanup="compact",
    ),
    Topic(
        BADGE_DECISIONS,
        key="<marketplace>/<seller_id>",
        carries=("badge.decision",),
        producers=("aggregator",),
        consumers=("webhook_dispatcher", "recompute"),
    ),
    Topic(
        DEAD_LETTERS,
        key="hash of topic, partition, offset and stage",
        carries=("greenlane.dead-letter.v1",),
        producers=("packaging_scorer", "delivery_scorer", "aggregator", "webhook_dispatcher"),
        consumers=("redrive",),
        retention_days=400,
        keyed=False,
        max_message_bytes=MAX_DEAD_LETTER_BYTES,
    ),
    Topic(
        RULES,
        key="rules | first",
        carries=("greenlane.rules-adopted.v1",),
        producers=("operator", "clock"),
        consumers=("packaging_scorer", "delivery_scorer", "aggregator", "recompute"),
        cleanup="compact",
        keyed=False,
    ),
    Topic(
        AGGREGATOR_CHANGELOG,
        key="row key of the partition store",
        carries=(),
        producers=("aggregator",),
        consumers=("aggregator",),
        cleanup="compact",
    ),
)


def declared_topics(marketplaces: Iterable[str]) -> tuple[Topic, ...]:
    """Every topic that must exist when these marketplaces publish: theirs first, then the derived ones."""
    return (*(_fulfilment(marketplace) for marketplace in marketplaces), *_DERIVED)


def readers_of(topic: Topic, services: Iterable[str]) -> tuple[str, ...]:
    """Which of these services consume the topic, in their order."""
    return tuple(service for service in services if service in topic.consumers)


def group_of(service: str) -> str:
    """The consumer group of a service, which is its application id too: `greenlane-<service>`."""
    return f"greenlane-{service.replace('_', '-')}"
