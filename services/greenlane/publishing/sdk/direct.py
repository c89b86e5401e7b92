"""The way of records to Kafka without a spool: bounded memory, and a receipt for each before its deadline."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any

from kafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NotEnoughReplicasAfterAppendError,
    RequestTimedOutError,
)

from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.connection import disconnect
from greenlane.publishing.sdk.encoding import size_of
from greenlane.publishing.sdk.receipts import PublisherBusy, Receipt, ReceiptOutcome, Tally
from greenlane.publishing.sdk.room import Room

_AMBIGUOUS = (
    KafkaTimeoutError,
    KafkaConnectionError,
    RequestTimedOutError,
    NotEnoughReplicasAfterAppendError,
    IllegalStateError,
)
"""After these the broker may have appended the record although it was never acknowledged."""

RECORD_OVERHEAD = 1_024
"""Bytes counted for each record beside its own: its future, its place in a batch and its callbacks."""


class Direct:
    """Holds each record in memory until it is acknowledged or its deadline is over; safe for threads."""

    def __init__(
        self, producer: Any, topic: str, room: Room, deadline: float, on_receipt: Callable[[Receipt], None] | None
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._room = room
        self._deadline = deadline
        self._on_receipt = on_receipt
        self._lock = Lock()
        self._pending: dict[_Sent, None] = {}
        self._delivered = 0
        self._ended: Counter[ReceiptOutcome] = Counter()
        self._lost: list[Receipt] = []

    @property
    def tally(self) -> Tally:
        """How the events ended so far."""
        with self._lock:
            failed, unknown = self._ended[ReceiptOutcome.FAILED], self._ended[ReceiptOutcome.UNKNOWN]
            return Tally(self._delivered, failed, unknown, len(self._pending))

    @property
    def obstacle(self) -> str:
        """Nothing is ever sent later."""
        return ""

    @property
    def may_block(self) -> bool:
        """Whether the client would ask the broker for the topic's partitions first, for up to 5 s."""
        return self._producer._metadata.partitions_for_topic(self._topic) is None  # noqa: SLF001 - no public way asks it

    def flush(self, progress: Callable[[Tally], None] | None = None) -> Tally:
        """Wait, at most the deadline, until everything has ended; `progress` hears of it as it goes."""
        until = time.monotonic() + self._deadline
        while not self._room.wait_empty(min(0.2, max(0.0, until - time.monotonic()))) and time.monotonic() < until:
            if progress is not None:
                progress(self.tally)
        return self.tally

    def close(self) -> tuple[Receipt, ...]:
        """Flush, name what is still open as unknown, and end the connection; the first receipts of lost events."""
        self.flush()
        with self._lock:
            open_ones = list(self._pending)
        for sent in open_ones:
            reason = f"not acknowledged within {self._deadline:g} s"
            self._end(sent, Receipt(sent.event_id, ReceiptOutcome.UNKNOWN, reason=reason))
        disconnect(self._producer, abandon=bool(open_ones))
        return tuple(self._lost)

    def send(self, name: str, record: RawRecord, wait: float | None) -> Future[Receipt]:
        """Send a record; `name` stands in its receipt. Raises PublisherBusy when there was no room."""
        size = size_of(record) + RECORD_OVERHEAD
        patience = self._deadline if wait is None else wait
        if not self._room.enter(size, patience):
            raise PublisherBusy(
                f"{self._room.count} events wait for the broker and none left within {patience:g} s; {name} was not "
                "taken. Publish it again later, and look whether the broker is up."
            )
        sent = _Sent(self, name, size)
        with self._lock:
            self._pending[sent] = None
        try:
            given = self._producer.send(self._topic, record.value, key=record.key, headers=list(record.headers))
        except KafkaError as error:
            self._end(sent, Receipt(name, ReceiptOutcome.FAILED, reason=str(error)))
            self._room.leave(size)
            return sent
        except BaseException:
            with self._lock:
                del self._pending[sent]
            self._room.leave(size)
            raise
        given._add_cb_eb(sent.delivered, sent.failed)  # noqa: SLF001 - both at once: half the locks of the public way
        return sent

    def landed(self, sent: "_Sent", receipt: Receipt) -> None:
        """The client is done with a record: its room is free."""
        self._end(sent, receipt)
        self._room.leave(sent.size)

    def _end(self, sent: "_Sent", receipt: Receipt) -> None:
        with self._lock:
            if sent not in self._pending:
                return
            del self._pending[sent]
            if receipt.outcome is ReceiptOutcome.DELIVERED:
                self._delivered += 1
            else:
                self._ended[receipt.outcome] += 1
                if len(self._lost) < self._room.max_count:
                    self._lost.append(receipt)
        sent.set_result(receipt)
        if self._on_receipt is not None:
            self._on_receipt(receipt)


class _Sent(Future[Receipt]):
    """An event on its way: the caller's future, and what is called when the client is done with its record."""

    def __init__(self, way: Direct, name: str, size: int) -> None:
        super().__init__()
        self.size = size
        self.event_id = name
        self._way = way

    def delivered(self, metadata: Any) -> None:
        """All in-sync replicas have it."""
        receipt = Receipt(self.event_id, ReceiptOutcome.DELIVERED, metadata.partition, metadata.offset)
        self._way.landed(self, receipt)

    def failed(self, error: BaseException) -> None:
        """It is not in the topic, or nobody knows."""
        outcome = ReceiptOutcome.UNKNOWN if isinstance(error, _AMBIGUOUS) else ReceiptOutcome.FAILED
        self._way.landed(self, Receipt(self.event_id, outcome, reason=str(error)))
