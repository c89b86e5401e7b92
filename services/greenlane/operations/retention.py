"""By when Kafka itself has removed a record that was written today, as the topics are configured."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

DAY_MS = 86_400_000
_NEVER = (-1, 2**63 - 1)


class Kept(NamedTuple):
    """A topic, and the day by which it has lost what it holds today (or, compacted, what was replaced today).

    None: it never does by itself.
    """

    topic: str
    gone_by: date | None


def kept_until(admin: KafkaAdminClient, topics: Iterable[str], today: date) -> list[Kept]:
    """When each of the topics that exist has lost today's records, at the latest.

    A segment is deleted as a whole, so the time that one may stay open is added.
    """
    existing = set(admin.list_topics())
    names = [topic for topic in topics if topic in existing]
    if not names:
        return []
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    settings = {name: {key: str(entry["value"]) for key, entry in configs[name].items()} for name in names}
    return [Kept(name, gone_by(settings[name], today)) for name in names]


def gone_by(config: dict[str, str], today: date) -> date | None:
    """The day by which a topic of this configuration has lost what it holds today."""
    compacted = "compact" in config["cleanup.policy"]
    names = ("max.compaction.lag.ms", "delete.retention.ms") if compacted else ("retention.ms",)
    spans = [int(config[name]) for name in names]
    if any(span in _NEVER for span in spans):
        return None
    milliseconds = sum(spans) + int(config["segment.ms"])
    return today + timedelta(days=-(-milliseconds // DAY_MS))
