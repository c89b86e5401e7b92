"""Publishes a history at a given rate and has days closed on the way, as time passes in the history."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from greenlane.publishing.history.timeline import Kind, RawRecord, TimedEvent
from greenlane.publishing.sdk.publisher import Publisher
from greenlane.publishing.sdk.receipts import NotDelivered

MALFORMED_TYPE = "malformed"
"""Stands for the event type of records that are published unchecked."""

Close = Callable[[str, date, date], None]
"""Closes a run of days of a marketplace, first and last included, and returns when that is safe."""


class Timer(Protocol):
    """A clock that only moves forward, in seconds, and a way to wait on it."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a history passes, and when its days are closed.

    `rate` is in events per second, 0 means as fast as it goes. `close_every` days gather before one closing covers
    them; a gap in the history makes a run longer.
    """

    rate: float = 0.0
    close_every: int = 1
    timer: Timer = time

    def __post_init__(self) -> None:
        if self.rate < 0 or self.close_every < 1:
            raise ValueError("rate is at least 0 and close_every at least 1")

    def wait(self, started: float, number: int) -> None:
        """Wait until event `number` (from 0) is due in a replay that started at `started`."""
        if self.rate:
            self.timer.sleep(max(0.0, started + number / self.rate - self.timer.monotonic()))


@dataclass(slots=True)
class ReplayReport:
    """What was published, counted on the way; `closed` holds each closed run of days."""

    by_kind: Counter[Kind] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    sellers: set[str] = field(default_factory=set)
    closed: list[tuple[date, date]] = field(default_factory=list)
    at: datetime | None = None

    @property
    def published(self) -> int:
        """All records."""
        return self.by_kind.total()


def replay(
    events: Iterable[TimedEvent],
    publisher: Publisher,
    pace: Pace,
    close: Close | None = None,
    progress: Callable[[ReplayReport], None] = lambda _: None,
) -> ReplayReport:
    """Publish `events`, which are sorted by `at`, to the publisher's marketplace.

    When `close` is given, it is called whenever at least `close_every` days are over, with all of them in one run, and
    at the end with what is left, the last day included. Everything published is acknowledged before; if something is
    not, NotDelivered is raised and no day is closed any more.
    """
    report = ReplayReport()
    started = pace.timer.monotonic()
    first_open: date | None = None
    for number, event in enumerate(events):
        day = event.at.astimezone(UTC).date()
        first_open = first_open or day
        if (day - first_open).days >= pace.close_every:
            first_open = _close(publisher, close, first_open, day - timedelta(days=1), report)
        pace.wait(started, number)
        _publish(publisher, event, report)
        progress(report)
    if first_open is not None and report.at is not None:
        _close(publisher, close, first_open, report.at.astimezone(UTC).date(), report)
        progress(report)
    return report


def _publish(publisher: Publisher, event: TimedEvent, report: ReplayReport) -> None:
    payload = event.payload
    if isinstance(payload, RawRecord):
        publisher.publish_raw(payload, name=f"record {report.published + 1} of the history")
        report.by_type[MALFORMED_TYPE] += 1
    else:
        publisher.publish(payload)
        report.by_type[payload.type] += 1
        report.sellers.add(payload.subject)
    report.by_kind[event.kind] += 1
    report.at = event.at


def _close(publisher: Publisher, close: Close | None, first: date, last: date, report: ReplayReport) -> date:
    """Close the run once everything before it has arrived; the first day that is open then."""
    tally = publisher.flush()
    missing = tally.failed + tally.unknown + tally.pending
    if missing:
        raise NotDelivered(publisher.close(), missing)
    if close is not None:
        close(publisher.marketplace, first, last)
        report.closed.append((first, last))
    return last + timedelta(days=1)
