"""The thread that sends what the spool holds: in the order in which it was taken, again and again until acknowledged.

What a producer sends to a partition arrives without a gap, for it is idempotent and nothing in it expires. After any
failure the whole producer is given up, and the next one begins with the first event that was not acknowledged. So the
first copy of an event never arrives after the first copy of a later one of its seller.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from kafka.errors import (
    InvalidRecordError,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)

from greenlane.publishing.sdk.connection import disconnect
from greenlane.publishing.sdk.receipts import PublisherError, Receipt, ReceiptOutcome
from greenlane.publishing.sdk.spool.faults import SpoolError
from greenlane.publishing.sdk.spool.file import SpoolFile
from greenlane.publishing.sdk.spool.keeping import Ended
from greenlane.publishing.sdk.spool.rows import DamagedRow, Row

_FOR_GOOD = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidRecordError,
    InvalidTimestampError,
    PolicyViolationError,
)
"""After these the broker will never take the record: the others are about the way to it."""

_READ_AT_ONCE = 200
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
"""Seconds between attempts to reach Kafka."""

_DAMAGED = "its bytes in the spool are not those that were written; publish it again from your own data"


@dataclass(frozen=True, slots=True)
class Hearer:
    """Who is told of each event that ended, on the client's thread, and of the end of sending."""

    ended: Callable[[Ended], None]
    at_end: Callable[[], None]


class Sender:
    """Sends from the file through one producer at a time.

    `connect` opens a producer, and raises PublisherError when there is none. At most `max_count` events and
    `max_bytes` are in memory. Without an answer for `patience` seconds the producer is given up.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        topic: str,
        reader: SpoolFile,
        hearer: Hearer,
        bounds: tuple[int, int, float],
    ) -> None:
        self.obstacle = ""
        """Why nothing is sent now; empty when all is well."""

        self._connect = connect
        self._topic = topic
        self._reader = reader
        self._hearer = hearer
        self._max_bytes, self._max_count, self._patience = bounds
        self._changed = threading.Condition()
        self._flying: dict[int, int] = {}
        self._flying_bytes = 0
        self._leaving: set[int] = set()
        self._alone: set[int] = set()
        self._run_number = 0
        self._broken: BaseException | None = None
        self._answered = 0.0
        self._progress = False
        self._suspected = False
        self._highest = 0
        self._read_up_to = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="greenlane-spool-sender", daemon=True)

    def start(self, last_number: int) -> None:
        """Begin with what the file holds; `last_number` is the greatest number in it."""
        self._highest = last_number
        self._thread.start()

    def more(self, last_number: int) -> None:
        """There are events on the disk up to this number."""
        with self._changed:
            self._highest = last_number
            self._changed.notify_all()

    def left(self, numbers: set[int]) -> None:
        """These are no longer in the file, or kept aside there."""
        with self._changed:
            self._leaving -= numbers
            self._changed.notify_all()

    @property
    def is_quiet(self) -> bool:
        """Whether it was stopped and can send nothing any more, though its thread may still wait for the client."""
        return self._stopping and (not self._thread.is_alive() or not self._flying)

    def stop(self, seconds: float) -> None:
        """End within so many seconds if the client lets it. What was not acknowledged stays in the file."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._try_on_and_on()
        finally:
            self._reader.close()
            self._hearer.at_end()

    def _try_on_and_on(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping:
            try:
                producer = self._connect()
            except PublisherError as error:
                self.obstacle = str(error)
            else:
                if self._send_through(producer):
                    pause = _FIRST_PAUSE
            with self._changed:
                self._changed.wait_for(lambda: self._stopping, pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _send_through(self, producer: Any) -> bool:
        """Send until something breaks or the end; whether anything was acknowledged."""
        with self._changed:
            self._run_number += 1
            self._broken, self._progress, self._suspected = None, False, False
        try:
            self._send_all(producer)
        except SpoolError as error:  # what is in the file cannot be read: nothing can be sent
            self.obstacle = str(error)
        except Exception as error:  # noqa: BLE001 - whatever the client raises, the thread goes on with another one
            self._broken = self._broken or error
        if self._broken is not None:
            self.obstacle = f"Kafka answered {type(self._broken).__name__}: {self._broken}"
        with contextlib.suppress(KafkaError, RuntimeError):
            disconnect(producer, abandon=bool(self._flying))
        with self._changed:
            self._run_number += 1
            self._flying.clear()
            self._flying_bytes = 0
        return self._progress

    def _send_all(self, producer: Any) -> None:
        self._read_up_to = 0
        while self._wait(lambda: self._highest > self._read_up_to):
            known = self._highest
            rows = self._reader.waiting_after(self._read_up_to, _READ_AT_ONCE)
            for row in rows:
                if not self._send(producer, row):
                    return
                self._read_up_to = row.number
            if not rows:
                self._read_up_to = known

    def _send(self, producer: Any, row: Row | DamagedRow) -> bool:
        """Send one event; False when this producer is done with."""
        number = row.number
        if number in self._leaving:
            return True
        if isinstance(row, DamagedRow):
            self._end(number, Receipt(row.event_id, ReceiptOutcome.FAILED, reason=_DAMAGED))
            return True
        record = row.record
        size = len(record.key or b"") + len(record.value or b"")
        alone = number in self._alone
        if not self._wait(lambda: not self._flying if alone else self._fits(size)):
            return False
        with self._changed:
            if not self._flying:
                self._answered = time.monotonic()
            self._flying[number] = size
            self._flying_bytes += size
        try:
            sent = producer.send(self._topic, record.value, key=record.key, headers=list(record.headers))
        except _FOR_GOOD as error:
            self._failed(self._run_number, row, error, alone=True)
            return False
        run = self._run_number
        sent.add_callback(partial(self._delivered, run, row))
        sent.add_errback(partial(self._failed, run, row, alone=alone))
        return not alone or self._wait(lambda: not self._flying)

    def _fits(self, size: int) -> bool:
        held = len(self._flying) + len(self._leaving)
        return held < self._max_count and (not self._flying or self._flying_bytes + size <= self._max_bytes)

    def _wait(self, ready: Callable[[], bool]) -> bool:
        """Wait until it is ready; False when this producer is done with."""
        with self._changed:
            while not self._stopping and self._broken is None:
                if ready():
                    return True
                self._changed.wait(1.0 if self._flying else None)
                if self._flying and time.monotonic() > self._answered + self._patience:
                    self._broken = TimeoutError(f"nothing was acknowledged for {self._patience:g} s")
            return False

    def _delivered(self, run: int, row: Row, metadata: Any) -> None:
        receipt = Receipt(row.event_id, ReceiptOutcome.DELIVERED, metadata.partition, metadata.offset)
        with self._changed:
            if run != self._run_number:  # of a producer given up: another one sends it again
                return
            self._progress = True
            self.obstacle = ""
            self._lands(row.number)
        self._end(row.number, receipt)

    def _failed(self, run: int, row: Row, error: BaseException, *, alone: bool) -> None:
        """The client is of no use after any failure: it fails everything that follows with the same error.

        So only the first refusal of a producer says something about its event, and that one is sent again alone.
        """
        refused = isinstance(error, _FOR_GOOD)
        with self._changed:
            if run != self._run_number:
                return
            for_good = refused and alone and self._broken is None
            if refused and not self._suspected:
                self._suspected = True
                self._alone.add(row.number)
            if for_good:
                self._alone.discard(row.number)
                self._progress = True
            self._broken = self._broken or error
            self._lands(row.number)
        if for_good:
            reason = f"Kafka refused it for good ({type(error).__name__}: {error}); correct it and publish it again"
            self._end(row.number, Receipt(row.event_id, ReceiptOutcome.FAILED, reason=reason))

    def _lands(self, number: int) -> None:
        self._answered = time.monotonic()
        self._flying_bytes -= self._flying.pop(number, 0)
        self._changed.notify_all()

    def _end(self, number: int, receipt: Receipt) -> None:
        with self._changed:
            if number in self._leaving:
                return
            self._leaving.add(number)
        self._hearer.ended(Ended(number, receipt))
