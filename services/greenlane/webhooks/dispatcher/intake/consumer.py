"""The intake: records of scores and decisions become deliveries; offsets move only after the database has them."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.topics import BADGE_DECISIONS, DEAD_LETTERS, MAX_DEAD_LETTER_BYTES, SELLER_SCORES
from greenlane.database.connection import will_pass
from greenlane.fetching.with_aiokafka import read_with_care
from greenlane.streaming.kafka.topic_ids import KafkaTopic, look_up
from greenlane.webhooks.dispatcher.intake.acceptance import Accepted, accept
from greenlane.webhooks.dispatcher.intake.joining import Joining
from greenlane.webhooks.dispatcher.intake.letters import Refused, dead_letter
from greenlane.webhooks.dispatcher.intake.messages import Message, is_heartbeat, read_message
from greenlane.webhooks.dispatcher.intake.positions import Mark, SourcePartition
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.telemetry import WebhookMetrics
from greenlane.webhooks.dispatcher.unexpected import Unexpected

_LONGEST_FETCH_MS = 100
"""A partition that was not part of the fetch under way waits for its end."""

_log = structlog.get_logger("greenlane.webhook_dispatcher")


@dataclass(frozen=True, slots=True)
class Sources:
    """What the intake reads and where it puts what it cannot."""

    bootstrap_servers: str = ""
    scores: str = SELLER_SCORES
    decisions: str = BADGE_DECISIONS
    dead_letters: str = DEAD_LETTERS
    group: str = "greenlane-webhook-dispatcher"
    client_id: str = "greenlane-webhook-dispatcher"


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told which endpoints have something due now, which are this dispatcher's, why a record was refused.

    `unexpected` is told of errors that nobody foresaw.
    """

    ready: Callable[[set[str]], None]
    ours: Callable[[str], bool]
    refused: Callable[[DeadLetterCode], None]
    unexpected: Unexpected = field(default_factory=Unexpected)


class _Reading(NamedTuple):
    record: Any
    message: Message


@dataclass(slots=True)
class _Batch:
    readings: list[_Reading] = field(default_factory=list)
    letters: list[Refused] = field(default_factory=list)
    tombstones: int = 0
    heartbeats: int = 0
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    unmoved: bool = False
    """Whether the positions in the database still have to be moved, once the dead letters are written."""


class Intake:
    """Reads from Kafka at its own pace; an outage of Kafka stops nothing but this."""

    def __init__(
        self,
        sources: Sources,
        engine: AsyncEngine,
        metrics: WebhookMetrics,
        limits: Limits,
        told: Listeners,
    ) -> None:
        self._sources = sources
        self._engine = engine
        self._metrics = metrics
        self._limits = limits
        self._told = told
        self._uncommitted: dict[TopicPartition, int] = {}
        self._moved = asyncio.Event()
        self._joining: Joining
        self._changed = False
        self.obstacle = "waits for Kafka"
        """Why nothing can be read; empty when it can."""
        self.waiting = False
        """Whether what was read cannot be accepted, because the database refuses it."""

    async def run(self, stop: asyncio.Event) -> None:
        """Take records in until `stop`, connecting again after every outage."""
        while not stop.is_set():
            try:
                await self._take_in(stop)
            except* (KafkaError, OSError) as errors:
                _log.warning("webhook intake waits for kafka", kind=type(errors.exceptions[0]).__name__)
                await _pause(stop, self._limits.pause_after_failure)
            except* Exception as errors:  # noqa: BLE001 - a boundary: it costs this much and no more
                self._told.unexpected.tell("intake", errors)
                await _pause(stop, self._limits.pause_after_failure)
            finally:
                self.obstacle = self.obstacle or "waits for Kafka"

    async def _take_in(self, stop: asyncio.Event) -> None:
        topics = await self._topics(stop)
        if topics is None:
            return
        joining = Joining(self._engine, topics, self._limits.pause_after_failure, self._wait)
        consumer = joining.consumer = self._consumer()
        consumer.subscribe(list(topics), listener=joining)
        producer = AIOKafkaProducer(
            bootstrap_servers=self._sources.bootstrap_servers,
            client_id=self._sources.client_id,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_DEAD_LETTER_BYTES,
        )
        try:
            await consumer.start()
            await producer.start()
            self._uncommitted, self._changed = {}, False
            self.obstacle = ""
            await self._read_on(consumer, producer, joining, stop)
            await self._commit(consumer)
        finally:
            joining.close()
            await producer.stop()
            await consumer.stop()

    async def _read_on(self, consumer: Any, producer: Any, joining: Joining, stop: asyncio.Event) -> None:
        """Read until `stop`, or until the topics are no more those that were joined."""
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            self._joining = joining
            group.create_task(self._commit_behind(consumer, ended))
            looking = group.create_task(self._look(joining.topics))
            while not stop.is_set() and not self._changed:
                found = await consumer.getmany(timeout_ms=200, max_records=self._limits.intake_batch)
                if joining.failure is not None:
                    raise joining.failure
                records = {partition: items for partition, items in found.items() if partition in joining.placed}
                if records:
                    began = time.monotonic()
                    await self._process(producer, records)
                    if sum(map(len, records.values())) < self._limits.intake_batch:
                        await asyncio.sleep(self._limits.rest(time.monotonic() - began))
                await self._measure_lag(consumer)
            looking.cancel()
            ended.set()
            self._moved.set()

    async def _topics(self, stop: asyncio.Event) -> dict[str, KafkaTopic] | None:
        """The topics once both exist; None if `stop` is set first."""
        wanted = (self._sources.scores, self._sources.decisions)
        while not stop.is_set():
            found = await look_up(self._sources.bootstrap_servers, wanted)
            missing = [name for name in wanted if name not in found]
            if not missing:
                return found
            self.obstacle = f"{' and '.join(missing)} does not exist; `greenlane topics plan` shows what is missing"
            await _pause(stop, self._limits.pause_after_failure)
        return None

    async def _look(self, joined: Mapping[str, KafkaTopic]) -> None:
        """Compare the topics with those that were joined, until they differ: aiokafka asks every five minutes."""
        while not self._changed:
            await asyncio.sleep(self._limits.topics_every)
            try:
                now = await look_up(self._sources.bootstrap_servers, joined)
            except (KafkaError, OSError) as error:
                _log.warning("webhook intake cannot compare the topics now", kind=type(error).__name__)
                continue
            self._changed = now != joined
        self.obstacle = "joins again: a topic was deleted, created anew or given more partitions"
        _log.error("webhook intake joins again: a topic was deleted, created anew or given more partitions")

    def _wait(self, waiting: bool) -> None:
        self.waiting = waiting

    def _consumer(self) -> Any:
        read_with_care()
        return AIOKafkaConsumer(
            bootstrap_servers=self._sources.bootstrap_servers,
            client_id=self._sources.client_id,
            group_id=self._sources.group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_LONGEST_FETCH_MS,
        )

    async def _process(self, producer: Any, records: dict[TopicPartition, list[Any]]) -> None:
        """TX1, then the dead letters, and the offsets behind them: a crash in between repeats and loses nothing."""
        batch = self._read(records)
        accepted = await self._accept_all(batch)
        self._told.ready(accepted.ready)
        for letter, code in batch.letters:
            await producer.send_and_wait(self._sources.dead_letters, letter.value, key=letter.id.encode())
            self._told.refused(code)
        if batch.unmoved:
            await self._accept([], self._joining.marks(batch.offsets))
        self._count(batch, accepted)
        self._uncommitted |= batch.offsets
        self._moved.set()

    async def _commit_behind(self, consumer: Any, ended: asyncio.Event) -> None:
        """Commit what was accepted, while the next records are accepted; the database knows it already."""
        while not ended.is_set():
            await self._moved.wait()
            self._moved.clear()
            await self._commit(consumer)
            await asyncio.sleep(self._limits.commit_every)

    async def _commit(self, consumer: Any) -> None:
        offsets, self._uncommitted = self._uncommitted, {}
        try:
            if offsets:
                await consumer.commit(self._joining.note(offsets))
        except (CommitFailedError, IllegalStateError) as error:
            _log.info("webhook intake lost a partition; its new owner repeats the batch", kind=type(error).__name__)

    async def _accept_all(self, batch: _Batch) -> Accepted:
        """Accept the batch together; a message that the database refuses for ever becomes a dead letter alone."""
        messages = [read.message for read in batch.readings]
        try:
            return await self._accept(messages, self._joining.marks(batch.offsets))
        except Exception as error:  # noqa: BLE001 - a boundary: it costs this much and no more
            self._told.unexpected.tell("acceptance", error)
        together, batch.unmoved = Accepted(), True
        for read in batch.readings:
            try:
                together += await self._accept([read.message])
            except Exception as error:  # noqa: BLE001 - a boundary: it costs this much and no more
                self._told.unexpected.tell("acceptance", error)
                batch.letters.append(dead_letter(read.record, _not_accepted()))
        return together

    def _read(self, records: dict[TopicPartition, list[Any]]) -> _Batch:
        batch = _Batch()
        for partition, items in records.items():
            for record in items:
                try:
                    _read_one(record, batch)
                except Exception as error:  # noqa: BLE001 - a boundary: it costs this much and no more
                    self._told.unexpected.tell("reading", error)
                    batch.letters.append(dead_letter(record, _not_accepted()))
            batch.offsets[partition] = items[-1].offset + 1
        return batch

    async def _accept(
        self, messages: Sequence[Message], marks: Mapping[SourcePartition, Mark] = MappingProxyType({})
    ) -> Accepted:
        while True:
            try:
                accepted = await accept(self._engine, messages, self._told.ours, marks)
            except Exception as error:
                if not will_pass(error):
                    raise
                self.waiting = True
                _log.warning("webhook intake waits for the database", kind=type(error).__name__)
            else:
                self.waiting = False
                return accepted
            await asyncio.sleep(self._limits.pause_after_failure)

    def _count(self, batch: _Batch, accepted: Accepted) -> None:
        outcomes = {
            "dispatched": accepted.dispatched,
            "replayed": accepted.replayed,
            "unmatched": accepted.unmatched,
            "tombstone": batch.tombstones,
            "ignored": batch.heartbeats,
            "dead_lettered": len(batch.letters),
        }
        for outcome, count in outcomes.items():
            if count:
                self._metrics.webhook_ingested_total.labels(outcome).inc(count)
        if accepted.superseded:
            self._metrics.webhook_deliveries_total.labels("superseded").inc(accepted.superseded)

    async def _measure_lag(self, consumer: Any) -> None:
        """Offsets to read beyond those passed: markers of transactions are passed with the records before them."""
        lag = 0
        for partition in consumer.assignment():
            end = consumer.highwater(partition)
            if end is None:
                continue
            try:
                lag += max(end - await consumer.position(partition), 0)
            except IllegalStateError:  # the partition went to another dispatcher meanwhile, which counts it
                continue
        self._metrics.webhook_ingest_lag_records.set(lag)


def _read_one(record: Any, batch: _Batch) -> None:
    try:
        message = read_message(record)
    except Refusal as refusal:
        if is_heartbeat(record.value):
            batch.heartbeats += 1
        else:
            batch.letters.append(dead_letter(record, refusal))
        return
    if message is None:
        batch.tombstones += 1
    else:
        batch.readings.append(_Reading(record, message))


def _not_accepted() -> Refusal:
    message = "an error that nobody foresaw; the log of the dispatcher has it. Re-drive the record when it is mended"
    return Refusal.because(DeadLetterCode.UNEXPECTED_ERROR, "", message)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
