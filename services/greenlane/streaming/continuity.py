"""Whether a partition's records arrive without a record missing: arithmetic on offsets alone."""

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

    def hole_before(self, chunk: Chunk) -> int:
        """Offsets skipped before this chunk, 0 for a replay; raises `StreamingError` if they may be lost records."""
        first = chunk.records[0].offset
        if self.expected is None or first <= self.expected:
            return 0
        skipped = first - self.expected
        jumped = chunk.after is None or chunk.after < self.expected
        if self._holes_allowed and jumped:
            return skipped
        raise StreamingError(
            f"{self._place}: expected offset {self.expected}, got {first}: {skipped} records were never processed. "
            "Restarting reads them again from the last commit; if it repeats, they are gone from the topic "
            "(retention) and the state must be rebuilt with `greenlane recompute`"
        )

    def done(self, last: int) -> None:
        """Everything up to and including offset `last` is acknowledged."""
        self.expected = max(last + 1, self.expected or 0)
