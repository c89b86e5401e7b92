"""A stateful partition: effects, rows and the offset they contain, in one transaction of a fenced producer."""

import time
import uuid
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from greenlane.contracts.records import KafkaRecord
from greenlane.streaming.batches import outputs_of
from greenlane.streaming.continuity import Continuity
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.kafka.offsets import Bounds, OffsetReader
from greenlane.streaming.kafka.writer import BatchWriter
from greenlane.streaming.partitions import PartitionContext
from greenlane.streaming.records import Output, PartitionState
from greenlane.streaming.scheduler import Chunk
from greenlane.streaming.state.changelog import Changelog
from greenlane.streaming.state.disk import DiskRows, Mark
from greenlane.streaming.state.meta import META_KEY, Meta
from greenlane.streaming.state.store import Store, load


@dataclass(frozen=True, slots=True)
class Kept:
    """One partition's state: the rows it lives by in its changelog and, if it has a copy there, on disk."""

    changelog: str
    store: str
    state: PartitionState
    disk: DiskRows | None

    def close(self) -> None:
        """Let the disk go; the state is dropped with this object."""
        if self.disk is not None:
            self.disk.close()


class StatefulPartition:
    """Folds records into a state exactly once: what it contains is skipped, and a lost record ends the process."""

    def __init__(
        self, context: PartitionContext, kept: Kept, writer: BatchWriter, offsets: OffsetReader, continuity: Continuity
    ) -> None:
        self._context, self._kept, self._writer = context, kept, writer
        self._offsets, self._continuity = offsets, continuity

    @classmethod
    async def opened(
        cls, context: PartitionContext, store: Store, writer: BatchWriter, offsets: OffsetReader
    ) -> "StatefulPartition":
        """Shut out the previous owner, read the state back, and check that it and the source belong together."""
        settings = context.settings
        changelog = Changelog(settings.bootstrap_servers, store.changelog, context.partition)
        disk: DiskRows | None = None
        try:
            await writer.start()
            disk = store.open(context.partition)
            state = store.state(context.partition, disk)
            loaded = await load(changelog, settings.partitions, state, disk)
            bounds = await offsets.bounds(context.topic, context.partition, context.topic_id)
            refuse_another_topic(loaded.meta, bounds, context)
            expected = first_unapplied(loaded.meta, bounds, place=context.place, changelog=store.changelog)
        except BaseException:
            await writer.stop()
            if disk is not None:
                disk.close()
            raise
        context.observer.loaded(context.partition, loaded.rows, loaded.seconds)
        named = (loaded.meta and loaded.meta.store) or uuid.uuid4().hex
        kept = Kept(store.changelog, named, state, disk)
        return cls(context, kept, writer, offsets, Continuity(context.place, expected, holes_allowed=False))

    async def process(self, chunk: Chunk) -> None:
        """Skip what is applied; handle the rest; write all of it or nothing; report."""
        started = time.perf_counter()
        hole = await self._explained_hole(chunk)
        replayed = bisect_right(chunk.records, (self._continuity.expected or 0) - 1, key=attrgetter("offset"))
        counts: Counter[str] = Counter()
        records = chunk.records[replayed:]
        while records:
            applied = await self._apply(records)
            counts += applied
            records = records[applied.total() :]
        self._context.report(chunk, counts, started=started, replayed=replayed, hole=hole)

    async def _explained_hole(self, chunk: Chunk) -> int:
        """How many offsets had no record; raises `StreamingError` unless the log itself has none there.

        In a topic without compaction every offset between its beginning and its end was written. What a second reader
        of committed records does not see either was taken back by its writer (an aborted transaction), or is the marker
        at a transaction's end. Whatever else is missing was lost on its way to us.
        """
        found = self._continuity.first_hole(chunk)
        if found is None:
            return 0
        context, first, records = self._context, found[0], chunk.records
        last = records[-1].offset
        beginning = (await self._offsets.bounds(context.topic, context.partition)).beginning
        if beginning > first:
            raise self._continuity.lost(*found)
        log = Changelog(context.settings.bootstrap_servers, context.topic, context.partition)
        seen = {item.offset async for batch in log.read(first, last) for item in batch if item.offset <= last}
        missing = sorted(seen - {record.offset for record in records})
        if missing:
            raise self._continuity.lost(missing[0], next(r.offset for r in records if r.offset > missing[0]))
        expected = records[0].offset if self._continuity.expected is None else self._continuity.expected
        return last + 1 - min(expected, records[0].offset) - len(records)

    async def _apply(self, records: Sequence[KafkaRecord]) -> Counter[str]:
        """Write what as many of the first records lead to as the state takes at once; how they ended."""
        settings, kept = self._context.settings, self._kept
        outcomes = kept.state.handle(records)
        taken = records[: max(len(outcomes), 1)]
        effects, counts = outputs_of(taken, outcomes, settings.stage, settings.max_output_bytes)
        streamed = outcomes[-1].streamed if outcomes else None
        last = taken[-1].offset
        copied: dict[bytes, bytes | None] = {}
        rows = self._rows(last, None if kept.disk is None else copied)
        written = await self._writer.write_atomically(chain(effects, streamed or (), rows))
        if kept.disk is not None:
            meta = written[kept.changelog, self._context.partition]
            mark = None if meta.offset is None else Mark(meta.offset, meta.timestamp)
            kept.disk.write(copied, mark)
        self._continuity.done(last)
        return counts

    def _rows(self, last: int, copied: dict[bytes, bytes | None] | None) -> Iterator[Output]:
        """The rows that changed, the meta row last, made while they are written; `copied` keeps them for the disk."""
        kept, partition = self._kept, self._context.partition
        for key, value in kept.state.changes():
            if key == META_KEY:
                raise StreamingError(f"the state wrote a row under the reserved key {META_KEY!r}")
            if copied is not None:
                copied[key] = value
            yield Output(kept.changelog, key, value, (), partition)
        partitions, topic = self._context.settings.partitions, self._context.topic_id
        meta = Meta(applied=last, partitions=partitions, store=kept.store, topic=topic).encode()
        if copied is not None:
            copied[META_KEY] = meta
        yield Output(kept.changelog, META_KEY, meta, (), partition)

    async def close(self) -> None:
        """Let go of the producer and the disk; the state is dropped with this object."""
        await self._writer.stop()
        self._kept.close()


def refuse_another_topic(meta: Meta | None, bounds: Bounds, context: PartitionContext) -> None:
    """Raise `StreamingError` when the state was made of a topic of the same name that is no more."""
    if bounds.anew or (meta is not None and meta.topic and context.topic_id and meta.topic != context.topic_id):
        raise StreamingError(
            f"{context.topic} was deleted and created anew: the state was made of the topic before it; if the topic is "
            "whole, `greenlane rebuild` makes a state of it"
        )


def first_unapplied(meta: Meta | None, bounds: Bounds, *, place: str, changelog: str) -> int:
    """Offset of the first record the state does not contain; raises `StreamingError` if state and source disagree."""
    if meta is None:
        if bounds.committed:
            raise StreamingError(
                f"{place} is committed up to {bounds.committed} but {changelog} holds no state for it: the changelog "
                "was lost; make it anew from the source with `greenlane rebuild`"
            )
        if bounds.beginning:
            raise StreamingError(
                f"{place} begins at offset {bounds.beginning} and {changelog} holds no state for it: what came before "
                "is gone from the topic, and a state without it would be wrong; begin with `greenlane rebuild "
                "--checkpoint FILE`"
            )
        return bounds.beginning
    expected = meta.applied + 1
    if bounds.committed is not None and bounds.committed > expected:
        raise StreamingError(
            f"{place} is committed up to {bounds.committed} but the state in {changelog} ends before {expected}: "
            "part of the changelog was lost; make it anew with `greenlane rebuild`"
        )
    if bounds.end < expected:
        raise StreamingError(
            f"{place} ends at {bounds.end} but the state in {changelog} contains records up to {meta.applied}: the "
            "source topic was truncated or created anew; if it is whole, `greenlane rebuild` makes a state of it"
        )
    return expected
