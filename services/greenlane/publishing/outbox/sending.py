"""Records to the partitions of one topic: in order, one batch of a partition under way, and none behind a lost one.

So no record is appended before an earlier one of its key, whatever fails: what comes after a batch without an answer
is not sent at all.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from greenlane.publishing.outbox.checking import Ready
from greenlane.publishing.sdk.link import partition_of

_ANSWER_SECONDS = 12.0
"""For which the answer to a batch is awaited; the client itself gives a batch up earlier."""
_BEGIN_SECONDS = 10.0
"""After which no further batch is begun, so that rows are marked and no lock is held for long."""
_METADATA_SECONDS = 3.0
_RECORDS_A_BATCH = 500
_TOO_LARGE = "too_large: payload: the topic takes no record of this size; write a smaller event"


class Client(Protocol):
    """What is used of aiokafka's producer."""

    def create_batch(self) -> Any:
        """An empty batch."""

    def send_batch(self, batch: Any, topic: str, *, partition: int) -> Awaitable[Any]:
        """Hand a batch over; gives a future that ends when the batch is acknowledged."""

    def partitions_for(self, topic: str) -> Awaitable[Iterable[int]]:
        """The partitions of a topic."""


@dataclass
class Sending:
    """What became of rows, by position: acknowledged, refused with the reason, or neither because of the obstacle."""

    sent: list[int] = field(default_factory=list)
    refusals: dict[int, str] = field(default_factory=dict)
    obstacle: str = ""


async def send(client: Client, topic: str, ready: Sequence[Ready], now_ms: int) -> Sending:
    """Append the records, which are in the order of their rows; ends within 40 s whatever Kafka does."""
    done = Sending()
    if not ready:
        return done
    try:
        async with asyncio.timeout(_METADATA_SECONDS):
            partitions = len(list(await client.partitions_for(topic)))
    except UnknownTopicOrPartitionError:
        done.obstacle = f"Kafka has no topic {topic}; ask its operator to create it: greenlane topics apply"
        return done
    except (KafkaError, TimeoutError) as error:
        done.obstacle = f"Kafka does not answer ({type(error).__name__})"
        return done
    by_partition: defaultdict[int, list[Ready]] = defaultdict(list)
    for one in ready:
        by_partition[partition_of(one.record.key or b"", partitions)].append(one)
    lanes = [_Lane(client, topic, partition, now_ms, done) for partition in by_partition]
    await asyncio.gather(*(lane.send(mine) for lane, mine in zip(lanes, by_partition.values(), strict=True)))
    return done


@dataclass
class _Lane:
    """One partition, and where it is told what became of its records."""

    client: Client
    topic: str
    partition: int
    now_ms: int
    done: Sending

    async def send(self, ready: Sequence[Ready]) -> None:
        """Append them batch by batch; end at the first batch without an acknowledgement."""
        first, most = 0, _RECORDS_A_BATCH
        until = time.monotonic() + _BEGIN_SECONDS
        while first < len(ready) and time.monotonic() < until:
            batch, mine = self._filled(ready[first : first + most])
            error = await self._append(batch)
            if error is None:
                self.done.sent += [one.position for one in mine]
            elif isinstance(error, MessageSizeTooLargeError) and len(mine) > 1:
                most = len(mine) // 2
                continue
            elif isinstance(error, MessageSizeTooLargeError):
                self.done.refusals[mine[0].position] = _TOO_LARGE
            else:
                self.done.obstacle = f"Kafka did not acknowledge events ({type(error).__name__})"
                return
            first += len(mine)

    def _filled(self, ready: Sequence[Ready]) -> tuple[Any, Sequence[Ready]]:
        batch = self.client.create_batch()
        taken = 0
        for _, record in ready:
            headers = list(record.headers)
            appended = batch.append(timestamp=self.now_ms, key=record.key, value=record.value, headers=headers)
            if appended is None:
                break
            taken += 1
        batch.close()
        return batch, ready[:taken]

    async def _append(self, batch: Any) -> BaseException | None:
        """Why the batch was not acknowledged; None when all in-sync replicas have it."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer = await self.client.send_batch(batch, self.topic, partition=self.partition)
        except (KafkaError, TimeoutError) as error:
            return error
        # not cancelled when the time is over: the client still holds the batch and ends it in its own time
        await asyncio.wait([answer], timeout=_ANSWER_SECONDS)
        if not answer.done():
            return TimeoutError()
        return asyncio.CancelledError() if answer.cancelled() else answer.exception()
