"""The thread that writes the spool: new events in, ended ones out, as many as have gathered in one commit."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.receipts import CLOSED, PublisherError, Receipt, ReceiptOutcome
from greenlane.publishing.sdk.spool.faults import SpoolError, SpoolFull
from greenlane.publishing.sdk.spool.file import SpoolFile
from greenlane.publishing.sdk.spool.rows import Row

_MOST_AT_ONCE = 500
"""Events of one commit: what a full disk refuses is refused together."""

_AGAIN_SECONDS = 0.5
"""Pause before the next attempt at a disk that is full."""


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """An event that is on its way to the disk; `size` is what it holds of the room."""

    event_id: str
    record: RawRecord
    size: int
    future: Future[Receipt]


@dataclass(frozen=True, slots=True)
class Ended:
    """How an event of the file ended: delivered, or failed and kept aside."""

    number: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told, on the writing thread: of events on the disk (their last number too), of ends, of those refused."""

    kept: Callable[[Sequence[Taken], int], None]
    ended: Callable[[Sequence[Ended]], None]
    refused: Callable[[Sequence[Taken], SpoolError | SpoolFull], None]


class Keeper:
    """Owns the file's only writing connection. `full` holds from a refusal until something left the file."""

    def __init__(self, file: SpoolFile, listeners: Listeners) -> None:
        self.full = False
        self.fault: SpoolError | None = None
        self._file = file
        self._listeners = listeners
        self._next = file.last_number + 1
        self._taken: deque[Taken] = deque()
        self._ended: deque[Ended] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="greenlane-spool-writer", daemon=True)
        self._thread.start()

    def take(self, taken: Taken) -> None:
        """Put an event on the disk; a listener is told. Raises PublisherError after the end."""
        with self._changed:
            if self._stopping:
                raise PublisherError(CLOSED)
            self._taken.append(taken)
            self._changed.notify()

    def end(self, ended: Ended) -> None:
        """Remove an event from the file, or keep it aside; a listener is told."""
        with self._changed:
            self._ended.append(ended)
            self._changed.notify()

    @property
    def has_ended(self) -> bool:
        """Whether nothing is written any more."""
        return self._stopping and not self._thread.is_alive()

    def stop(self, seconds: float) -> None:
        """Write what has gathered and end, within so many seconds if the disk lets it."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._taken or self._ended or self._stopping)
                taken = [self._taken.popleft() for _ in range(min(len(self._taken), _MOST_AT_ONCE))]
                ended = list(self._ended)
                self._ended.clear()
                if not taken and not ended:
                    return
            if self.fault is not None:
                self._listeners.refused(taken, self.fault)
                continue
            try:
                left = self._write(taken, ended)
            except SpoolError as error:
                self.fault = error
                self._listeners.refused(taken, error)
                continue
            if left and not self._wait_with(left):
                return

    def _write(self, taken: Sequence[Taken], ended: Sequence[Ended]) -> Sequence[Ended]:
        """What could not be removed because the disk is full. Raises SpoolError."""
        try:
            self._exchange(taken, ended)
        except SpoolFull:
            self.full = True
        else:
            return ()
        try:
            if ended:
                self._exchange((), ended)
        except SpoolFull as error:
            self._listeners.refused(taken, error)
            return ended
        try:
            if taken:
                self._exchange(taken, ())
        except SpoolFull as error:
            self._listeners.refused(taken, error)
            self.full = True
        return ()

    def _exchange(self, taken: Sequence[Taken], ended: Sequence[Ended]) -> None:
        numbers = itertools.count(self._next)
        rows = [Row(number, one.event_id, one.record) for number, one in zip(numbers, taken, strict=False)]
        delivered = [one.number for one in ended if one.receipt.outcome is ReceiptOutcome.DELIVERED]
        aside = [
            (one.number, one.receipt.reason) for one in ended if one.receipt.outcome is not ReceiptOutcome.DELIVERED
        ]
        self._file.exchange(rows, delivered, aside)
        self.full = self.full and not delivered
        self._next += len(rows)
        if rows:
            self._listeners.kept(taken, self._next - 1)
        if ended:
            self._listeners.ended(ended)

    def _wait_with(self, left: Sequence[Ended]) -> bool:
        """Keep ends for the next attempt; False when there will be none: the events stay in the file then."""
        with self._changed:
            self._ended.extendleft(reversed(left))
            self._changed.wait_for(lambda: self._stopping, _AGAIN_SECONDS)
            return not self._stopping
