"""A stateful partition: effects, rows and the offset they contain, in one transaction of a fenced producer."""

import time
import uuid
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from greenlane.streaming.batches import outputs_of
from greenlane.streaming.changelog import Changelog
from greenlane.streaming.continuity import Continuity
from greenlane.streaming.disk import DiskRows, Mark
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.meta import META_KEY, Meta
from greenlane.streaming.offsets import Bounds, OffsetReader
from greenlane.streaming.partitions import Desk
from greenlane.streaming.records import Output, PartitionState, SourceRecord
from greenlane.streaming.scheduler import Chunk
from greenlane.streaming.store import Store, load
from greenlane.streaming.writer import BatchWriter


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
    """Folds records into a state exactly once: what the state contains is skipped, and a hole ends the process."""

    def __init__(self, desk: Desk, kept: Kept, writer: BatchWriter, continuity: Continuity) -> None:
        self._desk, self._kept, self._writer, self._continuity = desk, kept, writer, continuity

    @classmethod
    async def opened(cls, desk: Desk, store: Store, writer: BatchWriter, offsets: OffsetReader) -> "StatefulPartition":
        """Shut out the previous owner, read the state back, and check that it and the source belong together."""
        settings = desk.settings
        changelog = Changelog(settings.bootstrap_servers, store.changelog, desk.partition)
        disk: DiskRows | None = None
        try:
            await writer.start()
            disk = store.open(desk.partition)
            state = store.state(desk.partition, disk)
            loaded = await load(changelog, settings.partitions, state, disk)
            bounds = await offsets.bounds(desk.topic, desk.partition, desk.topic_id)
            refuse_another_topic(loaded.meta, bounds, desk)
            expected = first_unapplied(loaded.meta, bounds, place=desk.place, changelog=store.changelog)
        except BaseException:
            await writer.stop()
            if disk is not None:
                disk.close()
            raise
        desk.observer.loaded(desk.partition, loaded.rows, loaded.seconds)
        named = (loaded.meta and loaded.meta.store) or uuid.uuid4().hex
        kept = Kept(store.changelog, named, state, disk)
        return cls(desk, kept, writer, Continuity(desk.place, expected, holes_allowed=False))

    async def process(self, chunk: Chunk) -> None:
        """Skip what is applied; handle the rest; write all of it or nothing; report."""
        started = time.perf_counter()
        self._continuity.holes(chunk)
        replayed = bisect_right(chunk.records, (self._continuity.expected or 0) - 1, key=attrgetter("offset"))
        counts: Counter[str] = Counter()
        records = chunk.records[replayed:]
        while records:
            applied = await self._apply(records)
            counts += applied
            records = records[applied.total() :]
        self._desk.report(chunk, counts, started=started, replayed=replayed)

    async def _apply(self, records: Sequence[SourceRecord]) -> Counter[str]:
        """Write what as many of the first records lead to as the state takes at once; how they ended."""
        settings, kept = self._desk.settings, self._kept
        outcomes = kept.state.handle(records)
        taken = records[: max(len(outcomes), 1)]
        effects, counts = outputs_of(taken, outcomes, settings.stage, settings.max_output_bytes)
        last = taken[-1].offset
        rows = self._rows(last)
        written = await self._writer.write_atomically([*effects, *rows])
        if kept.disk is not None:
            meta = written[kept.changelog, self._desk.partition]
            mark = None if meta.offset is None else Mark(meta.offset, meta.timestamp)
            kept.disk.write({row.key: row.value for row in rows}, mark)
        self._continuity.done(last)
        return counts

    def _rows(self, last: int) -> list[Output]:
        kept, partition = self._kept, self._desk.partition
        rows = [Output(kept.changelog, key, value, (), partition) for key, value in kept.state.changes()]
        if any(row.key == META_KEY for row in rows):
            raise StreamingError(f"the state wrote a row under the reserved key {META_KEY!r}")
        meta = Meta(
            applied=last, partitions=self._desk.settings.partitions, store=kept.store, topic=self._desk.topic_id
        )
        return [*rows, Output(kept.changelog, META_KEY, meta.encode(), (), partition)]

    async def close(self) -> None:
        """Let go of the producer and the disk; the state is dropped with this object."""
        await self._writer.stop()
        self._kept.close()


def refuse_another_topic(meta: Meta | None, bounds: Bounds, desk: Desk) -> None:
    """Raise `StreamingError` when the state was made of a topic of the same name that is no more."""
    if bounds.anew or (meta is not None and meta.topic and desk.topic_id and meta.topic != desk.topic_id):
        raise StreamingError(
            f"{desk.topic} was deleted and created anew: the state was made of the topic before it; if the topic is "
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
