"""What a handler sees and what it answers: source records in, one outcome per record out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from greenlane.contracts.records import KafkaRecord


class Output(NamedTuple):
    """One record to write. Without `partition` the key decides, by the same hash as Kafka's own producers."""

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


class Outcome(NamedTuple):
    """What became of one source record: the name under which it is counted, and what to write because of it.

    `streamed` is made while it is written, after all `outputs` of the call: for more than memory should hold at once.
    It changes the state as it goes, so nothing is handled before it is used up; None in it gives other tasks a turn.
    """

    name: str
    outputs: tuple[Output, ...] = ()
    streamed: Iterator[Output | None] | None = None


class StatelessHandler(Protocol):
    """Turns records into outcomes, remembering nothing between calls."""

    def handle(self, records: Sequence[KafkaRecord]) -> Sequence[Outcome]:
        """One outcome per record, in the same order. An exception ends the process with nothing acknowledged."""


class PartitionState(Protocol):
    """The state of one source partition, owned by one process at a time."""

    def restore(self, key: bytes, value: bytes) -> None:
        """Take back one row, the latest of its key, before the first `handle`. Any exception refuses the start."""

    def handle(self, records: Sequence[KafkaRecord]) -> Sequence[Outcome]:
        """One outcome for each of the first records, in the same order: for all of them, or for at least one.

        Those without are handed over again, after the outputs of the others were written: a state need not hold more
        of them than it wants to. Only the last outcome may have something `streamed`. An exception ends the process
        with nothing of this call acknowledged.
        """

    def changes(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Rows changed since the last call, in write order: derived first, ledger last; None deletes a row.

        Asked for when everything that the last call of `handle` led to, streamed or not, has been taken.
        """
