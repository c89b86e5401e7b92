"""A stateless partition: records through a handler, outputs acknowledged, at least once."""

import time

from greenlane.streaming.batches import outputs_of
from greenlane.streaming.continuity import Continuity
from greenlane.streaming.kafka.offsets import OffsetReader
from greenlane.streaming.kafka.writer import BatchWriter
from greenlane.streaming.partitions import PartitionContext
from greenlane.streaming.records import StatelessHandler
from greenlane.streaming.scheduler import Chunk


class StatelessPartition:
    """Writes what the handler answers. A repeat after a crash writes the same records again."""

    def __init__(
        self, context: PartitionContext, handler: StatelessHandler, writer: BatchWriter, continuity: Continuity
    ) -> None:
        self._context, self._handler, self._writer, self._continuity = context, handler, writer, continuity

    @classmethod
    async def opened(
        cls, context: PartitionContext, handler: StatelessHandler, writer: BatchWriter, offsets: OffsetReader
    ) -> "StatelessPartition":
        """Expect the group's committed offset first; the beginning, if that was another topic's."""
        bounds = await offsets.bounds(context.topic, context.partition, context.topic_id)
        if bounds.anew:
            context.observer.made_anew(context.topic, context.partition)
        expected = None if bounds.anew else bounds.committed
        return cls(context, handler, writer, Continuity(context.place, expected, holes_allowed=True))

    async def process(self, chunk: Chunk) -> None:
        """Handle, write, wait for every acknowledgement, report."""
        started = time.perf_counter()
        hole = self._continuity.holes(chunk)
        settings, records = self._context.settings, chunk.records
        outcomes = self._handler.handle(records)
        outputs, counts = outputs_of(records, outcomes, settings.stage, settings.max_output_bytes)
        await self._writer.write(outputs)
        self._continuity.done(records[-1].offset)
        self._context.report(chunk, counts, started=started, hole=hole)

    async def close(self) -> None:
        """Nothing is held."""
