"""The rules in use, where every process finds them at once: a compacted topic beside the log that decides."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import InvalidProducerEpochError, KafkaError, KafkaTimeoutError, ProducerFencedError

from greenlane.contracts.rules import RULES_KEY, RulesAdopted, UnreadableRulesError, adopted_of, policy_name, rules_of
from greenlane.contracts.topics import ASSESSMENTS, RULES
from greenlane.factors.loading import load_method, load_policy
from greenlane.factors.rows import PolicyFile
from greenlane.methodology.seller.eligibility import Policy
from greenlane.operations.kafka_admin import KafkaUnreachableError, kafka_admin, running_groups
from greenlane.settings import Settings, SettingsError

FIRST_KEY = b"first"
TRANSACTIONAL_ID = "greenlane-rules"
"""Of every adoption, so that Kafka lets only one be under way; ACLs have to allow it to whoever adopts rules."""

TRANSACTION_MS = 10_000
"""After which Kafka takes back an adoption that was cut off; readers of the assessments wait for it at most so long."""

ATTEMPTS = 5
READ_MS = 500
READ_SECONDS = 60.0
SEND_SECONDS = 60.0
SESSION_SECONDS = 20.0
WATCH_SECONDS = 15.0
"""Between two looks at the rules in use while working."""

RETRY_SECONDS = 2.0
"""Between two looks while nothing can be done."""

Choice = Callable[["Registered"], RulesAdopted | None]
"""What to adopt in view of the rules in use; None for nothing."""

LastLook = Callable[[Mapping[int, int]], None]
"""Told where the adoption stands in each partition of the assessments before it holds; what it raises takes it back."""

logger = logging.getLogger(__name__)


class Registered(NamedTuple):
    """The rules adopted first and last; None where the log has adopted none."""

    first: RulesAdopted | None = None
    current: RulesAdopted | None = None

    def policy_before(self, own: Policy) -> Policy:
        """The policy of a partition before it adopts rules: that adopted first, or one's `own` where none was."""
        return own if self.first is None else self.first.terms()


class Wanted(NamedTuple):
    """What a process would compute by its own settings, and for whom; None or nothing for what it does not use."""

    method_version: str
    policy: PolicyFile | None = None
    factors: str | None = None
    marketplaces: tuple[str, ...] = ()

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
        if differing:
            return (
                f"the settings name {'; '.join(differing)}. Set GREENLANE_POLICY_FILE and GREENLANE_FACTORS_FILE as "
                "adopted, or adopt these with `greenlane policy adopt`"
            )
        unknown = sorted({*self.marketplaces} - {*current.marketplaces})
        if unknown:
            return (
                f"the log does not know the marketplaces {', '.join(unknown)}: their assessments would be refused. "
                "Add them with `greenlane topics apply`"
            )
        return None


def read_rules(bootstrap_servers: str) -> Registered:
    """The rules in use. A cluster without the topic has adopted none.

    Raises KafkaError, and UnreadableRulesError for rules of a later release.
    """
    consumer: Any = KafkaConsumer(
        bootstrap_servers=bootstrap_servers.split(","),
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        allow_auto_create_topics=False,
        check_crcs=False,
    )
    with closing(consumer):
        places = [TopicPartition(RULES, number) for number in sorted(consumer.partitions_for_topic(RULES) or ())]
        if not places:
            return Registered()
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: dict[bytes | None, bytes | None] = {}
        deadline = time.monotonic() + READ_SECONDS
        while any(consumer.position(place) < ends[place] for place in places):
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"{RULES} could not be read in {READ_SECONDS:.0f} s")
            for records in consumer.poll(timeout_ms=READ_MS).values():
                found.update({record.key: record.value for record in records})
    first, current = (
        None if value is None else adopted_of(value, f"{RULES} under the key {key.decode()}")
        for key, value in ((key, found.get(key)) for key in (FIRST_KEY, RULES_KEY))
    )
    return Registered(first, current)


def adopt(bootstrap_servers: str, choose: Choice, last_look: LastLook | None = None) -> RulesAdopted | None:
    """Adopt what `choose` makes of the rules in use, in the registry and in every partition, or in none of them.

    Of two adoptions at the same time one follows the other: `choose` is asked again about what the other has left.
    `last_look` is called once the records stand in their places, and before anybody can read them. Returns the rules,
    None for nothing to adopt. Raises SettingsError without the topic of the rules, and KafkaError.
    """
    if choose(read_rules(bootstrap_servers)) is None:
        return None
    for attempt in range(ATTEMPTS):
        try:
            return _adopt_alone(bootstrap_servers, choose, last_look)
        except (ProducerFencedError, InvalidProducerEpochError):
            logger.info("another adoption of rules came between, trying again")
            time.sleep(RETRY_SECONDS * attempt)
    raise KafkaTimeoutError(f"other adoptions of rules came between {ATTEMPTS} times")


def _adopt_alone(bootstrap_servers: str, choose: Choice, last_look: LastLook | None) -> RulesAdopted | None:
    """Shut out every other adoption, look again, and write in one transaction."""
    producer: Any = KafkaProducer(
        bootstrap_servers=bootstrap_servers.split(","),
        acks="all",
        enable_idempotence=True,
        transactional_id=TRANSACTIONAL_ID,
        transaction_timeout_ms=TRANSACTION_MS,
    )
    try:
        if not producer.partitions_for(RULES):
            raise SettingsError(f"topic {RULES} does not exist; create it with: greenlane topics apply")
        producer.init_transactions()
        rules = choose(read_rules(bootstrap_servers))
        if rules is None:
            return None
        value = rules.model_dump_json().encode()
        partitions = sorted(producer.partitions_for(ASSESSMENTS))
        producer.begin_transaction()
        sent = [
            producer.send(RULES, key=key, value=value, partition=0)
            for key in ((FIRST_KEY, RULES_KEY) if rules.first else (RULES_KEY,))
        ]
        sent += [producer.send(ASSESSMENTS, key=RULES_KEY, value=value, partition=number) for number in partitions]
        places = [future.get(timeout=SEND_SECONDS) for future in sent]
        if last_look is not None:
            try:
                last_look({place.partition: place.offset for place in places if place.topic == ASSESSMENTS})
            except BaseException:
                producer.abort_transaction()
                raise
        producer.commit_transaction()
    finally:
        producer.close(timeout=SEND_SECONDS)
    return rules


def own_rules(settings: Settings, *, first: bool = True) -> RulesAdopted:
    """The rules that these settings name. Raises TableError when policy or factors are not sound."""
    factors = load_method(settings.factors_file).fingerprint
    return rules_of(load_policy(settings.policy_file), factors, settings.marketplaces, first=first)


def adopt_missing(settings: Settings, *, anew: bool = False) -> RulesAdopted | None:
    """Adopt the settings' rules if the log has none, and marketplaces that it does not know; None if nothing lacked.

    Rules that the log has stay as they are; when its topic was made `anew`, those in use are written into it again.
    Raises SettingsError without the topic of the rules, and KafkaError.
    """

    def missing(registered: Registered) -> RulesAdopted | None:
        current = registered.current
        if current is None:
            return own_rules(settings)
        if set(settings.marketplaces) <= set(current.marketplaces) and not anew:
            return None
        return current.with_marketplaces(settings.marketplaces).model_copy(update={"first": False})

    return adopt(settings.kafka_bootstrap_servers, missing)


def refuse_other_rules(settings: Settings) -> None:
    """Raise SettingsError if the settings name other rules than the log: no worker would work under them."""
    own = own_rules(settings)
    wanted = Wanted(own.method_version, own.policy, own.factors, own.marketplaces)
    why = wanted.contradiction(read_rules(settings.kafka_bootstrap_servers).current)
    if why is not None:
        raise SettingsError(f"Refusing to start: {why}.")


def refuse_running(bootstrap_servers: str, groups: Sequence[str]) -> None:
    """Raise SettingsError if one of these groups keeps members: they would write by rules that no longer hold."""
    with kafka_admin(bootstrap_servers) as admin:
        running = running_groups(admin, groups, SESSION_SECONDS)
    if running:
        raise SettingsError(
            f"nothing adopted. {' and '.join(running)} still run with the factors and the method of before, which no "
            "longer hold for what they write next. Stop them, adopt the rules, then start them with the new ones."
        )


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
    last_message = ""
    while not stop.is_set():
        registered, why = Registered(), None
        try:
            registered = await asyncio.to_thread(read_rules, bootstrap_servers)
        except (KafkaError, KafkaUnreachableError) as error:
            why = f"no Kafka answers at {bootstrap_servers} ({type(error).__name__})"
        except UnreadableRulesError as error:
            why = str(error)
        else:
            why = wanted.contradiction(registered.current)
        if why is None:
            await _watched(bootstrap_servers, wanted, stop, registered, work)
            return
        if why != last_message:
            logger.error("not working yet: %s", why)
            last_message = why
        ready(False, why)
        await _pause(stop, RETRY_SECONDS)


async def _watched(
    bootstrap_servers: str,
    wanted: Wanted,
    stop: asyncio.Event,
    registered: Registered,
    work: Callable[[Registered, asyncio.Event], Awaitable[None]],
) -> None:
    """Work until `stop` is set or rules are adopted that contradict the settings; then raise SettingsError."""
    enough = asyncio.Event()
    watching = asyncio.ensure_future(_contradicted(bootstrap_servers, wanted, stop))
    watching.add_done_callback(lambda _: enough.set())
    try:
        await work(registered, enough)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    if not watching.cancelled():
        watching.result()


async def _contradicted(bootstrap_servers: str, wanted: Wanted, stop: asyncio.Event) -> None:
    """Return when `stop` is set. Raises SettingsError when rules are adopted under which nobody may work here."""
    while not stop.is_set():
        await _pause(stop, WATCH_SECONDS)
        if stop.is_set():
            return
        try:
            why = wanted.contradiction((await asyncio.to_thread(read_rules, bootstrap_servers)).current)
        except KafkaError as error:  # the engine tells of an absent Kafka, and the log decides meanwhile
            logger.warning("the rules in use cannot be read: %s", type(error).__name__)
            continue
        except UnreadableRulesError as error:
            why = str(error)
        if why is not None:
            raise SettingsError(f"Refusing to go on: {why}.")


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
