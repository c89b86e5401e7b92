"""One partition's batches, one after the other, beside those of the other partitions."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import Protocol

from greenlane.streaming.fatal import give_up
from greenlane.streaming.partitions import Partition
from greenlane.streaming.scheduler import Chunk

REST, LONGEST_REST = 3, 0.1
"""A lane that has nothing waiting rests for so many times as long as its last batch took, at most so many seconds: what
arrives meanwhile makes one batch. Each batch costs requests and a transaction, so a busy machine gets the more done the
longer its batches take."""


class Event(Protocol):
    """Faust's event around a chunk."""

    @property
    def value(self) -> Chunk:
        """The chunk."""

    def ack(self) -> bool:
        """Let its offset be committed."""


class Lane:
    """Feeds one partition. What arrives while a batch is processed makes one larger batch, up to `max_batch` records.

    An event is acknowledged to Faust once Kafka has acknowledged everything that its chunk led to. Any failure ends the
    process.
    """

    def __init__(self, place: str, opening: asyncio.Task[Partition], max_batch: int) -> None:
        self._place, self._opening, self._max_batch = place, opening, max_batch
        self._waiting: deque[Event] = deque()
        self._arrived, self._room, self._in_hand = asyncio.Event(), asyncio.Event(), asyncio.Lock()
        self._working = asyncio.ensure_future(self._work())

    @property
    def loading(self) -> bool:
        """Whether the partition cannot take its first batch yet."""
        return not self._opening.done()

    async def put(self, event: Event) -> None:
        """Take a chunk in; while a whole batch waits already, wait too. To be called by one task only."""
        while sum(len(earlier.value.records) for earlier in self._waiting) >= self._max_batch:
            self._room.clear()
            await self._room.wait()
        self._waiting.append(event)
        self._arrived.set()

    async def close(self) -> None:
        """Finish the batch in hand, leave what waits behind it to the next owner, and let go of the partition."""
        if self.loading:
            self._working.cancel()
            self._opening.cancel()
            return
        async with self._in_hand:
            self._working.cancel()
        self._waiting.clear()
        self._room.set()  # or who waits in `put` would wait for ever, and with it every other partition
        await self._opening.result().close()

    async def _work(self) -> None:
        try:
            partition = await self._opening
            while True:
                await self._arrived.wait()
                began = time.monotonic()
                async with self._in_hand:
                    events = self._take()
                    await partition.process(merged([event.value for event in events]))
                    for event in events:
                        event.ack()
                if not self._waiting:
                    await asyncio.sleep(min(REST * (time.monotonic() - began), LONGEST_REST))
        except Exception as error:  # noqa: BLE001 - a supervisor starts the process again, from the last commit
            give_up(f"{self._place} failed: {error!r}", error)

    def _take(self) -> list[Event]:
        """The chunks that wait, in order, as many as follow on one another and fit into one batch."""
        events = [self._waiting.popleft()]
        size, last = len(events[0].value.records), events[0].value.records[-1].offset
        while self._waiting:
            records, after = self._waiting[0].value
            size += len(records)
            if after != last or size > self._max_batch:
                break
            events.append(self._waiting.popleft())
            last = records[-1].offset
        self._room.set()
        if not self._waiting:
            self._arrived.clear()
        return events


def merged(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks that follow on one another as one."""
    if len(chunks) == 1:
        return chunks[0]
    return Chunk(list(chain.from_iterable(chunk.records for chunk in chunks)), chunks[0].after)
