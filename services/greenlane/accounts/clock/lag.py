"""How far every consumer group is: the offset it reads next, and how many records it has yet to read."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import structlog
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, RULES, declared_topics, group_of, readers_of
from greenlane.settings import SERVICES

EXACT_RECORDS = 500
"""Of a partition as many records are counted one by one; what lies beyond is counted by its offsets."""
COUNTING_SECONDS = 1.0
"""Longest time spent counting for one group; what was not counted by then is counted by its offsets."""
FETCH_BYTES = 65_536

Place = tuple[str, str, int]
"""Group, topic, partition."""

log = structlog.get_logger("greenlane.clock")


@dataclass(frozen=True, slots=True)
class GroupPosition:
    """Where a group stands in a partition: the offset it reads next, and the records from there to the end."""

    offset: int
    records: int


@dataclass(frozen=True, slots=True)
class _Gap:
    """Offsets `start` up to and without `end`, which may hold records, transaction markers or nothing."""

    start: int
    end: int


def committed_offsets(
    admin: KafkaAdminClient, groups: Sequence[str], partitions: Sequence[TopicPartition]
) -> dict[str, dict[TopicPartition, int]] | None:
    """Next offset each group would read, per partition; -1 where it has committed nothing.

    None while the broker cannot say so, as in the moments in which it starts or takes the groups over.
    """
    try:
        answer = admin.list_group_offsets({group: list(partitions) for group in groups})
    except KafkaError as error:
        if not error.retriable:
            raise
        return None
    return {group: {key: value.offset for key, value in answer[group].items()} for group in groups}


class LagMeter:
    """Measures the stream services' groups from outside, because a dead worker measures nothing."""

    def __init__(self, bootstrap_servers: str) -> None:
        """`bootstrap_servers` is host:port, comma-separated."""
        servers = bootstrap_servers.split(",")
        self._admin = KafkaAdminClient(bootstrap_servers=servers, client_id="greenlane-lag")
        self._consumer: Any = KafkaConsumer(
            bootstrap_servers=servers,
            client_id="greenlane-lag",
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            max_poll_records=EXACT_RECORDS,
            max_partition_fetch_bytes=FETCH_BYTES,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_connections()

    def close_connections(self) -> None:
        """Give the connections back; nothing can be measured afterwards."""
        self._consumer.close()
        self._admin.close()

    def records(self, marketplaces: Sequence[str]) -> dict[Place, GroupPosition] | None:
        """Where every group stands, with the records it has yet to read; None as in `committed_offsets`.

        Transaction markers and aborted records are no records: a group that has read everything stands at 0 in a
        partition that ends with a marker. Beyond EXACT_RECORDS or COUNTING_SECONDS offsets count as records.
        A topic that does not exist has no entry.
        """
        gaps = self._gaps(marketplaces)
        if gaps is None:
            return None
        positions: dict[Place, GroupPosition] = {}
        for group, places in gaps.items():
            counted = self._count({place: gap for place, gap in places.items() if gap.start < gap.end})
            for place, gap in places.items():
                positions[group, place.topic, place.partition] = GroupPosition(gap.start, counted.get(place, 0))
        return positions

    def offsets_behind(self, marketplaces: Sequence[str]) -> dict[Place, int] | None:
        """The same by offsets alone: cheap, and exact where no transaction wrote last."""
        gaps = self._gaps(marketplaces)
        if gaps is None:
            return None
        return {
            (group, place.topic, place.partition): gap.end - gap.start
            for group, places in gaps.items()
            for place, gap in places.items()
        }

    def _gaps(self, marketplaces: Sequence[str]) -> dict[str, dict[TopicPartition, _Gap]] | None:
        """What lies before each group; a group that stands outside the log begins at the log's first offset."""
        gaps: dict[str, dict[TopicPartition, _Gap]] = {}
        for services, topics in topics_read(marketplaces).items():
            places = [
                TopicPartition(topic, partition)
                for topic in topics
                for partition in self._consumer.partitions_for_topic(topic) or ()
            ]
            if not places:
                continue
            committed = committed_offsets(self._admin, [group_of(service) for service in services], places)
            if committed is None:
                return None
            firsts = self._admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
            ends = self._admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
            for group, offsets in committed.items():
                gaps[group] = {
                    place: _gap(offsets.get(place, -1), firsts[place].offset, ends[place].offset) for place in places
                }
        return gaps

    def _count(self, gaps: Mapping[TopicPartition, _Gap]) -> dict[TopicPartition, int]:
        """Records in each gap: those that were read, and one for each offset that was not reached."""
        seen, reached = dict.fromkeys(gaps, 0), {place: gap.start for place, gap in gaps.items()}
        self._consumer.assign(list(gaps))
        for place, gap in gaps.items():
            self._consumer.seek(place, gap.start)
        deadline = time.monotonic() + COUNTING_SECONDS
        left = set(gaps)
        while left and (rest := deadline - time.monotonic()) > 0:
            try:
                batches = self._consumer.poll(timeout_ms=max(1, int(rest * 1000)))
                positions = {place: self._consumer.position(place) for place in left}
            except KafkaError as error:
                log.warning("lag_counted_by_offsets", partitions=len(left), reason=str(error))
                break
            for place in tuple(left):
                gap = gaps[place]
                seen[place] += sum(record.offset < gap.end for record in batches.get(place, ()))
                reached[place] = min(max(positions[place], reached[place]), gap.end)
                if reached[place] >= gap.end or seen[place] >= EXACT_RECORDS:
                    left.discard(place)
                    self._consumer.pause(place)
        self._consumer.assign([])
        return {place: seen[place] + gap.end - reached[place] for place, gap in gaps.items()}


def _gap(committed: int, first: int, end: int) -> _Gap:
    """A committed offset beyond the end is that of a topic that was made anew: all of it is still to be read."""
    return _Gap(committed if first <= committed <= end else first, end)


def topics_read(marketplaces: Sequence[str]) -> dict[tuple[str, ...], list[str]]:
    """The topics that the same services read in groups of their own, by those services."""
    readers: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for topic in declared_topics(marketplaces):
        if topic.name not in {AGGREGATOR_CHANGELOG, RULES}:  # read whole and without a group
            readers[readers_of(topic, SERVICES)].append(topic.name)
    readers.pop((), None)
    return readers
