"""What the pipeline is fed under faults: a seeded history, made worse, published and closed whatever fails."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, timedelta
from itertools import groupby, islice
from random import Random

from kafka.errors import KafkaError
from tests.faults.pipeline import MARKETPLACE

from greenlane.accounts.clock.day_closer import ClosingError, DayCloser
from greenlane.publishing.history.timeline import RawRecord, TimedEvent
from greenlane.publishing.sdk.publisher import Options, Publisher
from greenlane.publishing.sdk.receipts import PublisherError, ReceiptOutcome
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate

FIRST_DAY = date(2026, 1, 5)
REPEATED_SHARE, DISPLACED_SHARE = 0.08, 0.10
Day = tuple[date, list[TimedEvent]]


def history(seed: int, *, sellers: int = 60, days: int = 290, rate: float = 2.0) -> Iterator[Day]:
    """Each day's records in the order of publication; the same seed gives the same days.

    On top of the simulator's corrections, cancellations, delays, late and malformed records, some are published again
    and some change places within their day.
    """
    plan = SimulationPlan(
        seed=seed, sellers=sellers, days=days, start=FIRST_DAY, rate=rate, marketplace=MARKETPLACE,
        late=days, malformed=2 * days, lateness_days=11, close_every=1,
    )  # fmt: skip
    chance = Random(seed)  # noqa: S311 - a test's seed, not a secret
    for day, events in groupby(simulate(plan), lambda event: event.at.astimezone(UTC).date()):
        yield day, _worse(list(events), chance)


def _worse(events: list[TimedEvent], chance: Random) -> list[TimedEvent]:
    again = chance.sample(events, k=int(len(events) * REPEATED_SHARE))
    for event in again:
        events.insert(chance.randrange(len(events) + 1), event)
    for _ in range(int(len(events) * DISPLACED_SHARE)):
        one, other = chance.randrange(len(events)), chance.randrange(len(events))
        events[one], events[other] = events[other], events[one]
    return events


class Load(threading.Thread):
    """Publishes days and closes each, at `rate` events a second (0: as fast as it goes), until told it is enough.

    An event that has not ended as delivered within `deadline` seconds is published again.
    """

    def __init__(self, bootstrap_servers: str, days: Iterator[Day], rate: float = 0.0, deadline: float = 120.0) -> None:
        super().__init__(name="load", daemon=True)
        self.enough = threading.Event()
        self.days, self.records, self.again, self.closings_again = 0, 0, 0, 0
        self.error: BaseException | None = None
        self._servers, self._days, self._rate = bootstrap_servers, days, rate
        self._options = Options(deadline=deadline)

    def run(self) -> None:
        try:
            with closing(Publisher(self._servers, MARKETPLACE, self._options)) as publisher:
                for day, events in self._days:
                    self._publish(publisher, events)
                    self._close(day)
                    self.days += 1
                    if self.enough.is_set():
                        return
        except BaseException as error:  # noqa: BLE001 - raised again by `finish`, in the thread of the test
            self.error = error

    def finish(self) -> None:
        """Let the day under way end; raises what ended the load early."""
        self.enough.set()
        self.join(600)
        if self.error is not None:
            raise self.error
        assert not self.is_alive(), "the load did not end"

    def _publish(self, publisher: Publisher, events: list[TimedEvent]) -> None:
        started, waiting = time.monotonic(), events
        while waiting:
            sent = []
            for number, event in enumerate(waiting):
                if self._rate:
                    time.sleep(max(0.0, started + number / self._rate - time.monotonic()))
                payload = event.payload
                raw = isinstance(payload, RawRecord)
                sent.append((event, publisher.publish_raw(payload) if raw else publisher.publish(payload)))  # type: ignore[arg-type] # told apart by `raw`
            self.records += len(waiting)
            publisher.flush()
            waiting = [event for event, future in sent if future.result(130).outcome is not ReceiptOutcome.DELIVERED]
            self.again += len(waiting)

    def _close(self, day: date) -> None:
        """Close the day, again if Kafka fails meanwhile: a repeat changes nothing."""
        deadline = time.monotonic() + 300
        while True:
            try:
                with DayCloser(self._servers) as closer:
                    closer.close(MARKETPLACE, day, day, timeout_seconds=120)
            except (KafkaError, ClosingError, PublisherError, OSError):
                if time.monotonic() > deadline:
                    raise
                self.closings_again += 1
                time.sleep(0.2)
            else:
                return


def publish_live(bootstrap_servers: str, marketplace: str, today: date) -> None:
    """A few days of a marketplace whose days the clock closes, up to yesterday."""
    plan = SimulationPlan(
        seed=3, sellers=6, days=5, start=today - timedelta(days=5), rate=1.0, marketplace=marketplace,
        late=0, malformed=0,
    )  # fmt: skip
    with Publisher(bootstrap_servers, marketplace, Options()) as publisher:
        for event in simulate(plan):
            publisher.publish(event.payload)  # type: ignore[arg-type] # nothing malformed was planned


def publish_days(bootstrap_servers: str, days: Iterator[Day], count: int) -> Load:
    """Publish and close this many days as fast as it goes; returns when that is done."""
    load = Load(bootstrap_servers, islice(days, count))
    load.start()
    load.join(1200)
    load.finish()
    return load
