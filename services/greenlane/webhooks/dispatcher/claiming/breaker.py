"""A breaker for one endpoint: after five failures in a row its messages wait, and single probes ask again (pure)."""

from dataclasses import dataclass
from enum import StrEnum

from greenlane.webhooks.dispatcher.verdicts import Answer

FAILURES_TO_OPEN = 5
SUCCESSES_TO_CLOSE = 2
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 900.0
"""Seconds until the first probe, and between probes at most."""


class Phase(StrEnum):
    """What the breaker lets through: everything, one request at a time, nothing until its pause is over."""

    CLOSED = "closed"
    PROBING = "probing"
    OPEN = "open"


@dataclass(slots=True)
class Breaker:
    """Counts timeouts, connection errors and 5xx; any other answer shows that the receiver is alive."""

    phase: Phase = Phase.CLOSED
    failures: int = 0
    successes: int = 0
    pause: float = FIRST_PAUSE
    until: float = 0.0

    def learn(self, answer: Answer, now: float) -> None:
        """Take an answer into account."""
        if answer.broken:
            self.failures += 1
            self.successes = 0
            if self.phase is Phase.PROBING:
                self.pause = min(self.pause * 2, LONGEST_PAUSE)
                self._open(now)
            elif self.phase is Phase.CLOSED and self.failures >= FAILURES_TO_OPEN:
                self._open(now)
            return
        self.failures = 0
        self.successes += 1
        if self.phase is not Phase.CLOSED and self.successes >= SUCCESSES_TO_CLOSE:
            self.phase, self.pause = Phase.CLOSED, FIRST_PAUSE

    def closed_until(self, now: float) -> float | None:
        """When the next probe may go; None if something may go now, which makes an open breaker probe."""
        if self.phase is not Phase.OPEN:
            return None
        if now < self.until:
            return self.until
        self.phase = Phase.PROBING
        return None

    def _open(self, now: float) -> None:
        self.phase = Phase.OPEN
        self.until = now + self.pause
