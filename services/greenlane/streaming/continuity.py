"""Whether a partition's records arrive without a record missing: arithmetic on offsets alone."""

from itertools import pairwise

from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.unreadable import Unreadable
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.scheduler import Chunk


class Continuity:
    """The next offset expected of one partition.

    A hole is harmless where the fetch itself jumped over it (transaction markers, aborted records, compaction). It
    means lost records where they were fetched but never handed over, and wherever the topic cannot have holes.
    """

    def __init__(self, place: str, expected: int | None, *, holes_allowed: bool) -> None:
        """`place` names the partition in errors; `expected` is None when nothing was committed yet."""
        self._place = place
        self._holes_allowed = holes_allowed
        self.expected = expected

    def holes(self, chunk: Chunk) -> int:
        """Offsets without a record before and within a chunk; `StreamingError` if they may be lost records."""
        records = chunk.records
        first, last = _first(records[0]), records[-1].offset
        before = 0 if self.expected is None else max(0, first - self.expected)
        within = last - first + 1 - len(records)
        if before and not (self._holes_allowed and self._jumped(chunk)):
            raise self.lost(self.expected, first)
        if within and not self._holes_allowed:
            hole = next(((a.offset, b) for a, b in pairwise(records) if _first(b) > a.offset + 1), None)
            if hole is not None:
                raise self.lost(hole[0] + 1, _first(hole[1]))
        return before + within

    def first_hole(self, chunk: Chunk) -> tuple[int, int] | None:
        """The first offset without a record and the next one with a record, before or within a chunk."""
        first, last = _first(chunk.records[0]), chunk.records[-1].offset
        if self.expected is not None and first > self.expected:
            return self.expected, first
        if last - first + 1 == len(chunk.records):
            return None
        return next(((a.offset + 1, _first(b)) for a, b in pairwise(chunk.records) if _first(b) > a.offset + 1), None)

    def _jumped(self, chunk: Chunk) -> bool:
        return chunk.after is None or self.expected is None or chunk.after < self.expected

    def lost(self, expected: int | None, got: int) -> StreamingError:
        """The error that ends the process."""
        return StreamingError(
            f"{self._place}: expected offset {expected}, got {got}: what lies between was never processed. "
            "Restarting reads it again from the last commit; if this repeats, it is gone from the topic (retention): "
            "restore the topic without a hole, then run `greenlane rebuild`, with --checkpoint if it has no beginning"
        )

    def done(self, last: int) -> None:
        """Everything up to and including offset `last` is acknowledged."""
        self.expected = max(last + 1, self.expected or 0)


def _first(record: KafkaRecord) -> int:
    """The first offset that a record stands for: its own, or the first of those that nobody can read."""
    return record.value.first_offset if isinstance(record.value, Unreadable) else record.offset
