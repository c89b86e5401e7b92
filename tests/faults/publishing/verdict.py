"""What the journals promise beside what the topic and the accounts hold."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.faults.publishing.events import id_of, is_bad, is_delivered, seller_of
from tests.faults.publishing.journal import Known

from greenlane.contracts.reading.fulfilment import KafkaRecord, read_event
from greenlane.contracts.scores import SellerScore

Place = tuple[int, int]
"""Partition and offset."""


@dataclass(frozen=True)
class Standing:
    """Where each event stands on the topic, and what each place holds."""

    places: dict[str, list[Place]]
    ids: dict[Place, str]

    @classmethod
    def of(cls, records: Iterable[KafkaRecord]) -> "Standing":
        """Read the topic's records; heartbeats are no events."""
        places: defaultdict[str, list[Place]] = defaultdict(list)
        ids = {}
        for record in records:
            event = read_event(record).event
            if event is not None:
                places[event.id].append((record.partition, record.offset))
                ids[record.partition, record.offset] = event.id
        return cls(dict(places), ids)


@dataclass
class Findings:
    """Figures that have to be 0, how much was compared, and the first events of each kind of trouble."""

    figures: Counter[str] = field(default_factory=Counter)
    firsts: dict[str, str] = field(default_factory=dict)
    events: int = 0
    accepted: int = 0
    refused: int = 0
    repeats: int = 0

    def add(self, figure: str, what: str, count: int = 1) -> None:
        """Count one kind of trouble."""
        self.figures[figure] += count
        self.firsts.setdefault(figure, what)

    def promises(self, client: str, known: Known, standing: Standing, *, spooled: bool) -> None:
        """Every verdict that the client has against the topic; `spooled`: it was given before Kafka had the event."""
        for number in range(known.begun):
            name, said = id_of(client, number), known.said.get(number, [])
            places = standing.places.get(name, [])
            words = {verdict.word for verdict in said}
            self.events += 1
            self.accepted += "accepted" in words
            self.refused += "refused" in words
            self.repeats += max(len(places) - 1, 0)
            if not said:
                self.add("open", name)
            if "accepted" in words and not places:
                self.add("lost", name)
                self.add("receipts_broken", f"{name}: accepted and absent")
                if spooled:
                    self.add("spool_lost", name)
            if "refused" in words and places:
                self.add("receipts_broken", f"{name}: refused and present at {places[0]}")
            if words == {"accepted"} and is_bad(number):
                self.add("receipts_broken", f"{name}: breaks the contract and accepted")
            for verdict in said:
                place = (verdict.partition, verdict.offset)
                if verdict.offset >= 0 and standing.ids.get(place) != name:
                    self.add("receipts_broken", f"{name}: not at {place}, where its receipt says")

    def accounts(
        self, clients: Mapping[str, Known], standing: Standing, counted: Mapping[str, tuple[int, int]]
    ) -> None:
        """Parcels in each account (packed, delivered) against those accepted, and those on the topic."""
        accepted: defaultdict[str, Counter[bool]] = defaultdict(Counter)
        present: defaultdict[str, Counter[bool]] = defaultdict(Counter)
        for client, known in clients.items():
            for number in range(known.begun):
                seller, delivered = seller_of(client, number), is_delivered(number)
                taken = any(verdict.word == "accepted" for verdict in known.said.get(number, ()))
                accepted[seller][delivered] += taken
                present[seller][delivered] += id_of(client, number) in standing.places
        for seller in present:
            for delivered, count in zip((False, True), counted.get(seller, (0, 0)), strict=True):
                missing = accepted[seller][delivered] - count
                surplus = count - present[seller][delivered]
                if missing > 0:
                    self.add("lost", f"{missing} accepted parcels are not in the account of {seller}", missing)
                if surplus > 0:
                    self.add("counted_twice", f"{surplus} parcels too many in the account of {seller}", surplus)


def counted_in(scores: Iterable[KafkaRecord]) -> dict[str, tuple[int, int]]:
    """Parcels packed and delivered in the last score of each seller."""
    found = {}
    for record in scores:
        if record.value is not None:
            score = SellerScore.model_validate_json(record.value).data
            found[score.seller_id] = (score.sums.packaging["parcels"], score.sums.delivery["parcels"])
    return found
