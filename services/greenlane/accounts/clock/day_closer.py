"""Closes days: waits until both scorers are past what the inputs held, then tells every partition."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from greenlane.accounts.clock.lag import committed_offsets
from greenlane.contracts.assessing import HEARTBEAT
from greenlane.contracts.assessments import FIRST_CLOSED_YEAR, MOST_DAYS_CLOSED, DayClosed
from greenlane.contracts.topics import (
    ASSESSMENTS,
    declared_topics,
    fulfilment_topic,
    group_of,
    readers_of,
)
from greenlane.errors import GreenlaneError
from greenlane.settings import SERVICES

SCORERS = readers_of(declared_topics(("any",))[0], SERVICES)
"""Every service that reads what marketplaces publish: a day closes behind all of them."""

POLL_SECONDS = 0.1
SEND_SECONDS = 60.0


class ClosingError(GreenlaneError):
    """A day could not be closed; the text names what was waited for and the remedy."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """A heartbeat written into every input partition of a marketplace.

    `offsets` tells where each one stands, `broker_ms` the latest append time the broker gave them: the only wall
    clock a closing trusts, because it is the one that stamps the events too.
    """

    offsets: Mapping[TopicPartition, int]
    broker_ms: int

    @property
    def today(self) -> date:
        """The first UTC day that is not over by the broker's clock."""
        return utc_day(self.broker_ms)


def utc_day(broker_ms: int) -> date:
    """The UTC day of an append time in milliseconds since 1970."""
    return datetime.fromtimestamp(broker_ms / 1000, UTC).date()


def day_closed_key(marketplace: str) -> bytes:
    """Key of the records that close days of a marketplace."""
    return f"day-closed/{marketplace}".encode()


def refuse_no_run(first_day: date, last_day: date) -> None:
    """Raises ClosingError unless these are days in order, and few and late enough to be a history."""
    if first_day > last_day:
        raise ClosingError(f"nothing closed. The first day {first_day} lies after the last one {last_day}.")
    if first_day.year < FIRST_CLOSED_YEAR or (last_day - first_day).days >= MOST_DAYS_CLOSED:
        raise ClosingError(
            f"nothing closed. {first_day} to {last_day} is no run of days: begin in {FIRST_CLOSED_YEAR} or later, and "
            f"close at most {MOST_DAYS_CLOSED} days at once."
        )


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

        Closing a run that is closed already changes nothing. Raises ClosingError when the run is none or not over by
        the broker's clock, when a scorer does not get there within `timeout_seconds`, or when `keep_waiting` turns
        false.
        """
        refuse_no_run(first_day, last_day)
        barrier = barrier or self.barrier(marketplace)
        if last_day >= barrier.today:
            raise ClosingError(
                f"{marketplace}: nothing closed. {last_day} is not over: by the broker's clock it is {barrier.today} "
                f"(UTC), so {barrier.today - timedelta(days=1)} is the last day that can be closed."
            )
        target = barrier.offsets
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
        key, value = day_closed_key(record.marketplace), record.model_dump_json().encode()
        sent = [
            self._producer.send(ASSESSMENTS, key=key, value=value, partition=partition)
            for partition in sorted(self._producer.partitions_for(ASSESSMENTS))
        ]
        written = [future.get(timeout=SEND_SECONDS) for future in sent]
        early = [str(item.partition) for item in written if utc_day(item.timestamp) <= record.last_day]
        if early:  # two brokers' clocks, around midnight
            raise ClosingError(
                f"{record.marketplace}: {record.last_day} was not over by the clock of the broker that leads "
                f"{ASSESSMENTS} partition {', '.join(early)}. Close it again in a moment; "
                "a repeat changes nothing."
            )

    def _behind(self, target: Mapping[TopicPartition, int]) -> list[str]:
        """The scorers of which nothing says that they have committed past the target."""
        groups = [group_of(service) for service in SCORERS]
        committed = committed_offsets(self._admin, groups, list(target))
        if committed is None:
            return groups
        return [
            group
            for group, offsets in committed.items()
            if any(offsets.get(partition, -1) <= offset for partition, offset in target.items())
        ]
