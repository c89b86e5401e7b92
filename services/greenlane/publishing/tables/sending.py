"""Sends the events of a table to its marketplace, and counts what became of each, whatever goes wrong on the way."""

from collections.abc import Callable
from dataclasses import dataclass

from greenlane.publishing.sdk.publisher import Publisher
from greenlane.publishing.sdk.receipts import PublisherError, Receipt
from greenlane.publishing.tables.parcels import Made
from greenlane.publishing.tables.wire import Wire


@dataclass(slots=True)
class Sending:
    """Takes events one by one. After the first obstacle no event waits any more: the others are not sent.

    `connect` opens the publisher; it raises PublisherError when there is no broker or no topic.
    """

    connect: Callable[[], Publisher]
    wire: Wire
    obstacle: str = ""
    _publisher: Publisher | None = None

    def take(self, made: Made) -> None:
        """Send an event, unless an obstacle was met."""
        if self.obstacle:
            return
        try:
            publisher = self._publisher = self._publisher or self.connect()
            publisher.publish_raw(self.wire.record(made), name=made.event_id)
        except PublisherError as error:
            self._stop(made, str(error))
        else:
            if publisher.tally.unknown:
                self._stop(made, "Kafka no longer answers; import the file again when `greenlane doctor` finds it well")

    def _stop(self, made: Made, reason: str) -> None:
        self.obstacle = f"not sent from line {made.line} on: {reason}"

    def finish(self) -> tuple[Receipt, ...]:
        """Wait for what is on its way and close; the receipts of events that were not delivered."""
        return () if self._publisher is None else self._publisher.close()

    @property
    def delivered(self) -> int:
        """Events that the brokers acknowledged."""
        return 0 if self._publisher is None else self._publisher.tally.delivered

    @property
    def unknown(self) -> int:
        """Events that may be in the topic."""
        if self._publisher is None:
            return 0
        tally = self._publisher.tally
        return tally.unknown + tally.pending
