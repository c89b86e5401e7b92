"""One partition's place in the engine: where it stands, what its batches are measured by, who processes them."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from greenlane.streaming.engine_settings import EngineSettings
from greenlane.streaming.observer import EngineObserver
from greenlane.streaming.scheduler import Chunk


class Partition(Protocol):
    """Processes the batches of one source partition for as long as the group leaves it to this process."""

    async def process(self, chunk: Chunk) -> None:
        """Return when everything the batch led to is acknowledged; any exception ends the process."""

    async def close(self) -> None:
        """The partition goes elsewhere."""


OpenPartition = Callable[[str, int], Awaitable[Partition]]
"""Prepares the partition of this topic and number; returns when it can take its first batch."""


@dataclass(frozen=True, slots=True)
class PartitionContext:
    """Where the batches of one partition are worked on and reported from."""

    settings: EngineSettings
    observer: EngineObserver
    topic: str
    partition: int
    topic_id: str = ""

    @property
    def place(self) -> str:
        """The partition, as messages name it."""
        return f"{self.topic}[{self.partition}]"

    def report(self, chunk: Chunk, counts: Counter[str], *, started: float, replayed: int = 0, hole: int = 0) -> None:
        """Tell the observer of an acknowledged batch; `started` is a reading of the performance counter."""
        observer, records = self.observer, chunk.records
        observer.records_read(self.topic, self.partition, len(records))
        if hole:
            observer.hole(self.topic, self.partition, hole)
        if replayed:
            observer.replayed(self.topic, self.partition, replayed)
        for name, count in counts.items():
            observer.outcomes(self.topic, name, count)
        seconds = time.perf_counter() - started
        observer.batch_done(self.topic, self.partition, records[-1].offset + 1, records[0].timestamp, seconds)
