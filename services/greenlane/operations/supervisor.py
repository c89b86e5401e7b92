"""Keeps parts running: what ended is started again, ever more slowly, and nothing about it happens silently.

A part that ends soon after its start waits before the next one: not at all the first time, then 1, 2, 4 … at most
30 s; after a minute of running it counts as sound again. Parts of the second row live on those of the first: they are
started only while all of the first row run.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

WATCH_SECONDS = 0.5
SOUND_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0
_MESSAGES_KEPT = 50


class Part(Protocol):
    """Something that runs and can be started again."""

    name: str

    def fault(self) -> str | None:
        """Why it does not run, in words that follow its name; None while it runs."""

    def start_again(self) -> None:
        """Start it; raises whatever keeps it from starting."""

    def held_by(self) -> str | None:
        """Who wants it to stand still, in words; None when it is to run."""

    def halt(self) -> None:
        """Stop it in order; harmless when it does not run."""


class PartState(StrEnum):
    """What a part is doing."""

    RUNNING = "running"
    WAITING = "waiting to be started again"
    HELD = "held"


@dataclass
class PartStatus:
    """How a part stands: seconds are of the supervisor's clock, `in_a_row` counts ends without a sound minute."""

    since: float
    state: PartState = PartState.RUNNING
    restarts: int = 0
    in_a_row: int = 0
    due: float = 0.0
    reason: str = ""


def pause(in_a_row: int) -> float:
    """Seconds to wait before the next start after so many ends in a row (1, 2, …)."""
    return 0.0 if in_a_row <= 1 else min(2.0 ** min(in_a_row - 2, 10), LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Watches the parts until told to stop. `notify` is given one line for each event, `changed` the statuses.

    Either may fail, on a full disk for example: then it is tried again with the next look. `now` is a monotonic
    clock in seconds.
    """

    def __init__(
        self,
        first: Sequence[Part],
        second: Sequence[Part],
        notify: Callable[[str], None],
        changed: Callable[[dict[str, PartStatus]], None] = lambda _: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first, self._second = tuple(first), tuple(second)
        self._notify, self._changed, self._now = notify, changed, now
        self._pending: deque[str] = deque(maxlen=_MESSAGES_KEPT)
        self._changes_sent = False
        self.statuses = {part.name: PartStatus(now()) for part in (*first, *second)}

    def run(self, stop: threading.Event) -> None:
        """Look at the parts twice a second until `stop` is set."""
        while not stop.wait(WATCH_SECONDS):
            self.step()

    def step(self) -> None:
        """One look at every part."""
        for part in self._first:
            self._look(part, may_start=True)
        sound = all(self.statuses[part.name].state is PartState.RUNNING for part in self._first)
        for part in self._second:
            self._look(part, may_start=sound)
        self._send()

    def _look(self, part: Part, *, may_start: bool) -> None:
        status = self.statuses[part.name]
        try:
            holder = part.held_by()
            if holder is not None:
                self._hold(part, status, holder)
                return
            if status.state is PartState.HELD:
                self._wait(status, "is free again", delay=0.0)
            if status.state is PartState.RUNNING and (fault := part.fault()) is not None:
                self._ended(part, status, fault)
            if status.state is PartState.WAITING and may_start and self._now() >= status.due:
                part.start_again()
                self._started(part, status)
        except Exception as error:  # noqa: BLE001 - whatever it is must not end the watch over the other parts
            self._failed(part, status, error)

    def _hold(self, part: Part, status: PartStatus, holder: str) -> None:
        if status.state is PartState.HELD:
            return
        part.halt()
        status.state, status.reason = PartState.HELD, holder
        self._queue(f"{part.name} stands still: {holder}")

    def _ended(self, part: Part, status: PartStatus, fault: str) -> None:
        sound = self._now() - status.since >= SOUND_SECONDS
        status.in_a_row = 1 if sound else status.in_a_row + 1
        delay = pause(status.in_a_row)
        self._wait(status, fault, delay)
        self._queue(f"{part.name} {fault}; starting it again{_when(delay, status.in_a_row)}")

    def _failed(self, part: Part, status: PartStatus, error: Exception) -> None:
        status.in_a_row += 1
        delay = max(1.0, pause(status.in_a_row))
        what = " ".join(str(error).split()) or type(error).__name__
        self._wait(status, what, delay)
        self._queue(f"{part.name} cannot be started: {what} Trying again{_when(delay, status.in_a_row)}")

    def _wait(self, status: PartStatus, reason: str, delay: float) -> None:
        status.state, status.reason, status.due = PartState.WAITING, reason, self._now() + delay
        self._changes_sent = False

    def _started(self, part: Part, status: PartStatus) -> None:
        status.state, status.reason, status.since = PartState.RUNNING, "", self._now()
        status.restarts += 1
        self._changes_sent = False
        if status.in_a_row > 1:
            self._queue(f"{part.name} was started again, {status.restarts} times so far")

    def _queue(self, message: str) -> None:
        self._pending.append(message)
        self._changes_sent = False

    def _send(self) -> None:
        """Pass on what there is to say; what cannot be said now is said with a later look."""
        try:
            while self._pending:
                self._notify(self._pending[0])
                self._pending.popleft()
            if not self._changes_sent:
                self._changed(self.statuses)
                self._changes_sent = True
        except OSError:  # a full disk or a closed terminal: nothing is lost, the next look tries again
            return


def _when(delay: float, in_a_row: int) -> str:
    if delay == 0:
        return ""
    return f" in {delay:.0f} s ({in_a_row} times in a row)"
