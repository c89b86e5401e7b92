"""Events of many requests become few batches; each event knows its offset, or that nobody knows."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaTimeoutError, RequestTimedOutError
from aiokafka.structs import RecordMetadata

from greenlane.publishing.gateway.appending import Appender, Lot, ended, verdicts_of
from greenlane.publishing.gateway.checking import Checked
from greenlane.publishing.gateway.verdicts import Accepted, Unknown

TOPIC = "greenlane.fulfilment.demo-vn.v1"


@dataclass
class Batch:
    """A batch that takes so many records."""

    most: int
    records: list[bytes] = field(default_factory=list)

    def append(self, *, value: bytes, **_: Any) -> object | None:
        if len(self.records) == self.most:
            return None
        self.records.append(value)
        return object()

    def close(self) -> None:
        """Nothing more is put in."""


class Kafka:
    """A topic of several partitions that answers when it is let."""

    def __init__(self, partitions: int = 1, most: int = 100) -> None:
        self.partitions = partitions
        self.most = most
        self.log: defaultdict[int, list[bytes]] = defaultdict(list)
        self.batches: list[int] = []
        self.failures: list[Exception | None] = []
        self.answers = asyncio.Event()
        self.answers.set()

    def create_batch(self) -> Batch:
        return Batch(self.most)

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        assert topic == TOPIC
        self.batches.append(len(batch.records))
        return asyncio.ensure_future(self._append(batch, partition))

    async def _append(self, batch: Batch, partition: int) -> RecordMetadata:
        await self.answers.wait()
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        log = self.log[partition]
        offset = len(log)
        log += batch.records
        return RecordMetadata(TOPIC, partition, None, offset, 0, 0, 0)

    async def partitions_for(self, topic: str) -> Iterable[int]:
        assert topic == TOPIC
        return range(self.partitions)


def events(count: int, first: int = 0) -> list[Checked]:
    return [Checked(n, f"e-{n}", f"s-{n}".encode(), f"v-{n}".encode()) for n in range(first, first + count)]


async def appended(kafka: Kafka, *requests: list[Checked], seconds: float = 5) -> list[list[Accepted | Unknown]]:
    appender = Appender(kafka)
    partitions = await appender.partitions_of(TOPIC)
    handed = [appender.add(TOPIC, partitions, request) for request in requests]

    async def one(lots: list[tuple[int, Lot]]) -> list[Accepted | Unknown]:
        await ended(lots, seconds)
        return sorted(verdicts_of(TOPIC, lots), key=lambda verdict: verdict.index)

    return list(await asyncio.gather(*map(one, handed)))


async def test_every_event_stands_where_its_verdict_says() -> None:
    kafka = Kafka(partitions=4, most=7)
    (verdicts,) = await appended(kafka, events(100))
    assert len(verdicts) == 100
    for verdict in verdicts:
        assert isinstance(verdict, Accepted)
        assert kafka.log[verdict.partition][verdict.offset] == f"v-{verdict.index}".encode()
    assert sum(map(len, kafka.log.values())) == 100


async def test_requests_that_meet_share_a_batch_and_keep_their_order() -> None:
    kafka = Kafka()
    first, second = await appended(kafka, events(3), events(3, 3))
    assert kafka.batches == [6]
    assert [verdict.offset for verdict in (*first, *second) if isinstance(verdict, Accepted)] == list(range(6))


async def test_one_batch_of_a_partition_is_under_way_and_the_next_one_fills_meanwhile() -> None:
    kafka = Kafka()
    kafka.answers.clear()
    appender = Appender(kafka)
    lots = appender.add(TOPIC, 1, events(1))
    await asyncio.sleep(0.01)
    for number in range(1, 5):
        lots += appender.add(TOPIC, 1, events(1, number))
        await asyncio.sleep(0)
    assert kafka.batches == [1]
    kafka.answers.set()
    await ended(lots, 5)
    assert kafka.batches == [1, 4]


async def test_a_batch_without_an_answer_makes_its_events_unknown_and_no_others() -> None:
    kafka = Kafka(most=2)
    kafka.failures = [RequestTimedOutError()]
    first, second = await appended(kafka, events(3), events(2, 3))
    assert [type(verdict) for verdict in first] == [Unknown, Unknown, Unknown], "no end without its beginning"
    assert [type(verdict) for verdict in second] == [Accepted, Accepted]
    assert "RequestTimedOutError" in first[0].problem if isinstance(first[0], Unknown) else False


async def test_what_stands_before_a_failure_is_accepted() -> None:
    kafka = Kafka(most=2)
    kafka.failures = [None, KafkaTimeoutError()]
    (verdicts,) = await appended(kafka, events(3))
    assert [type(verdict) for verdict in verdicts] == [Accepted, Accepted, Unknown]


async def test_after_the_deadline_what_was_not_handed_over_is_never_sent() -> None:
    kafka = Kafka()
    kafka.answers.clear()
    appender = Appender(kafka)
    early = appender.add(TOPIC, 1, events(1))
    await asyncio.sleep(0.01)
    late = appender.add(TOPIC, 1, events(1, 1))
    await ended([*early, *late], 0.01)
    assert [type(verdict) for verdict in verdicts_of(TOPIC, [*early, *late])] == [Unknown, Unknown]
    kafka.answers.set()
    await asyncio.wait([lot.done for _, lot in (*early, *late)], timeout=5)
    assert kafka.log[0] == [b"v-0"]


async def test_an_unexpected_error_ends_requests_too_and_the_partitions_are_asked_for_again() -> None:
    kafka = Kafka()
    kafka.failures = [AssertionError("no such partition")]
    appender = Appender(kafka)
    lots = appender.add(TOPIC, await appender.partitions_of(TOPIC), events(1))
    await ended(lots, 5)
    assert [type(verdict) for verdict in verdicts_of(TOPIC, lots)] == [Unknown]
    kafka.partitions = 3
    assert await appender.partitions_of(TOPIC) == 3
