"""Publishes a marketplace's events to Kafka: checked before sending, memory bounded, every event accounted for."""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.reading.fulfilment import check_time, read_document
from greenlane.contracts.topics import MAX_EVENT_BYTES, fulfilment_topic
from greenlane.factors.loading import load_method
from greenlane.publishing.files.plausibility import refuse_impossible
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.connection import connect
from greenlane.publishing.sdk.direct import Direct
from greenlane.publishing.sdk.encoding import Mode, encode
from greenlane.publishing.sdk.own_bytes import Named, in_own_bytes
from greenlane.publishing.sdk.receipts import CLOSED, NotDelivered, PublisherError, Receipt, Tally
from greenlane.publishing.sdk.room import Room
from greenlane.publishing.sdk.spool.spooled import Bounds, Spooled


@dataclass(frozen=True, slots=True)
class Options:
    """How to publish: `max_bytes` and `max_count` bound what waits for an acknowledgement.

    `deadline` (seconds) bounds every wait: for room in `publish`, for acknowledgements in `flush` and `close`. `strict`
    refuses a place that no table has and values beyond the possible too (`plausibility.py`).

    `spool` names a file on a local disk, one for each publisher: an event has a receipt `spooled` once it stands there,
    and leaves it once Kafka has acknowledged it. `spool_bytes` bounds that file; a log of a few MB stands beside it.
    The bounds on memory then hold twice: on the way to the disk, and from there to Kafka.
    """

    mode: Mode = "binary"
    max_bytes: int = 32 * 1_048_576
    max_count: int = 10_000
    deadline: float = 30.0
    strict: bool = False
    spool: Path | str | None = None
    spool_bytes: int = 1_073_741_824

    def __post_init__(self) -> None:
        if self.max_bytes < 2 * MAX_EVENT_BYTES or self.max_count < 1 or self.deadline <= 0:
            raise ValueError(f"max_bytes is at least {2 * MAX_EVENT_BYTES}, max_count at least 1, deadline above 0")


_DEFAULTS = Options()


class Publisher:
    """Publishes to one marketplace's topic; a context manager, safe for threads.

    Leaving the context raises NotDelivered if any event failed or is unknown. `on_receipt` is called on the client's
    own thread (with a spool, on the spool's) and must not block. Raises PublisherUnavailable when there is no broker or
    no topic; with a spool nothing of the kind, but SpoolError when the file cannot be used.
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
        self._strict_method = load_method() if options.strict else None
        self._clock = clock
        self._closed = False
        self._lost: tuple[Receipt, ...] = ()
        self._road = self._open(bootstrap_servers, options, on_receipt)

    def _open(
        self, bootstrap_servers: str, options: Options, on_receipt: Callable[[Receipt], None] | None
    ) -> Direct | Spooled:
        deadline = options.deadline
        if options.spool is None:
            producer = connect(bootstrap_servers, self.topic, deadline)
            room = Room(options.max_bytes, options.max_count)
            return Direct(producer, self.topic, room, deadline, on_receipt)
        bounds = Bounds(options.spool_bytes, options.max_bytes, options.max_count, deadline)
        reach = partial(connect, bootstrap_servers, self.topic, deadline, lasting=True)
        return Spooled(Path(options.spool), reach, (self.marketplace, self.topic), bounds, on_receipt)

    def publish(
        self, event: FulfilmentEvent | Mapping[str, Any] | bytes, *, wait: float | None = None
    ) -> Future[Receipt]:
        """Check and send one event: a model, a structured CloudEvent as a mapping, or its JSON bytes.

        Waits for room at most `wait` seconds (the deadline by default). The future always ends with a Receipt, never
        with an exception. Raises Refusal for a bad event, and PublisherBusy (SpoolFull) when there was no room.
        """
        return self.publish_named(self.named(event), wait=wait)

    def named(self, event: FulfilmentEvent | Mapping[str, Any] | bytes) -> Named:
        """The event as the record that would be sent, with its id. Raises Refusal for a bad one."""
        if isinstance(event, bytes) and self._strict_method is None:
            given = in_own_bytes(event, self.marketplace, int(self._clock() * 1000), self._mode)
            if given is not None:
                return given
        checked = self._check(event)
        return Named(checked.id, encode(checked, self._mode))

    def publish_named(self, named: Named, *, wait: float | None = None) -> Future[Receipt]:
        """Send a record that `named` made."""
        if self._closed:
            raise PublisherError(CLOSED)
        return self._road.send(named.event_id, named.record, wait)

    def publish_raw(self, record: RawRecord, *, name: str = "raw record", wait: float | None = None) -> Future[Receipt]:
        """Send bytes unchecked, as an erring publisher would; `name` stands in the receipt for the event id."""
        return self.publish_named(Named(name, record), wait=wait)

    @property
    def tally(self) -> Tally:
        """How the events ended so far."""
        return self._road.tally

    @property
    def obstacle(self) -> str:
        """Why the spool sends nothing now; empty when all is well, and without a spool."""
        return self._road.obstacle

    @property
    def may_block(self) -> bool:
        """Whether handing over an event may wait for the client, whatever `wait` says."""
        return self._road.may_block

    def flush(self, progress: Callable[[Tally], None] | None = None) -> Tally:
        """Wait, at most the deadline, until everything published has ended; `progress` hears of it as it goes.

        With a spool: until Kafka has all that is in it.
        """
        return self._road.flush(progress)

    def close(self) -> tuple[Receipt, ...]:
        """Flush, name what is still open as unknown, and end the connection; harmless when repeated.

        Returns the receipts of the events that were not delivered: all of them, or the first `max_count`. What is in a
        spool is not lost: it stays there for the next publisher, and while Kafka is away nobody waits for it.
        """
        if not self._closed:
            self._closed = True
            self._lost = self._road.close()
        return self._lost

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lost = self.close()
        if lost and error is None:
            raise NotDelivered(lost, self.tally.failed + self.tally.unknown)

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
