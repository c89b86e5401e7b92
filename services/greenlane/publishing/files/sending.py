"""Sends the events of a file to their marketplaces, and counts what became of each, whatever goes wrong on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from greenlane.contracts.dead_letters import Refusal
from greenlane.publishing.files.reading import FileEvent
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.publisher import Publisher
from greenlane.publishing.sdk.receipts import PublisherError, Receipt

Connect = Callable[[str], Publisher]
"""Opens the publisher of a marketplace. Raises PublisherError when there is no broker or no topic."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How many events were read, and how they ended; the four ends add up to `read`.

    `unchecked` is how many of the published ones break the contract. `unknown` ones may be in the topic.
    """

    read: int
    published: int
    refused: int
    not_sent: int
    unknown: int
    unchecked: int


@dataclass(slots=True)
class _Road:
    """The way to one marketplace: its publisher, or why it is closed and how many events that kept back."""

    publisher: Publisher | None = None
    obstacle: str = ""
    kept_back: int = 0
    first_line: int = 0

    def look(self) -> None:
        """Raises PublisherError once the broker left an event without an answer: the next ones would wait as long."""
        if self.publisher is not None and self.publisher.tally.unknown:
            raise PublisherError(
                "Kafka no longer answers; publish the file again when `greenlane doctor` finds it well"
            )


@dataclass(slots=True)
class Sending:
    """Takes the events of a file one by one. After the first obstacle on a road, no event waits for that road again."""

    connect: Connect
    marketplaces: Sequence[str]
    unchecked: bool = False
    _roads: dict[str, _Road] = field(default_factory=dict)
    _read: int = 0
    _refused: int = 0
    _unchecked_taken: int = 0

    def take(self, item: FileEvent) -> Refusal | None:
        """Send one event if it is good, or if it has bytes and unchecked ones are sent too; why it is refused if so."""
        self._read += 1
        if item.refusal is not None and not (self.unchecked and item.raw):
            self._refused += 1
            return item.refusal
        marketplace = self._marketplace(item)
        road = self._roads.get(marketplace) or self._open(marketplace)
        if road.publisher is not None and not road.obstacle:
            try:
                road.look()
                if item.event is not None:
                    road.publisher.publish(item.event)
                else:
                    road.publisher.publish_raw(RawRecord(None, item.raw, ()), name=f"line {item.line}")
                    self._unchecked_taken += 1
            except Refusal as refusal:
                self._refused += 1
                return refusal
            except PublisherError as error:
                road.obstacle = str(error)
        if road.obstacle:
            road.first_line = road.first_line or item.line
            road.kept_back += 1
        return item.refusal

    def finish(self) -> tuple[list[Receipt], list[str]]:
        """Wait for what is on its way and close every road.

        Returns the receipts of events that were not delivered, and one line for each road that was closed too early.
        """
        lost = [
            receipt for road in self._roads.values() if road.publisher is not None for receipt in road.publisher.close()
        ]
        obstacles = [
            f"{road.kept_back} of {marketplace} not sent, from line {road.first_line} on: {road.obstacle}"
            for marketplace, road in self._roads.items()
            if road.obstacle
        ]
        return lost, obstacles

    @property
    def sent(self) -> Sent:
        """How the events ended; those that have not ended yet are unknown."""
        tallies = [road.publisher.tally for road in self._roads.values() if road.publisher is not None]
        published = sum(tally.delivered for tally in tallies)
        unknown = sum(tally.unknown + tally.pending for tally in tallies)
        # what an interruption kept from being counted was not sent: so it is what remains
        not_sent = self._read - self._refused - published - unknown
        return Sent(self._read, published, self._refused, not_sent, unknown, self._unchecked_taken)

    def _open(self, marketplace: str) -> _Road:
        road = self._roads[marketplace] = _Road()
        if marketplace not in self.marketplaces:
            names = ",".join((*self.marketplaces, marketplace))
            road.obstacle = (
                "the marketplace is not in GREENLANE_MARKETPLACES; correct the source, or add it there with: "
                f"export GREENLANE_MARKETPLACES={names}, and start the services again with it"
            )
            return road
        try:
            road.publisher = self.connect(marketplace)
        except PublisherError as error:
            road.obstacle = str(error)
        return road

    def _marketplace(self, item: FileEvent) -> str:
        """Where an event goes: its own marketplace; what names none goes to the first one that is configured."""
        return self.marketplaces[0] if item.event is None else item.event.source.removeprefix("/marketplaces/")
