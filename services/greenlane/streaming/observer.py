"""What an engine reports about itself while it runs; metrics are made of it outside."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

Ready = Callable[[bool, str], None]
"""Told whether the engine is ready, and why not, whenever that changes."""


class EngineObserver(Protocol):
    """Told what happens, on the event loop, between batches. Implementations must be quick and must not raise."""

    def records_read(self, topic: str, partition: int, count: int) -> None:
        """Records reached the engine, replays included."""

    def replayed(self, topic: str, partition: int, count: int) -> None:
        """Records the state already contained; they changed nothing."""

    def outcomes(self, topic: str, name: str, count: int) -> None:
        """Records ended as this outcome, and all they led to is acknowledged."""

    def hole(self, topic: str, partition: int, count: int) -> None:
        """Offsets that hold no record: transaction markers, aborted records, compaction."""

    def batch_done(self, topic: str, partition: int, next_offset: int, oldest_append_ms: int, seconds: float) -> None:
        """A batch is acknowledged: what it was appended at, at the earliest, and how long it was in work."""

    def rebalanced(self, assigned: Sequence[tuple[str, int]]) -> None:
        """The group gave this process these partitions."""

    def loaded(self, partition: int, rows: int, seconds: float) -> None:
        """The state of a partition was read back from its changelog."""

    def made_anew(self, topic: str, partition: int) -> None:
        """The topic was deleted and created again; the partition is read from its beginning."""

    def sources(self, reasons: Mapping[str, str]) -> None:
        """Whether each source topic is read: why not, or nothing if it is."""


class SilentObserver:
    """An observer that keeps nothing."""

    def records_read(self, topic: str, partition: int, count: int) -> None:
        """Keeps nothing."""

    def replayed(self, topic: str, partition: int, count: int) -> None:
        """Keeps nothing."""

    def outcomes(self, topic: str, name: str, count: int) -> None:
        """Keeps nothing."""

    def hole(self, topic: str, partition: int, count: int) -> None:
        """Keeps nothing."""

    def batch_done(self, topic: str, partition: int, next_offset: int, oldest_append_ms: int, seconds: float) -> None:
        """Keeps nothing."""

    def rebalanced(self, assigned: Sequence[tuple[str, int]]) -> None:
        """Keeps nothing."""

    def loaded(self, partition: int, rows: int, seconds: float) -> None:
        """Keeps nothing."""

    def made_anew(self, topic: str, partition: int) -> None:
        """Keeps nothing."""

    def sources(self, reasons: Mapping[str, str]) -> None:
        """Keeps nothing."""
