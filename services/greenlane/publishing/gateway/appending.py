"""Appends events to Kafka and says where each stands; nothing is acknowledged before all in-sync replicas have it.

What requests send to the same partition meanwhile goes into one batch: there is one batch of a partition under way, and
one that fills.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import structlog
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from greenlane.publishing.gateway.checking import Checked
from greenlane.publishing.gateway.verdicts import Accepted, Unknown
from greenlane.publishing.sdk.link import partition_of

STRUCTURED_HEADERS = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
_METADATA_SECONDS = 3.0
_RECORDS_A_TURN = 250
_log = structlog.get_logger("greenlane.gateway")


class KafkaAwayError(Exception):
    """Kafka does not answer; nothing was sent."""


class NoTopicError(Exception):
    """The marketplace has no topic; nothing was sent."""


class Client(Protocol):
    """What is used of aiokafka's producer."""

    def create_batch(self) -> Any:
        """An empty batch."""

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Hand a batch over; the future has its first offset."""

    async def partitions_for(self, topic: str) -> Iterable[int]:
        """The partitions of a topic."""


class Lot:
    """The events of one request for one partition; `done` is set once each has an offset or `problem` says why not."""

    __slots__ = ("begun", "done", "events", "first", "offsets", "problem", "withdrawn")

    def __init__(self, events: Sequence[Checked]) -> None:
        self.events = events
        self.offsets: list[int] = []
        self.first = 0
        self.problem = ""
        self.begun = self.withdrawn = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self, problem: str = "") -> None:
        """No more offsets will come."""
        self.problem = problem
        if not self.done.done():
            self.done.set_result(None)


class Report(NamedTuple):
    """Who is told that a batch was acknowledged after so many seconds, or that one of a topic was not."""

    acknowledged: Callable[[float], None]
    failed: Callable[[str], None]


class Lane:
    """One partition: one batch under way, and behind it the lots that wait for the next one."""

    def __init__(self, client: Client, topic: str, partition: int, report: "Report") -> None:
        self._client = client
        self._topic = topic
        self._partition = partition
        self._report = report
        self._waiting: deque[Lot] = deque()
        self._sending: asyncio.Task[None] | None = None

    def add(self, lot: Lot) -> None:
        """Append the lot as soon as it is its turn."""
        self._waiting.append(lot)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        try:
            while self._waiting:
                lots, batch = self._filled()
                if lots:
                    await self._append(batch, lots)
        finally:
            self._sending = None

    def _filled(self) -> tuple[list[tuple[Lot, int]], Any]:
        """A batch of what waits, and how many records of which lots are in it."""
        batch = self._client.create_batch()
        now_ms = int(time.time() * 1000)
        lots: list[tuple[Lot, int]] = []
        room = _RECORDS_A_TURN
        while self._waiting and room > 0:
            lot = self._waiting[0]
            if lot.withdrawn:
                self._waiting.popleft()
                lot.end("Kafka did not answer in time, and it was not sent")
                continue
            taken = 0
            for event in lot.events[lot.first :]:
                if batch.append(timestamp=now_ms, key=event.key, value=event.value, headers=STRUCTURED_HEADERS) is None:
                    room = 0
                    break
                taken += 1
            room -= taken
            if taken:
                lot.begun = True
                lot.first += taken
                lots.append((lot, taken))
            if lot.first < len(lot.events):
                break
            self._waiting.popleft()
        batch.close()
        return lots, batch

    async def _append(self, batch: Any, lots: list[tuple[Lot, int]]) -> None:
        begun = time.monotonic()
        try:
            offset = (await (await self._client.send_batch(batch, self._topic, partition=self._partition))).offset
        except Exception as error:  # noqa: BLE001 - whatever it is, requests wait for these lots
            if not isinstance(error, KafkaError | TimeoutError):
                _log.error("events were not appended", kind=type(error).__name__, exc_info=error)
            self._report.failed(self._topic)
            problem = f"Kafka did not acknowledge it ({type(error).__name__})"
            for lot, _ in lots:
                lot.end(problem)
                if self._waiting and self._waiting[0] is lot:  # its rest would be sent without its beginning
                    self._waiting.popleft()
            return
        self._report.acknowledged(time.monotonic() - begun)
        for lot, taken in lots:
            lot.offsets.extend(range(offset, offset + taken))
            offset += taken
            if len(lot.offsets) == len(lot.events):
                lot.end()


class Appender:
    """Events of requests into lanes; `acknowledged` is told the seconds that each batch took."""

    def __init__(self, client: Client, acknowledged: Callable[[float], None] = lambda _: None) -> None:
        self._client = client
        self._report = Report(acknowledged, self._forget)
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._partitions: dict[str, int] = {}

    async def partitions_of(self, topic: str) -> int:
        """How many partitions the topic has. Raises NoTopicError, or KafkaAwayError when nobody can tell."""
        known = self._partitions.get(topic)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(_METADATA_SECONDS):
                found = len(list(await self._client.partitions_for(topic)))
        except UnknownTopicOrPartitionError:
            raise NoTopicError(topic) from None
        except (KafkaError, TimeoutError):
            raise KafkaAwayError from None
        self._partitions[topic] = found
        return found

    def add(self, topic: str, partitions: int, events: Sequence[Checked]) -> list[tuple[int, Lot]]:
        """Hand events over, in their order; the lots, each with its partition."""
        by_partition: defaultdict[int, list[Checked]] = defaultdict(list)
        for event in events:
            by_partition[partition_of(event.key, partitions)].append(event)
        lots = []
        for partition, mine in by_partition.items():
            lot = Lot(mine)
            lane = self._lanes.get((topic, partition))
            if lane is None:
                lane = self._lanes[topic, partition] = Lane(self._client, topic, partition, self._report)
            lane.add(lot)
            lots.append((partition, lot))
        return lots

    def _forget(self, topic: str) -> None:
        """Ask again how many partitions the topic has: it may have been made anew."""
        self._partitions.pop(topic, None)


async def ended(lots: Sequence[tuple[int, Lot]], seconds: float) -> None:
    """Wait until every lot has ended, at most so long; what has not begun by then is never sent."""
    waiting = [lot.done for _, lot in lots if not lot.done.done()]
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)
    for _, lot in lots:
        lot.withdrawn = not lot.begun


def verdicts_of(topic: str, lots: Iterable[tuple[int, Lot]]) -> Iterable[Accepted | Unknown]:
    """What became of every event in the lots."""
    for partition, lot in lots:
        for event, offset in zip(lot.events, lot.offsets, strict=False):
            yield Accepted(event.place, event.id, topic, partition, offset)
        for event in lot.events[len(lot.offsets) :]:
            yield Unknown(event.place, event.id, lot.problem or "Kafka did not answer in time")
