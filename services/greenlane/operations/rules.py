"""The rules in use, where every process finds them at once: a compacted topic beside the log that decides."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from greenlane.contracts.rules import RULES_KEY, RulesAdopted, policy_name, rules_of
from greenlane.contracts.table_rows import PolicyFile
from greenlane.contracts.tables import load_method, load_policy
from greenlane.contracts.topics import ASSESSMENTS, RULES
from greenlane.settings import Settings, SettingsError

FIRST_KEY, UNFINISHED_KEY = b"first", b"unfinished"
READ_MS = 500
SEND_SECONDS = 60.0
WATCH_SECONDS = 15.0
"""Between two looks at the rules in use."""

RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Registered(NamedTuple):
    """The rules adopted first and last; None where the log has adopted none.

    `unfinished` are rules of which not every partition may know, because their adoption was cut off.
    """

    first: RulesAdopted | None = None
    current: RulesAdopted | None = None
    unfinished: RulesAdopted | None = None


class Wanted(NamedTuple):
    """What a process would compute by its own settings; None for what it does not use."""

    method_version: str
    policy: PolicyFile | None = None
    factors: str | None = None

    def contradiction(self, current: RulesAdopted | None) -> str | None:
        """What differs from the rules of the log, with the remedy, in one line; None if nothing does."""
        if current is None:
            return None
        differing = []
        if self.policy is not None and self.policy != current.policy:
            differing.append(f"policy {policy_name(self.policy)}, the log has adopted {policy_name(current.policy)}")
        if self.factors not in {None, current.factors}:
            differing.append(f"factors {self.factors}, the log has adopted {current.factors}")
        if self.method_version != current.method_version:
            differing.append(f"method {self.method_version}, the log has adopted {current.method_version}")
        if not differing:
            return None
        return (
            f"the settings name {'; '.join(differing)}. Set GREENLANE_POLICY_FILE and GREENLANE_FACTORS_FILE as "
            "adopted, or adopt these with `greenlane policy adopt`"
        )


def read_rules(bootstrap_servers: str) -> Registered:
    """The rules in use. A cluster without the topic has adopted none. Raises KafkaError."""
    consumer: Any = KafkaConsumer(
        bootstrap_servers=bootstrap_servers.split(","), group_id=None, enable_auto_commit=False, check_crcs=False
    )
    try:
        places = [TopicPartition(RULES, number) for number in sorted(consumer.partitions_for_topic(RULES) or ())]
        if not places:
            return Registered()
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: dict[bytes | None, bytes | None] = {}
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=READ_MS).values():
                found.update({record.key: record.value for record in records})
    finally:
        consumer.close()
    read = {key: RulesAdopted.model_validate_json(value) for key, value in found.items() if value is not None}
    return Registered(read.get(FIRST_KEY), read.get(RULES_KEY), read.get(UNFINISHED_KEY))


def adopt(bootstrap_servers: str, rules: RulesAdopted) -> None:
    """Register the rules, then write them into every partition; what was cut off before is finished first.

    Raises SettingsError without the topic of the rules, and KafkaError.
    """
    unfinished = read_rules(bootstrap_servers).unfinished
    producer: Any = KafkaProducer(bootstrap_servers=bootstrap_servers.split(","), acks="all", enable_idempotence=True)
    try:
        if not producer.partitions_for(RULES):
            raise SettingsError(f"topic {RULES} does not exist; create it with: greenlane topics apply")
        if unfinished is not None and unfinished != rules:
            _write(producer, unfinished)
        _write(producer, rules)
    finally:
        producer.close(timeout=SEND_SECONDS)


def _write(producer: Any, rules: RulesAdopted) -> None:
    """A repeat changes nothing: a partition that has the rules already keeps them as they are."""
    value = rules.model_dump_json().encode()
    for key in (UNFINISHED_KEY, *((FIRST_KEY,) if rules.first else ()), RULES_KEY):
        producer.send(RULES, key=key, value=value, partition=0).get(timeout=SEND_SECONDS)
    sent = [
        producer.send(ASSESSMENTS, key=RULES_KEY, value=value, partition=partition)
        for partition in sorted(producer.partitions_for(ASSESSMENTS))
    ]
    for future in sent:
        future.get(timeout=SEND_SECONDS)
    producer.send(RULES, key=UNFINISHED_KEY, value=None, partition=0).get(timeout=SEND_SECONDS)


def own_rules(settings: Settings, *, first: bool = True) -> RulesAdopted:
    """The rules that these settings name. Raises TableError when policy or factors are not sound."""
    factors = load_method(settings.factors_file).fingerprint
    return rules_of(load_policy(settings.policy_file), factors, settings.marketplaces, first=first)


def adopt_missing(settings: Settings) -> bool:
    """Adopt the settings' rules if the log has none, and marketplaces that it does not know; whether it did anything.

    Rules that the log has stay as they are. Raises SettingsError without the topic of the rules, and KafkaError.
    """
    _, current, unfinished = read_rules(settings.kafka_bootstrap_servers)
    if current is None:
        adopt(settings.kafka_bootstrap_servers, unfinished or own_rules(settings))
    elif unfinished is None and set(settings.marketplaces) <= set(current.marketplaces):
        return False
    else:
        added = current.with_marketplaces(settings.marketplaces)
        adopt(settings.kafka_bootstrap_servers, added.model_copy(update={"first": False}))
    return True


async def work_under(
    bootstrap_servers: str,
    wanted: Wanted,
    ready: Callable[[bool, str], None],
    stop: asyncio.Event,
    work: Callable[[Registered, asyncio.Event], Awaitable[None]],
) -> None:
    """Work as long as the rules of the log are those of the settings; before that wait, unready, and say why.

    Raises SettingsError when other rules are adopted while it works: the process ends and waits at its next start.
    """
    told = ""
    while not stop.is_set():
        try:
            registered = await asyncio.to_thread(read_rules, bootstrap_servers)
        except KafkaError as error:
            ready(False, f"no Kafka answers at {bootstrap_servers}")
            logger.warning("no Kafka answers at %s, trying again: %s", bootstrap_servers, error)
            await _pause(stop, RETRY_SECONDS)
            continue
        why = wanted.contradiction(registered.current)
        if why is None:
            await _watched(bootstrap_servers, wanted, stop, registered, work)
            return
        if why != told:
            logger.error("refusing to work: %s", why)
            told = why
        ready(False, why)
        await _pause(stop)


async def _watched(
    bootstrap_servers: str,
    wanted: Wanted,
    stop: asyncio.Event,
    registered: Registered,
    work: Callable[[Registered, asyncio.Event], Awaitable[None]],
) -> None:
    enough = asyncio.Event()
    refused: list[str] = []

    async def watch() -> None:
        while not stop.is_set():
            await _pause(stop)
            if stop.is_set():
                break
            try:
                current = (await asyncio.to_thread(read_rules, bootstrap_servers)).current
            except Exception as error:  # noqa: BLE001 - an absent Kafka is told by the engine; the log still decides
                logger.warning("the rules in use cannot be read: %s", type(error).__name__)
                continue
            why = wanted.contradiction(current)
            if why is not None:
                refused.append(why)
                break
        enough.set()

    watching = asyncio.ensure_future(watch())
    try:
        await work(registered, enough)
    finally:
        watching.cancel()
    if refused:
        raise SettingsError(f"Refusing to go on: {refused[0]}.")


async def _pause(stop: asyncio.Event, seconds: float = WATCH_SECONDS) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
