"""A stateful partition: effects, rows and the offset they contain, in one transaction of a fenced producer."""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

from greenlane.streaming.batches import outputs_of
from greenlane.streaming.continuity import Continuity
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.meta import META_KEY, Meta
from greenlane.streaming.offsets import Bounds, OffsetReader
from greenlane.streaming.partitions import Desk
from greenlane.streaming.records import Output, PartitionState, SourceRecord
from greenlane.streaming.scheduler import Chunk
from greenlane.streaming.store import load
from greenlane.streaming.writer import BatchWriter


class StatefulPartition:
    """Folds records into a state exactly once: what the state contains is skipped, and a hole ends the process."""

    def __init__(
        self, desk: Desk, changelog: str, state: PartitionState, writer: BatchWriter, continuity: Continuity
    ) -> None:
        self._desk, self._changelog, self._state = desk, changelog, state
        self._writer, self._continuity = writer, continuity

    @classmethod
    async def opened(
        cls, desk: Desk, changelog: str, state: PartitionState, writer: BatchWriter, offsets: OffsetReader
    ) -> "StatefulPartition":
        """Shut out the previous owner, read the state back, and check that it and the source belong together."""
        settings = desk.settings
        try:
            await writer.start()
            loaded = await load(settings.bootstrap_servers, changelog, desk.partition, settings.partitions, state)
            bounds = await offsets.bounds(desk.topic, desk.partition)
            expected = first_unapplied(loaded.meta, bounds, place=desk.place, changelog=changelog)
        except BaseException:
            await writer.stop()
            raise
        desk.observer.loaded(desk.partition, loaded.rows, loaded.seconds)
        return cls(desk, changelog, state, writer, Continuity(desk.place, expected, holes_allowed=False))

    async def process(self, chunk: Chunk) -> None:
        """Skip what is applied; handle the rest; write all of it or nothing; report."""
        started = time.perf_counter()
        self._continuity.holes(chunk)
        replayed = bisect_right(chunk.records, (self._continuity.expected or 0) - 1, key=attrgetter("offset"))
        counts: Counter[str] = Counter()
        if records := chunk.records[replayed:]:
            counts = await self._apply(records)
        self._desk.report(chunk, counts, started=started, replayed=replayed)

    async def _apply(self, records: Sequence[SourceRecord]) -> Counter[str]:
        settings = self._desk.settings
        outcomes = self._state.handle(records)
        effects, counts = outputs_of(records, outcomes, settings.stage, settings.max_output_bytes)
        last = records[-1].offset
        await self._writer.write_atomically([*effects, *self._rows(last)])
        self._continuity.done(last)
        return counts

    def _rows(self, last: int) -> list[Output]:
        changelog, partition = self._changelog, self._desk.partition
        rows = [Output(changelog, key, value, (), partition) for key, value in self._state.changes()]
        if any(row.key == META_KEY for row in rows):
            raise StreamingError(f"the state wrote a row under the reserved key {META_KEY!r}")
        meta = Meta(applied=last, partitions=self._desk.settings.partitions)
        return [*rows, Output(changelog, META_KEY, meta.encode(), (), partition)]

    async def close(self) -> None:
        """Let go of the producer; the state is dropped with this object."""
        await self._writer.stop()


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
