"""Publishes a marketplace's events to Kafka: checked before sending, memory bounded, every event accounted for."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, Self

import orjson
from kafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NotEnoughReplicasAfterAppendError,
    RequestTimedOutError,
)

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.reading.fulfilment import check_time, read_document
from greenlane.contracts.topics import MAX_EVENT_BYTES, fulfilment_topic
from greenlane.factors.loading import load_method
from greenlane.publishing.files.plausibility import refuse_impossible
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.connection import connect, disconnect
from greenlane.publishing.sdk.encoding import Mode, encode, size_of
from greenlane.publishing.sdk.own_bytes import in_own_bytes
from greenlane.publishing.sdk.receipts import (
    NotDelivered,
    PublisherBusy,
    PublisherError,
    Receipt,
    ReceiptOutcome,
    Tally,
)
from greenlane.publishing.sdk.room import Room

_AMBIGUOUS = (
    KafkaTimeoutError,
    KafkaConnectionError,
    RequestTimedOutError,
    NotEnoughReplicasAfterAppendError,
    IllegalStateError,
)
"""After these the broker may have appended the record although it was never acknowledged."""

_RECORD_OVERHEAD = 1_024
"""Bytes counted for each record beside its own: its future, its place in a batch and its callbacks."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to publish: `max_bytes` and `max_count` bound what waits for an acknowledgement.

    `deadline` (seconds) bounds every wait: for room in `publish`, for acknowledgements in `flush` and `close`. `strict`
    refuses a place that no table has and values beyond the possible too (`plausibility.py`).
    """

    mode: Mode = "binary"
    max_bytes: int = 32 * 1_048_576
    max_count: int = 10_000
    deadline: float = 30.0
    strict: bool = False

    def __post_init__(self) -> None:
        if self.max_bytes < 2 * MAX_EVENT_BYTES or self.max_count < 1 or self.deadline <= 0:
            raise ValueError(f"max_bytes is at least {2 * MAX_EVENT_BYTES}, max_count at least 1, deadline above 0")


_DEFAULTS = Options()


class Publisher:
    """Publishes to one marketplace's topic; a context manager, safe for threads.

    Leaving the context raises NotDelivered if any event failed or is unknown. `on_receipt` is called on the client's
    own thread and must not block. Raises PublisherUnavailable when there is no broker or no topic.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        marketplace: str,
        options: Options = _DEFAULTS,
        *,
        on_receipt: Callable[[Receipt], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.marketplace = marketplace
        self.topic = fulfilment_topic(marketplace)
        self._mode = options.mode
        self._deadline = options.deadline
        self._strict_method = load_method() if options.strict else None
        self._on_receipt = on_receipt
        self._clock = clock
        self._room = Room(options.max_bytes, options.max_count)
        self._lock = Lock()
        self._pending: dict[Future[Receipt], str] = {}
        self._ended: Counter[ReceiptOutcome] = Counter()
        self._lost: list[Receipt] = []
        self._lost_limit = options.max_count
        self._closed = False
        self._producer = connect(bootstrap_servers, self.topic, options.deadline)

    def publish(
        self, event: FulfilmentEvent | Mapping[str, Any] | bytes, *, wait: float | None = None
    ) -> Future[Receipt]:
        """Check and send one event: a model, a structured CloudEvent as a mapping, or its JSON bytes.

        Waits for room at most `wait` seconds (the deadline by default). The future always ends with a Receipt, never
        with an exception. Raises Refusal for a bad event, and PublisherBusy when there was no room.
        """
        if isinstance(event, bytes) and self._strict_method is None:
            given = in_own_bytes(event, self.marketplace, int(self._clock() * 1000), self._mode)
            if given is not None:
                return self._send(given.event_id, given.record, wait)
        checked = self._check(event)
        return self._send(checked.id, encode(checked, self._mode), wait)

    def publish_raw(self, record: RawRecord, *, name: str = "raw record", wait: float | None = None) -> Future[Receipt]:
        """Send bytes unchecked, as an erring publisher would; `name` stands in the receipt for the event id."""
        return self._send(name, record, wait)

    @property
    def tally(self) -> Tally:
        """How the events ended so far."""
        with self._lock:
            ended = self._ended
            delivered, failed, unknown = (
                ended[ReceiptOutcome.DELIVERED],
                ended[ReceiptOutcome.FAILED],
                ended[ReceiptOutcome.UNKNOWN],
            )
            return Tally(delivered, failed, unknown, len(self._pending))

    def flush(self, progress: Callable[[Tally], None] | None = None) -> Tally:
        """Wait, at most the deadline, until everything published has ended; `progress` hears of it as it goes."""
        until = time.monotonic() + self._deadline
        while not self._room.wait_empty(min(0.2, max(0.0, until - time.monotonic()))) and time.monotonic() < until:
            if progress is not None:
                progress(self.tally)
        return self.tally

    def close(self) -> tuple[Receipt, ...]:
        """Flush, name what is still open as unknown, and end the connection; harmless when repeated.

        Returns the receipts of the events that were not delivered: all of them, or the first `max_count`.
        """
        if not self._closed:
            self._closed = True
            self.flush()
            open_ones = list(self._pending.items())
            for future, event_id in open_ones:
                reason = f"not acknowledged within {self._deadline:g} s"
                self._end(future, Receipt(event_id, ReceiptOutcome.UNKNOWN, reason=reason))
            disconnect(self._producer, abandon=bool(open_ones))
        return tuple(self._lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lost = self.close()
        if lost and error is None:
            raise NotDelivered(lost, self._ended[ReceiptOutcome.FAILED] + self._ended[ReceiptOutcome.UNKNOWN])

    def _check(self, event: FulfilmentEvent | Mapping[str, Any] | bytes) -> FulfilmentEvent:
        """A model holds what it may by construction; a document is read in full."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        if isinstance(event, Mapping | bytes):
            checked = read_document(event if isinstance(event, bytes) else _as_json(event), now)
        else:
            checked = event
            check_time(checked, now)
        source = f"/marketplaces/{self.marketplace}"
        if checked.source != source:
            message = f"must be {source}, the marketplace of this publisher"
            raise Refusal.because(DeadLetterCode.SOURCE_MISMATCH, "source", message)
        if self._strict_method is not None:
            refuse_impossible(checked, self._strict_method)
        return checked

    def _send(self, name: str, record: RawRecord, wait: float | None) -> Future[Receipt]:
        if self._closed:
            raise PublisherError("the publisher is closed; make a new one")
        size = size_of(record) + _RECORD_OVERHEAD
        patience = self._deadline if wait is None else wait
        if not self._room.enter(size, patience):
            raise PublisherBusy(
                f"{self._room.count} events wait for the broker and none left within {patience:g} s; {name} was not "
                "taken. Publish it again later, and look whether the broker is up."
            )
        future: Future[Receipt] = Future()
        with self._lock:
            self._pending[future] = name
        try:
            sent = self._producer.send(self.topic, record.value, key=record.key, headers=list(record.headers))
        except KafkaError as error:
            self._room.leave(size)
            self._end(future, Receipt(name, ReceiptOutcome.FAILED, reason=str(error)))
            return future
        except BaseException:
            self._room.leave(size)
            with self._lock:
                del self._pending[future]
            raise
        sent.add_callback(partial(self._delivered, future, name, size))
        sent.add_errback(partial(self._failed, future, name, size))
        return future

    def _delivered(self, future: Future[Receipt], name: str, size: int, metadata: Any) -> None:
        self._end(future, Receipt(name, ReceiptOutcome.DELIVERED, metadata.partition, metadata.offset))
        self._room.leave(size)

    def _failed(self, future: Future[Receipt], name: str, size: int, error: BaseException) -> None:
        outcome = ReceiptOutcome.UNKNOWN if isinstance(error, _AMBIGUOUS) else ReceiptOutcome.FAILED
        self._end(future, Receipt(name, outcome, reason=str(error)))
        self._room.leave(size)

    def _end(self, future: Future[Receipt], receipt: Receipt) -> None:
        with self._lock:
            if self._pending.pop(future, None) is None:
                return
            self._ended[receipt.outcome] += 1
            if receipt.outcome is not ReceiptOutcome.DELIVERED and len(self._lost) < self._lost_limit:
                self._lost.append(receipt)
        future.set_result(receipt)
        if self._on_receipt is not None:
            self._on_receipt(receipt)


def _as_json(event: Mapping[str, Any]) -> bytes:
    """The event as JSON. Raises Refusal for what JSON cannot say, NaN and infinities among it."""
    try:
        raw = orjson.dumps(event)
        if b"null" in raw:
            # orjson writes NaN as null, which would read as undeclared
            json.dumps(event, allow_nan=False, default=str)
    except (TypeError, ValueError) as error:
        message = f"cannot be written as JSON: {error}; use texts, numbers, lists and mappings, and leave NaN out"
        raise Refusal.because(DeadLetterCode.NOT_JSON, "", message) from error
    return raw
