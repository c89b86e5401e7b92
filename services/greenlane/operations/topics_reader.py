"""Reads whole topics, partition by partition, up to the end offsets captured at the start."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition

from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.errors import GreenlaneError
from greenlane.fetching.with_kafka_python import read_with_care

Progress = Callable[[int, int], None]
"""Told after every batch how many offsets of how many have been read."""

POLL_MS = 500
STALL_SECONDS = 60.0
"""Longest wait for a partition that should have more to read; it is a dead broker's limit, not a speed."""


class TopicsUnreadableError(GreenlaneError):
    """A topic is missing or its broker stopped answering; the text names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Span:
    """What there was to read of a partition when reading began: offsets `first` up to and without `end`."""

    topic: str
    partition: int
    first: int
    end: int


def _from(span: Span, offset: int) -> Span:
    """What there is to read from an offset; all of it where the offset is of a topic that was there before this one."""
    return replace(span, first=max(span.first, offset)) if offset < span.end else span


class TopicsReader:
    """A snapshot of topics: only committed records, without a consumer group, so reading leaves no trace.

    Use as a context manager. Raises TopicsUnreadableError when a topic does not exist or stops answering.
    """

    def __init__(
        self, bootstrap_servers: str, topics: Iterable[str], progress: Progress, stall_seconds: float = STALL_SECONDS
    ) -> None:
        read_with_care()
        self._progress = progress
        self._stall_seconds = stall_seconds
        self._read = 0
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=bootstrap_servers.split(","),
            client_id="greenlane-recompute",
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            max_poll_records=5_000,
            check_crcs=False,  # 85 % of the reading time in pure Python; a flipped byte shows in the comparison anyway
        )
        try:
            self.spans = self._capture(tuple(topics))
        except BaseException:
            self._consumer.close()
            raise
        self._total = sum(span.end - span.first for span in self.spans)

    def limit(self, topic: str, partition: int, *, first: int | None = None, end: int | None = None) -> None:
        """Have fewer records of a partition: those from offset `first` on, up to and without `end`."""
        self.spans = tuple(
            replace(span, first=max(span.first, first or 0), end=span.end if end is None else min(span.end, end))
            if (span.topic, span.partition) == (topic, partition)
            else span
            for span in self.spans
        )
        self._total = sum(max(0, span.end - span.first) for span in self.spans)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def _capture(self, topics: tuple[str, ...]) -> tuple[Span, ...]:
        places: list[TopicPartition] = []
        for topic in topics:
            partitions = self._consumer.partitions_for_topic(topic)
            if not partitions:
                raise TopicsUnreadableError(f"topic {topic} does not exist; create it with: greenlane topics apply")
            places.extend(TopicPartition(topic, partition) for partition in sorted(partitions))
        ends = self._consumer.end_offsets(places)
        firsts = self._consumer.beginning_offsets(places)
        return tuple(Span(place.topic, place.partition, firsts[place], ends[place]) for place in places)

    def records(self, topic: str, since: Mapping[int, int] | None = None) -> Iterator[KafkaRecord]:
        """Every record of the topic in the snapshot: partition after partition, each in offset order.

        `since` leaves out the partitions that it does not name, and what stands before its offsets in the others; an
        offset that the partition has not reached is of a topic of the same name before it, and leaves out nothing.
        """
        for span in self.spans:
            if span.topic != topic or (since is not None and span.partition not in since):
                continue
            yield from self._partition(span if since is None else _from(span, since[span.partition]))

    def _partition(self, span: Span) -> Iterator[KafkaRecord]:
        place = TopicPartition(span.topic, span.partition)
        self._consumer.assign([place])
        self._consumer.seek(place, span.first)
        position, moved_at = span.first, time.monotonic()
        while position < span.end:
            batch = self._consumer.poll(timeout_ms=POLL_MS).get(place, ())
            yield from (record for record in batch if record.offset < span.end)
            # the position also moves over what is no record: transaction markers and what compaction removed
            reached = min(self._consumer.position(place), span.end)
            if reached > position:
                self._read += reached - position
                position, moved_at = reached, time.monotonic()
                self._progress(min(self._read, self._total), self._total)
            elif time.monotonic() - moved_at > self._stall_seconds:
                where = f"{span.topic} partition {span.partition} at offset {position} of {span.end}"
                raise TopicsUnreadableError(
                    f"{where}: no answer for {self._stall_seconds:.0f} s; check the broker and start again"
                )
