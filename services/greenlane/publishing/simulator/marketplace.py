"""A synthetic Vietnamese marketplace: the same seed tells the same history, with every oddity of real publishers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import NamedTuple

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
from greenlane.publishing.history.timeline import Kind, TimedEvent
from greenlane.publishing.sdk.envelope import Address, Data, enveloped
from greenlane.publishing.simulator.habits import BY_NAME, HABITS, Habit
from greenlane.publishing.simulator.malformed import malformed_records
from greenlane.publishing.simulator.parcels import (
    PROVINCES,
    Goods,
    Packaging,
    carry,
    hubs,
    pick_destination,
    pick_goods,
    place,
    stated,
    wrap,
)

_HANOI = timezone(timedelta(hours=7))

_ODDITIES: tuple[tuple[Kind, float], ...] = (
    (Kind.DUPLICATE, 0.010),
    (Kind.CORRECTION, 0.008),
    (Kind.SUPERSEDED, 0.004),
    (Kind.CANCELLATION, 0.004),
    (Kind.DELAYED, 0.008),
    (Kind.OUT_OF_ORDER, 0.010),
)
"""Share of parcels with each oddity; a parcel has one at most, so that what becomes of each record is certain."""

_MAX_DELAY_DAYS = 10


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What to simulate: `days` days from `start` (UTC), `rate` parcels per seller and day, `late` too old events.

    Events are late for certain when the policy accepts `lateness_days` and a closing covers at most `close_every` days.
    All `late` and `malformed` come if there are days enough for them.
    """

    seed: int = 1
    sellers: int = 200
    days: int = 60
    start: date = date(2026, 1, 5)
    rate: float = 1.6
    marketplace: str = "demo-vn"
    late: int = 20
    malformed: int = 60
    lateness_days: int = 89
    close_every: int = 7

    def __post_init__(self) -> None:
        if min(self.sellers, self.days, self.close_every) < 1 or min(self.rate, self.late, self.malformed) < 0:
            raise ValueError("sellers, days and close_every are at least 1; rate, late and malformed at least 0")
        if self.lateness_days <= _MAX_DELAY_DAYS:
            raise ValueError(f"lateness_days is more than {_MAX_DELAY_DAYS}, the longest delay of an event that counts")


class _Seller(NamedTuple):
    """One seller: id, home province, habits, and parcels on an average day."""

    seller_id: str
    home: str
    habit: Habit
    rate: float


class _Parcel(NamedTuple):
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
        """The packed event; a correction says that the goods are one gram heavier."""
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


def simulate(plan: SimulationPlan) -> Iterator[TimedEvent]:
    """The marketplace's history in the order of publication, made as it is read; it ends with the plan's last day."""
    return _Simulation(plan).run()


class _Simulation:
    """One run: the random source, the sellers, and what is still to be published."""

    def __init__(self, plan: SimulationPlan) -> None:
        self._plan = plan
        self._rng = Random(plan.seed)  # noqa: S311 - repeatable on purpose, guards nothing
        self._waiting: list[tuple[datetime, int, TimedEvent]] = []
        self._numbers = count()
        self._parcels = count(1)
        self._sellers = [self._seller(number) for number in range(plan.sellers)]

    def run(self) -> Iterator[TimedEvent]:
        self._plan_malformed()
        self._plan_late()
        for number in range(self._plan.days):
            day = self._plan.start + timedelta(days=number)
            for seller in self._sellers:
                for _ in range(self._parcels_today(seller, number)):
                    self._live(self._parcel(seller, self._moment(day, 1, 11), number))
            end = self._moment(day + timedelta(days=1), 0, 0)
            while self._waiting and self._waiting[0][0] < end:
                yield heappop(self._waiting)[2]

    def _seller(self, number: int) -> _Seller:
        habit = HABITS[number % len(HABITS)]
        home = self._rng.choices(list(PROVINCES), [share for _, _, share in PROVINCES.values()])[0]
        rate = self._plan.rate * habit.rate * self._rng.uniform(0.75, 1.25)
        return _Seller(f"sim-{habit.name}-{number:03d}", home, habit, rate)

    def _parcels_today(self, seller: _Seller, day: int) -> int:
        every = seller.habit.busy_every
        if day % every:
            return 0
        expected = seller.rate * every
        return int(expected) + (self._rng.random() < expected % 1)

    def _moment(self, day: date, first_hour: int, last_hour: int) -> datetime:
        seconds = self._rng.uniform(0, (last_hour - first_hour) * 3600)
        return datetime.combine(day, time(first_hour), UTC) + timedelta(seconds=int(seconds))

    def _parcel(self, seller: _Seller, packed_at: datetime, day: int) -> _Parcel:
        changed = seller.habit.later is not None and day >= self._plan.days // 2
        habit = BY_NAME[seller.habit.later or ""] if changed else seller.habit
        number = next(self._parcels)
        goods = pick_goods(self._rng)
        asset = f"sim-box-{seller.seller_id[-3:]}-{number % 40:02d}"
        packaging = wrap(goods, habit.wrapping, asset, self._plan.start + timedelta(days=400))
        if habit.measured:
            items, packaging = stated(goods, packaging)
            goods = replace(goods, items=items)
        address = Address(self._plan.marketplace, seller.seller_id)
        return _Parcel(address, f"sim-{self._plan.seed}-{number:06d}", packed_at, goods, packaging, seller.home, habit)

    def _publish(self, at: datetime, event: FulfilmentEvent, kind: Kind = Kind.ORDINARY) -> None:
        heappush(self._waiting, (at, next(self._numbers), TimedEvent(at, event, kind)))

    def _soon(self, moment: datetime) -> datetime:
        return moment + timedelta(seconds=self._rng.randint(5, 600))

    def _live(self, parcel: _Parcel) -> None:
        """Everything that happens to one parcel, and when each of it is published."""
        oddity = self._oddity()
        packed = parcel.packed()
        at = self._soon(parcel.packed_at)
        delivered_at = self._moment(parcel.packed_at.date() + timedelta(days=self._rng.randint(1, 3)), 2, 13)
        if oddity is Kind.DUPLICATE:
            self._publish(at + timedelta(seconds=self._rng.randint(1, 10_000)), packed, Kind.DUPLICATE)
        elif oddity is Kind.CORRECTION:
            self._publish(at + timedelta(hours=self._rng.randint(1, 48)), parcel.packed(1), Kind.CORRECTION)
        elif oddity is Kind.SUPERSEDED:
            self._publish(at, parcel.packed(1), Kind.CORRECTION)
            at += timedelta(hours=self._rng.randint(1, 24))
        elif oddity is Kind.DELAYED:
            at += timedelta(days=self._rng.randint(1, _MAX_DELAY_DAYS - 1))
        elif oddity is Kind.OUT_OF_ORDER:
            at = delivered_at + timedelta(minutes=15)
        plain = oddity not in {Kind.SUPERSEDED, Kind.DELAYED, Kind.OUT_OF_ORDER}
        self._publish(at, packed, Kind.ORDINARY if plain or oddity is None else oddity)
        if oddity is Kind.CANCELLATION:
            cancelled_at = at + timedelta(minutes=self._rng.randint(10, 300))
            cancelled = parcel.event("cancelled", cancelled_at, ParcelCancelled(parcel_id=parcel.parcel_id))
            self._publish(self._soon(cancelled_at), cancelled, Kind.CANCELLATION)
        else:
            self._travel(parcel, delivered_at)

    def _oddity(self) -> Kind | None:
        roll = self._rng.random()
        for kind, share in _ODDITIES:
            if roll < share:
                return kind
            roll -= share
        return None

    def _travel(self, parcel: _Parcel, delivered_at: datetime) -> None:
        """Delivery, and now and then the return of the goods and of a reusable box."""
        rng, habit = self._rng, parcel.habit
        home, end = place(parcel.home, habit), pick_destination(rng, parcel.home, habit)
        attempts = 1 + sum(rng.random() < habit.failed_share for _ in range(2))
        chain = carry(rng, habit, home.code, end.code)
        delivered = ParcelDelivered(
            parcel_id=parcel.parcel_id,
            mass_g=parcel.mass_g,
            origin=home,
            destination=end,
            attempts=attempts,
            transport_chain=chain,
            hubs=hubs(habit, home.code, end.code),
        )
        self._publish(self._soon(delivered_at), parcel.event("delivered.r0", delivered_at, delivered))
        if rng.random() < habit.returned_share:
            at = self._moment(delivered_at.date() + timedelta(days=rng.randint(3, 7)), 2, 11)
            returned = ParcelReturned(
                parcel_id=parcel.parcel_id,
                mass_g=parcel.mass_g,
                origin=end,
                destination=home,
                attempts=1,
                transport_chain=carry(rng, habit, end.code, home.code, returning=True),
                hubs=hubs(habit, end.code, home.code),
            )
            self._publish(self._soon(at), parcel.event("returned.r0", at, returned))
        if habit.wrapping.reused is not None and rng.random() < 0.9:
            at = self._moment(delivered_at.date() + timedelta(days=rng.randint(1, 6)), 2, 11)
            self._publish(self._soon(at), parcel.event("recovered.r0", at, _recovered(parcel)))

    def _plan_late(self) -> None:
        """Packed events that arrive when their day has been closed for longer than is accepted."""
        plan = self._plan
        first = plan.close_every + 1
        for number in range(plan.late if plan.days > first else 0):
            arrival = plan.start + timedelta(days=first + number % (plan.days - first))
            oldest = arrival - timedelta(days=plan.close_every + plan.lateness_days + self._rng.randint(1, 20))
            parcel = self._parcel(self._rng.choice(self._sellers), self._moment(oldest, 1, 11), 0)
            self._publish(self._moment(arrival, 1, 11), parcel.packed(), Kind.LATE)

    def _plan_malformed(self) -> None:
        records = malformed_records(self._plan.marketplace)
        for number in range(self._plan.malformed):
            day = self._plan.start + timedelta(days=number % self._plan.days)
            at = self._moment(day, 1, 11)
            # from each end in turn, so that few records still show many reasons
            case = records[(number // 2 if number % 2 else -1 - number // 2) % len(records)]
            heappush(self._waiting, (at, next(self._numbers), TimedEvent(at, case.record, Kind.MALFORMED)))


def _recovered(parcel: _Parcel) -> PackagingRecovered:
    box = next(iter(parcel.packaging.components or ()))
    asset = box.reusable_asset
    return PackagingRecovered(
        parcel_id=parcel.parcel_id,
        kind=RecoveredKind.REUSABLE_ASSET,
        mass_g=box.mass_g or 1.0,
        asset_id=None if asset is None else asset.asset_id,
    )
