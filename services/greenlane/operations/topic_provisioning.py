"""The topic provisioner: compares Kafka with the declared topics, creates and widens, never shrinks."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError, for_code
from rich.table import Table

from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, ASSESSMENTS, Topic
from greenlane.errors import GreenlaneError
from greenlane.operations.kafka_admin import kafka_admin

_REPLICAS_FOR_QUORUM = 3
_GROWS_ONLY = {"retention.ms": "records would be deleted", "min.insync.replicas": "acknowledged records could be lost"}
_SAME_PARTITIONS = {AGGREGATOR_CHANGELOG: ASSESSMENTS}
"""A topic whose partition n holds the state of the other's partition n."""


class ProvisioningError(GreenlaneError):
    """Kafka refused a change; the text names the topic and Kafka's reason."""


class Action(StrEnum):
    """What becomes of a difference between a topic as declared and as it is."""

    CREATE = "create"
    ALTER = "alter"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `setting` is empty when the whole topic is missing; a refusal says why and what to do."""

    topic: str
    action: Action
    setting: str
    current: str
    wanted: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """Every difference between Kafka and the declaration, in the order of the declared topics."""

    changes: tuple[Change, ...]

    @property
    def refused(self) -> tuple[Change, ...]:
        """Differences that the provisioner will not remove."""
        return tuple(change for change in self.changes if change.action is Action.REFUSE)

    @property
    def pending(self) -> tuple[Change, ...]:
        """Differences that `apply` removes."""
        return tuple(change for change in self.changes if change.action is not Action.REFUSE)

    def creates(self, topic: str) -> bool:
        """Whether the topic is missing."""
        return any(change.topic == topic and change.action is Action.CREATE for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values."""
        return {
            "changes": [asdict(change) for change in self.changes],
            "pending": len(self.pending),
            "refused": len(self.refused),
        }

    def table(self) -> Table:
        """The plan for people."""
        table = Table("topic", "action", "setting", "is", "wanted", "why")
        for change in self.changes:
            table.add_row(change.topic, change.action, change.setting, change.current, change.wanted, change.reason)
        return table


@dataclass(frozen=True, slots=True)
class ActualTopic:
    """One topic as Kafka has it: partitions, least replicas of any partition, and its whole configuration."""

    partitions: int
    replicas: int
    config: Mapping[str, str]


def plan(bootstrap_servers: str, declared: Sequence[Topic], partitions: int, replication: int) -> TopicPlan:
    """Compare Kafka with the declared topics; changes nothing. Raises KafkaUnreachableError."""
    with kafka_admin(bootstrap_servers) as admin:
        return compare(_read(admin, declared), declared, partitions, replication)


def apply(bootstrap_servers: str, declared: Sequence[Topic], partitions: int, replication: int) -> TopicPlan:
    """Create what is missing and alter what drifted; returns the plan that was carried out, refusals included.

    Raises KafkaUnreachableError, or ProvisioningError when Kafka does not accept a change.
    """
    with kafka_admin(bootstrap_servers) as admin:
        wanted = compare(_read(admin, declared), declared, partitions, replication)
        _create(admin, wanted, {topic.name: topic for topic in declared}, replication)
        _alter(admin, [change for change in wanted.changes if change.action is Action.ALTER])
        return wanted


def compare(
    actual: Mapping[str, ActualTopic], declared: Iterable[Topic], partitions: int, replication: int
) -> TopicPlan:
    """The differences between topics as they are and as declared; pure."""
    changes: list[Change] = []
    for topic in declared:
        found = actual.get(topic.name)
        if found is None:
            count = _partitions_at_creation(topic, actual, partitions)
            changes.append(Change(topic.name, Action.CREATE, "", "missing", f"{count} partitions"))
            continue
        changes += _partition_changes(topic, found, partitions)
        changes += _pairing_changes(topic, found, actual)
        if found.replicas < replication:
            changes.append(_refuse_replication(topic, found, replication))
        changes += _config_changes(topic, found, replication)
    return TopicPlan(tuple(changes))


def wanted_config(topic: Topic, replication: int) -> dict[str, str]:
    """A topic's configuration: as declared, and with three or more replicas two must acknowledge."""
    return topic.config() | {"min.insync.replicas": "2" if replication >= _REPLICAS_FOR_QUORUM else "1"}


def _partitions_at_creation(topic: Topic, actual: Mapping[str, ActualTopic], partitions: int) -> int:
    partner = actual.get(_SAME_PARTITIONS.get(topic.name, ""))
    if partner is not None:
        return partner.partitions
    return partitions if topic.keyed else 1


def _partition_changes(topic: Topic, found: ActualTopic, partitions: int) -> Iterator[Change]:
    if not topic.keyed or found.partitions == partitions:
        return
    if found.partitions > partitions:
        reason = "partitions cannot be taken away: set GREENLANE_PARTITIONS to what the topic has"
    else:
        reason = (
            "more partitions would send a key's later records elsewhere than its earlier ones, and each account needs "
            "all of its key's records in one partition: recompute into new topics instead, or set "
            "GREENLANE_PARTITIONS to what the topic has"
        )
    yield Change(topic.name, Action.REFUSE, "partitions", str(found.partitions), str(partitions), reason)


def _pairing_changes(topic: Topic, found: ActualTopic, actual: Mapping[str, ActualTopic]) -> Iterator[Change]:
    partner = _SAME_PARTITIONS.get(topic.name, "")
    if partner in actual and actual[partner].partitions != found.partitions:
        reason = f"it must have as many partitions as {partner}: stop the aggregator, delete this topic and apply again"
        wanted = str(actual[partner].partitions)
        yield Change(topic.name, Action.REFUSE, f"partitions of {partner}", str(found.partitions), wanted, reason)


def _refuse_replication(topic: Topic, found: ActualTopic, replication: int) -> Change:
    reason = "replicas are moved between brokers by Kafka's own kafka-reassign-partitions"
    return Change(topic.name, Action.REFUSE, "replication", str(found.replicas), str(replication), reason)


def _config_changes(topic: Topic, found: ActualTopic, replication: int) -> Iterator[Change]:
    for setting, wanted in wanted_config(topic, replication).items():
        current = found.config.get(setting, "")
        if current == wanted:
            continue
        reason = _why_never(topic, setting, current, wanted)
        action = Action.REFUSE if reason else Action.ALTER
        yield Change(topic.name, action, setting, current, wanted, reason)


def _why_never(topic: Topic, setting: str, current: str, wanted: str) -> str:
    """Why a setting must not be changed to this value; empty when it may."""
    if setting in _GROWS_ONLY and current and _size(wanted) < _size(current):
        return f"{_GROWS_ONLY[setting]}: if that is meant, do it with Kafka's own kafka-configs"
    if setting == "cleanup.policy" and "delete" not in current and "delete" in wanted and topic.retention_days:
        return "records that compaction kept would expire: if that is meant, do it with Kafka's own kafka-configs"
    return ""


def _size(value: str) -> float:
    """A numeric setting for comparison; -1 means without end."""
    return math.inf if value == "-1" else float(value)


def _read(admin: KafkaAdminClient, declared: Iterable[Topic]) -> dict[str, ActualTopic]:
    existing = set(admin.list_topics())
    names = [topic.name for topic in declared if topic.name in existing]
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        description["name"]: ActualTopic(
            partitions=len(description["partitions"]),
            replicas=min(len(partition["replica_nodes"]) for partition in description["partitions"]),
            config={name: str(entry["value"]) for name, entry in configs[description["name"]].items()},
        )
        for description in admin.describe_topics(names)
    }


def _create(admin: KafkaAdminClient, wanted: TopicPlan, declared: Mapping[str, Topic], replication: int) -> None:
    new = {
        change.topic: {
            "num_partitions": int(change.wanted.split()[0]),
            "replication_factor": replication,
            "configs": wanted_config(declared[change.topic], replication),
        }
        for change in wanted.changes
        if change.action is Action.CREATE
    }
    if not new:
        return
    for answer in admin.create_topics(new, raise_errors=False)["topics"]:
        error = for_code(answer["error_code"])
        # another provisioner was faster: the next plan compares what it made
        if answer["error_code"] and error is not TopicAlreadyExistsError:
            raise ProvisioningError(
                f"Kafka did not create {answer['name']}: {answer.get('error_message') or error.__name__}."
            )
    admin.wait_for_topics(list(new))


def _alter(admin: KafkaAdminClient, changes: Sequence[Change]) -> None:
    by_topic: dict[str, dict[str, str]] = {}
    for change in changes:
        by_topic.setdefault(change.topic, {})[change.setting] = change.wanted
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs) for name, configs in by_topic.items()]
    if not resources:
        return
    for name, answer in admin.alter_configs(resources)["topic"].items():
        if answer != "OK":
            raise ProvisioningError(f"Kafka did not alter {name}: {answer}.")
