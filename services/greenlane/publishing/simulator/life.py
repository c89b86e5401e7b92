"""Everything that is published about one parcel of the simulator, with its oddity, and what of it counts until when."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from random import Random

from greenlane.contracts.events import (
    CorrectionReason,
    FulfilmentEvent,
    PackagingRecovered,
    ParcelCancelled,
    ParcelDelivered,
    ParcelPacked,
    ParcelReturned,
)
from greenlane.methodology.vocabulary import RecoveredKind
from greenlane.publishing.history.timeline import Kind, RawRecord, TimedEvent
from greenlane.publishing.sdk.envelope import Address, Data, enveloped
from greenlane.publishing.simulator.goods import Goods
from greenlane.publishing.simulator.habits import Habit
from greenlane.publishing.simulator.packing import Packaging
from greenlane.publishing.simulator.travel import carry, hubs, pick_destination, place

_HANOI = timezone(timedelta(hours=7))

MAX_DELAY_DAYS = 10
"""Nothing that counts is published later than so many days after it happened."""


class Oddity(StrEnum):
    """What goes wrong with the publishing of a parcel, or is put right; a parcel has one at most."""

    PACKED_TWICE = "packed_twice"
    DELIVERED_TWICE = "delivered_twice"
    PACKING_CORRECTED = "packing_corrected"
    DELIVERY_CORRECTED = "delivery_corrected"
    CORRECTED_TWICE = "corrected_twice"
    CORRECTION_FIRST = "correction_first"
    CANCELLED = "cancelled"
    CANCELLED_FIRST = "cancelled_first"
    WITHDRAWN = "withdrawn"
    DELAYED = "delayed"
    OUT_OF_ORDER = "out_of_order"


ODDITIES: dict[Oddity, float] = {
    Oddity.PACKED_TWICE: 0.006,
    Oddity.DELIVERED_TWICE: 0.004,
    Oddity.PACKING_CORRECTED: 0.005,
    Oddity.DELIVERY_CORRECTED: 0.003,
    Oddity.CORRECTED_TWICE: 0.002,
    Oddity.CORRECTION_FIRST: 0.003,
    Oddity.CANCELLED: 0.003,
    Oddity.CANCELLED_FIRST: 0.001,
    Oddity.WITHDRAWN: 0.002,
    Oddity.DELAYED: 0.008,
    Oddity.OUT_OF_ORDER: 0.010,
}
"""Share of parcels with each oddity. One at most, so that what becomes of each record is known beforehand."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel as its seller packed it."""

    address: Address
    parcel_id: str
    packed_at: datetime
    goods: Goods
    packaging: Packaging
    home: str
    habit: Habit

    @property
    def mass_g(self) -> float:
        """Goods and packaging together."""
        return round(self.goods.mass_g + self.packaging.mass_g, 1)

    def event(self, name: str, happened: datetime, data: Data) -> FulfilmentEvent:
        """An event about this parcel; `name` makes its id."""
        return enveloped(self.address, f"{self.parcel_id}.{name}", happened.astimezone(_HANOI), data)

    def packed(self, revision: int = 0) -> FulfilmentEvent:
        """The packed event; each correction says that the goods are one gram heavier."""
        items = self.goods.items
        if revision:
            items = tuple(item.model_copy(update={"mass_g": (item.mass_g or 0.0) + revision}) for item in items)
        data = ParcelPacked(
            parcel_id=self.parcel_id,
            revision=revision,
            correction_reason=CorrectionReason.MEASUREMENT if revision else None,
            country="VN",
            items=items,
            outer=self.packaging.outer,
            components=self.packaging.components,
        )
        return self.event(f"packed.r{revision}", self.packed_at, data)


class Life:
    """What happens to one parcel and when each of it is published."""

    def __init__(self, rng: Random, parcel: Parcel) -> None:
        self._rng, self._parcel = rng, parcel
        self._oddity = pick_oddity(rng)
        self._records: list[TimedEvent] = []

    def records(self) -> list[TimedEvent]:
        """Everything that is published, in no order."""
        rng, parcel, oddity = self._rng, self._parcel, self._oddity
        at = self._soon(parcel.packed_at)
        delivered_at = moment(rng, parcel.packed_at.date() + timedelta(days=rng.randint(1, 3)), 2, 13)
        self._pack(at, delivered_at)
        if oddity is Oddity.CANCELLED:
            self._cancel(at + timedelta(minutes=rng.randint(10, 300)))
        elif oddity is not Oddity.CANCELLED_FIRST:
            self._travel(delivered_at)
        return self._records

    def _pack(self, at: datetime, delivered_at: datetime) -> None:
        rng, parcel = self._rng, self._parcel
        packed, kind = parcel.packed(), Kind.ORDINARY
        match self._oddity:
            case Oddity.PACKED_TWICE:
                self._publish(at + timedelta(seconds=rng.randint(1, 10_000)), packed, Kind.DUPLICATE)
            case Oddity.PACKING_CORRECTED:
                self._publish(at + timedelta(hours=rng.randint(1, 48)), parcel.packed(1), Kind.CORRECTION)
            case Oddity.CORRECTED_TWICE:
                second = at + timedelta(hours=rng.randint(1, 24))
                self._publish(second, parcel.packed(2), Kind.CORRECTION)
                self._publish(second + timedelta(hours=rng.randint(1, 24)), parcel.packed(1), Kind.SUPERSEDED)
            case Oddity.CORRECTION_FIRST:
                self._publish(at, parcel.packed(1), Kind.CORRECTION)
                at, kind = at + timedelta(hours=rng.randint(1, 24)), Kind.SUPERSEDED
            case Oddity.CANCELLED_FIRST:
                self._cancel(at)
                at, kind = at + timedelta(hours=rng.randint(1, 24)), Kind.SUPERSEDED
            case Oddity.DELAYED:
                at, kind = at + timedelta(days=rng.randint(1, MAX_DELAY_DAYS - 1)), Kind.DELAYED
            case Oddity.OUT_OF_ORDER:
                at, kind = delivered_at + timedelta(minutes=15), Kind.OUT_OF_ORDER
        self._publish(at, packed, kind)

    def _travel(self, delivered_at: datetime) -> None:
        """Delivery, and now and then the return of the goods and of a reusable box."""
        rng, parcel = self._rng, self._parcel
        habit = parcel.habit
        home, end = place(parcel.home, habit), pick_destination(rng, parcel.home, habit)
        delivery = ParcelDelivered(
            parcel_id=parcel.parcel_id,
            mass_g=parcel.mass_g,
            origin=home,
            destination=end,
            attempts=1 + sum(rng.random() < habit.failed_share for _ in range(2)),
            transport_chain=carry(rng, habit, home.code, end.code),
            hubs=hubs(habit, home.code, end.code),
        )
        delivered, at = parcel.event("delivered.r0", delivered_at, delivery), self._soon(delivered_at)
        self._publish(at, delivered)
        match self._oddity:
            case Oddity.DELIVERED_TWICE:
                self._publish(at + timedelta(hours=rng.randint(1, 48)), delivered, Kind.DUPLICATE)
            case Oddity.DELIVERY_CORRECTED:
                corrected = delivery.model_copy(
                    update={
                        "revision": 1,
                        "correction_reason": CorrectionReason.CARRIER_UPDATE,
                        "attempts": delivery.attempts + 1,
                    }
                )
                event = parcel.event("delivered.r1", delivered_at, corrected)
                self._publish(at + timedelta(hours=rng.randint(1, 48)), event, Kind.CORRECTION)
            case Oddity.WITHDRAWN:
                self._cancel(delivered_at + timedelta(hours=rng.randint(1, 72)))
                return
        self._come_back(delivery, delivered_at)

    def _come_back(self, delivery: ParcelDelivered, delivered_at: datetime) -> None:
        rng, parcel = self._rng, self._parcel
        habit = parcel.habit
        if rng.random() < habit.returned_share:
            start, end = delivery.destination, delivery.origin
            at = moment(rng, delivered_at.date() + timedelta(days=rng.randint(3, 7)), 2, 11)
            returned = ParcelReturned(
                parcel_id=parcel.parcel_id,
                mass_g=parcel.mass_g,
                origin=start,
                destination=end,
                attempts=1,
                transport_chain=carry(rng, habit, start.code, end.code, returning=True),
                hubs=hubs(habit, start.code, end.code),
            )
            self._publish(self._soon(at), parcel.event("returned.r0", at, returned))
        if habit.wrapping.reused is not None and rng.random() < 0.9:
            at = moment(rng, delivered_at.date() + timedelta(days=rng.randint(1, 6)), 2, 11)
            self._publish(self._soon(at), parcel.event("recovered.r0", at, _recovered(parcel)))

    def _cancel(self, at: datetime) -> None:
        cancelled = self._parcel.event("cancelled", at, ParcelCancelled(parcel_id=self._parcel.parcel_id))
        self._publish(at, cancelled, Kind.CANCELLATION)

    def _publish(self, at: datetime, event: FulfilmentEvent, kind: Kind = Kind.ORDINARY) -> None:
        self._records.append(TimedEvent(at, event, kind))

    def _soon(self, happened: datetime) -> datetime:
        return happened + timedelta(seconds=self._rng.randint(5, 600))


def pick_oddity(rng: Random) -> Oddity | None:
    """What is odd about the next parcel, most often nothing."""
    roll = rng.random()
    for oddity, share in ODDITIES.items():
        if roll < share:
            return oddity
        roll -= share
    return None


def moment(rng: Random, day: date, first_hour: int, last_hour: int) -> datetime:
    """Some moment of a day between two hours (UTC)."""
    seconds = rng.uniform(0, (last_hour - first_hour) * 3600)
    return datetime.combine(day, time(first_hour), UTC) + timedelta(seconds=int(seconds))


_NEVER = frozenset({Kind.DUPLICATE, Kind.SUPERSEDED, Kind.LATE, Kind.MALFORMED})


def settled(records: Iterable[TimedEvent], end: datetime) -> list[TimedEvent]:
    """What is published of one parcel before `end`, in order, each record with whether and until when it counts.

    It goes by the reason for which a record is published, never by its revision, time or id: the rule by which the
    pipeline chooses a version is what the truth is there to check.
    """
    published = sorted((record for record in records if record.at < end), key=lambda record: record.at)
    standing: dict[str, int] = {}
    found: list[TimedEvent] = []
    for record in published:
        if record.kind is Kind.CANCELLATION:
            _end(found, standing.values(), record.at)
            standing = {}
        elif record.kind not in _NEVER and not isinstance(record.payload, RawRecord):
            _end(found, [standing[name] for name in (record.payload.type,) if name in standing], record.at)
            standing[record.payload.type] = len(found)
            record = replace(record, counts=True)  # noqa: PLW2901 - the same record, with what is known of it now
        found.append(record)
    return found


def _end(found: list[TimedEvent], numbers: Iterable[int], at: datetime) -> None:
    for number in numbers:
        found[number] = replace(found[number], until=at)


def _recovered(parcel: Parcel) -> PackagingRecovered:
    box = next(iter(parcel.packaging.components or ()))
    asset = box.reusable_asset
    return PackagingRecovered(
        parcel_id=parcel.parcel_id,
        kind=RecoveredKind.REUSABLE_ASSET,
        mass_g=box.mass_g or 1.0,
        asset_id=None if asset is None else asset.asset_id,
    )
