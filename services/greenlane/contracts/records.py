"""One record of Kafka, whichever client read it."""

from collections.abc import Sequence
from typing import Protocol


class KafkaRecord(Protocol):
    """A record as Kafka holds it. A client's own record object is handed over as it is: nothing is copied."""

    @property
    def topic(self) -> str:
        """Where it stands."""

    @property
    def partition(self) -> int:
        """Its partition."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def timestamp(self) -> int:
        """When the broker appended it, milliseconds since 1970 UTC; -1 where the topic keeps no time."""

    @property
    def key(self) -> bytes | None:
        """The key's bytes: of an event its seller's id."""

    @property
    def value(self) -> bytes | None:
        """The value's bytes: the event, or its data in binary mode; None is a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and values in the order they were written: of an event in binary mode its attributes."""
