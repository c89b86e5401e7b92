"""Closes days: waits until both scorers are past what the inputs held, then tells every partition."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from greenlane.contracts.assessing import HEARTBEAT
from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.topics import ASSESSMENTS, BADGE_DECISIONS, SELLER_SCORES, fulfilment_topic, group_of

SCORERS = ("packaging_scorer", "delivery_scorer")
POLL_SECONDS = 0.1
SEND_SECONDS = 60.0


class ClosingError(Exception):
    """A day could not be closed; the text names what was waited for and the remedy."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """A heartbeat written into every input partition of a marketplace.

    `offsets` tells where each one stands, `broker_ms` the latest append time the broker gave them: the only wall
    clock a closing trusts, because it is the one that stamps the events too.
    """

    offsets: Mapping[TopicPartition, int]
    broker_ms: int


class DayCloser:
    """Writes `day.closed` for the marketplaces of one Kafka cluster; used by the clock and by replays of history."""

    def __init__(self, bootstrap_servers: str) -> None:
        """`bootstrap_servers` is host:port, comma-separated."""
        servers = bootstrap_servers.split(",")
        self._producer = KafkaProducer(
            bootstrap_servers=servers,
            client_id="greenlane-clock",
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            delivery_timeout_ms=int(SEND_SECONDS * 1000),
        )
        self._admin = KafkaAdminClient(bootstrap_servers=servers, client_id="greenlane-clock")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_connections()

    def close_connections(self) -> None:
        """Give the connections back; nothing can be closed afterwards."""
        self._producer.close(timeout=SEND_SECONDS)
        self._admin.close()

    def barrier(self, marketplace: str) -> Barrier:
        """Append a heartbeat to every input partition of the marketplace and tell where and when."""
        topic = fulfilment_topic(marketplace)
        headers = [("ce_type", HEARTBEAT.encode())]
        sent = [
            self._producer.send(topic, value=b"{}", headers=headers, partition=partition)
            for partition in sorted(self._producer.partitions_for(topic))
        ]
        written = [future.get(timeout=SEND_SECONDS) for future in sent]
        offsets = {TopicPartition(item.topic, item.partition): item.offset for item in written}
        return Barrier(offsets, max(item.timestamp for item in written))

    def close(  # noqa: PLR0913 - the run of days, and how long and on what to wait for it
        self,
        marketplace: str,
        first_day: date,
        last_day: date,
        *,
        timeout_seconds: float = 600.0,
        barrier: Barrier | None = None,
        keep_waiting: Callable[[], bool] = lambda: True,
    ) -> DayClosed:
        """Close the run of days once both scorers have committed past the barrier (a new one unless given).

        Closing a run that is closed already changes nothing. Raises ClosingError when a scorer does not get there
        within `timeout_seconds`, or when `keep_waiting` turns false.
        """
        target = (barrier or self.barrier(marketplace)).offsets
        deadline = time.monotonic() + timeout_seconds
        while behind := self._behind(target):
            if time.monotonic() > deadline or not keep_waiting():
                raise ClosingError(
                    f"{marketplace}: {last_day} was not closed because {', '.join(behind)} did not get past the events "
                    "published so far. Start the scorers or look at their logs, then close the day again."
                )
            time.sleep(POLL_SECONDS)
        record = DayClosed(marketplace=marketplace, first_day=first_day, last_day=last_day)
        self._tell_every_partition(record)
        return record

    def _tell_every_partition(self, record: DayClosed) -> None:
        key, value = f"day-closed/{record.marketplace}".encode(), record.model_dump_json().encode()
        sent = [
            self._producer.send(ASSESSMENTS, key=key, value=value, partition=partition)
            for partition in sorted(self._producer.partitions_for(ASSESSMENTS))
        ]
        for future in sent:
            future.get(timeout=SEND_SECONDS)

    def _behind(self, target: Mapping[TopicPartition, int]) -> list[str]:
        """The scorers of which nothing says that they have committed past the target."""
        groups = [group_of(service) for service in SCORERS]
        committed = self.committed(groups, list(target))
        if committed is None:
            return groups
        return [
            group
            for group, offsets in committed.items()
            if any(offsets.get(partition, -1) <= offset for partition, offset in target.items())
        ]

    def committed(
        self, groups: Sequence[str], partitions: Sequence[TopicPartition]
    ) -> dict[str, dict[TopicPartition, int]] | None:
        """Next offset each group would read, per partition; -1 where it has committed nothing.

        None while the broker cannot say so, as in the moments in which it starts or takes the groups over.
        """
        try:
            answer = self._admin.list_group_offsets({group: list(partitions) for group in groups})
        except KafkaError as error:
            if not error.retriable:
                raise
            return None
        return {group: {key: value.offset for key, value in answer[group].items()} for group in groups}

    def lag(self, marketplaces: Sequence[str]) -> dict[tuple[str, str, int], int] | None:
        """Records each (group, topic, partition) has yet to read, for every stream service; None as in `committed`."""
        lag: dict[tuple[str, str, int], int] = {}
        for topics, services in self._readers(marketplaces):
            partitions = [
                TopicPartition(topic, part) for topic in topics for part in self._producer.partitions_for(topic)
            ]
            ends = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
            committed = self.committed([group_of(service) for service in services], partitions)
            if committed is None:
                return None
            for group, offsets in committed.items():
                for partition in partitions:
                    behind = ends[partition].offset - max(0, offsets.get(partition, 0))
                    lag[group, partition.topic, partition.partition] = behind
        return lag

    @staticmethod
    def _readers(marketplaces: Sequence[str]) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        return (
            (tuple(fulfilment_topic(marketplace) for marketplace in marketplaces), SCORERS),
            ((ASSESSMENTS,), ("aggregator",)),
            ((SELLER_SCORES, BADGE_DECISIONS), ("webhook_dispatcher",)),
        )
