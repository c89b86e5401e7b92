"""The way of records to Kafka by a spool: promised once they are on the disk, sent from there until they arrive."""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from typing import Any

from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.direct import RECORD_OVERHEAD
from greenlane.publishing.sdk.encoding import size_of
from greenlane.publishing.sdk.receipts import PublisherBusy, PublisherError, Receipt, ReceiptOutcome, Tally
from greenlane.publishing.sdk.room import Room
from greenlane.publishing.sdk.spool.faults import SpoolError, SpoolFull
from greenlane.publishing.sdk.spool.file import LEAST_BYTES, SpoolFile, full
from greenlane.publishing.sdk.spool.keeping import Ended, Keeper, Listeners, Taken
from greenlane.publishing.sdk.spool.ownership import Ownership
from greenlane.publishing.sdk.spool.sending import Hearer, Sender

_log = logging.getLogger(__name__)

_FULL_SECONDS = 1.0
"""How long a full spool is not asked again."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The file's most bytes, what may be in memory, and the longest wait in seconds."""

    file_bytes: int
    max_bytes: int
    max_count: int
    deadline: float


class Spooled:
    """Owns a spool's file and the two threads that write it and send from it; safe for threads.

    A future ends with `spooled` when its event is on the disk. What becomes of it then is told to `on_receipt`, on the
    writing thread. Raises SpoolError when the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        connect: Callable[[], Any],
        whose: tuple[str, str],
        bounds: Bounds,
        on_receipt: Callable[[Receipt], None] | None,
    ) -> None:
        """`whose` is the marketplace and its topic."""
        marketplace, topic = whose
        if bounds.file_bytes < LEAST_BYTES:
            raise ValueError(f"spool_bytes is at least {LEAST_BYTES}")
        self._path = path = Path(os.path.realpath(path))
        self._bounds = bounds
        self._on_receipt = on_receipt
        self._room = Room(bounds.max_bytes, bounds.max_count)
        self._changed = Condition()
        self._ended: Counter[ReceiptOutcome] = Counter()
        self._lost: list[Receipt] = []
        self._pending: dict[Future[Receipt], str] = {}
        self._full_until = 0.0
        self._process = os.getpid()
        self._ownership = Ownership(path)
        try:
            self._file = SpoolFile(path, marketplace, bounds.file_bytes)
            self._reader = SpoolFile.reader(path)
            self._waiting = self._file.counts().waiting
            last = self._file.last_number
        except BaseException:
            self._ownership.release()
            raise
        self._keeper = Keeper(self._file, Listeners(self._kept, self._left, self._refused))
        in_memory = (bounds.max_bytes, bounds.max_count, 2 * bounds.deadline)
        self._sender = Sender(connect, topic, self._reader, Hearer(self._keeper.end, self._free), in_memory)
        self._sender.start(last)

    @property
    def obstacle(self) -> str:
        """Why nothing is sent now; empty when all is well."""
        return self._sender.obstacle

    @property
    def may_block(self) -> bool:
        """Never: the two threads wait for the disk and for Kafka."""
        return False

    def send(self, name: str, record: RawRecord, wait: float | None) -> Future[Receipt]:
        """Put a record on the disk, to be sent. Raises PublisherBusy, SpoolFull, SpoolError."""
        if record.key is None and record.value is None:
            raise ValueError("a record has a key or a value")
        if os.getpid() != self._process:
            raise PublisherError("the publisher was made in another process; make one in each, with its own spool")
        if self._keeper.fault is not None:
            raise self._keeper.fault
        if self._keeper.full and time.monotonic() < self._full_until:
            raise SpoolFull(full(self._path, None))
        size = size_of(record) + RECORD_OVERHEAD
        patience = self._bounds.deadline if wait is None else wait
        if not self._room.enter(size, patience):
            raise PublisherBusy(
                f"{self._room.count} events wait for the disk and none left within {patience:g} s; {name} was not "
                f"taken. Publish it again later, and look whether the disk of {self._path} is well."
            )
        future: Future[Receipt] = Future()
        with self._changed:
            self._pending[future] = name
        try:
            self._keeper.take(Taken(name, record, size, future))
        except PublisherError:
            self._room.leave(size)
            del self._pending[future]
            raise
        return future

    @property
    def tally(self) -> Tally:
        """How the events ended so far; `spooled` ones are in the file."""
        with self._changed:
            return self._tally()

    def flush(self, progress: Callable[[Tally], None] | None = None) -> Tally:
        """Wait, at most the deadline, until Kafka has everything that is in the spool."""
        until = time.monotonic() + self._bounds.deadline
        with self._changed:
            while self._pending or self._waiting:
                left = until - time.monotonic()
                if left <= 0 or self._keeper.fault is not None:
                    break
                self._changed.wait(min(0.2, left))
                if progress is not None:
                    progress(self._tally())
            return self._tally()

    def close(self) -> tuple[Receipt, ...]:
        """Put on the disk what is on its way there, wait for Kafka if it answers, and end.

        Returns the first receipts of the events that are neither delivered nor in the spool.
        """
        until = time.monotonic() + self._bounds.deadline
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, self._bounds.deadline)
            while self._waiting and not self._sender.obstacle and self._keeper.fault is None:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(0.2, left))
        self._sender.stop(self._bounds.deadline)
        self._keeper.stop(self._bounds.deadline)
        self._free()
        reason = f"not known to be on the disk within {self._bounds.deadline:g} s"
        for future, name in list(self._pending.items()):
            nothing = Taken(name, RawRecord(None, None), 0, future)
            self._end(nothing, Receipt(name, ReceiptOutcome.UNKNOWN, reason=reason))
        return tuple(self._lost)

    def _free(self) -> None:
        """Give the file back, once nothing can write it or send from it."""
        if self._keeper.has_ended and self._sender.is_quiet:
            self._file.close()
            self._ownership.release()

    def _tally(self) -> Tally:
        ended = self._ended
        delivered, failed, unknown = (
            ended[outcome] for outcome in (ReceiptOutcome.DELIVERED, ReceiptOutcome.FAILED, ReceiptOutcome.UNKNOWN)
        )
        return Tally(delivered, failed, unknown, len(self._pending), self._waiting)

    def _kept(self, taken: Sequence[Taken], last_number: int) -> None:
        with self._changed:
            self._waiting += len(taken)
        self._sender.more(last_number)
        for one in taken:
            self._end(one, Receipt(one.event_id, ReceiptOutcome.SPOOLED))

    def _left(self, ended: Sequence[Ended]) -> None:
        with self._changed:
            self._waiting -= len(ended)
            for one in ended:
                self._count(one.receipt)
            self._changed.notify_all()
        self._sender.left({one.number for one in ended})
        for one in ended:
            self._show(one.receipt)

    def _refused(self, taken: Sequence[Taken], error: SpoolError | SpoolFull) -> None:
        self._full_until = time.monotonic() + _FULL_SECONDS
        # what a full spool refuses was rolled back; after any other error a commit may have reached the disk
        outcome = ReceiptOutcome.FAILED if isinstance(error, SpoolFull) else ReceiptOutcome.UNKNOWN
        for one in taken:
            self._end(one, Receipt(one.event_id, outcome, reason=str(error)))

    def _end(self, taken: Taken, receipt: Receipt) -> None:
        with self._changed:
            if self._pending.pop(taken.future, None) is None:
                return
            if receipt.outcome is not ReceiptOutcome.SPOOLED:
                self._count(receipt)
            self._changed.notify_all()
        self._room.leave(taken.size)
        taken.future.set_result(receipt)
        self._show(receipt)

    def _show(self, receipt: Receipt) -> None:
        if self._on_receipt is None:
            return
        try:
            self._on_receipt(receipt)
        except Exception:  # noqa: BLE001 - the caller's fault must not end the thread that keeps everybody's events
            _log.exception("on_receipt failed for %s", receipt.event_id)

    def _count(self, receipt: Receipt) -> None:
        self._ended[receipt.outcome] += 1
        if receipt.outcome is not ReceiptOutcome.DELIVERED and len(self._lost) < self._bounds.max_count:
            self._lost.append(receipt)
