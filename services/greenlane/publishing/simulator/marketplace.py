"""A synthetic Vietnamese marketplace: the same seed tells the same history, with every oddity of real publishers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import NamedTuple

from greenlane.publishing.history.timeline import Kind, TimedEvent
from greenlane.publishing.sdk.envelope import Address
from greenlane.publishing.simulator.goods import pick_goods
from greenlane.publishing.simulator.habits import BY_NAME, HABITS, Habit
from greenlane.publishing.simulator.life import MAX_DELAY_DAYS, Life, Parcel, moment, settled
from greenlane.publishing.simulator.malformed import malformed_records
from greenlane.publishing.simulator.packing import stated, wrap
from greenlane.publishing.simulator.seasons import demand
from greenlane.publishing.simulator.travel import pick_province


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What to simulate: `days` days from `start` (UTC), `rate` parcels per seller and ordinary day, `late` old events.

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
        if self.lateness_days <= MAX_DELAY_DAYS:
            raise ValueError(f"lateness_days is more than {MAX_DELAY_DAYS}, the longest delay of an event that counts")


class _Seller(NamedTuple):
    """One seller: id, home province, habits, and parcels on an average day."""

    seller_id: str
    home: str
    habit: Habit
    rate: float


def simulate(plan: SimulationPlan) -> Iterator[TimedEvent]:
    """The marketplace's history in the order of publication, made as it is read; it ends with the plan's last day."""
    return _Simulation(plan).run()


class _Simulation:
    """One run: the random source, the sellers, and what is still to be published."""

    def __init__(self, plan: SimulationPlan) -> None:
        self._plan = plan
        self._rng = Random(plan.seed)  # noqa: S311 - repeatable on purpose, guards nothing
        self._end = midnight(plan.start + timedelta(days=plan.days))
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
                    parcel = self._parcel(seller, moment(self._rng, day, 1, 11), number)
                    self._wait(settled(Life(self._rng, parcel).records(), self._end))
            over = midnight(day + timedelta(days=1))
            while self._waiting and self._waiting[0][0] < over:
                yield heappop(self._waiting)[2]

    def _seller(self, number: int) -> _Seller:
        habit = HABITS[number % len(HABITS)]
        home = pick_province(self._rng)
        rate = self._plan.rate * habit.rate * self._rng.uniform(0.75, 1.25)
        return _Seller(f"sim-{habit.name}-{number:03d}", home, habit, rate)

    def _parcels_today(self, seller: _Seller, day: int) -> int:
        every = seller.habit.busy_every
        if day % every:
            return 0
        expected = seller.rate * every * demand(self._plan.start + timedelta(days=day))
        return int(expected) + (self._rng.random() < expected % 1)

    def _parcel(self, seller: _Seller, packed_at: datetime, day: int) -> Parcel:
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
        return Parcel(address, f"sim-{self._plan.seed}-{number:06d}", packed_at, goods, packaging, seller.home, habit)

    def _wait(self, records: Iterable[TimedEvent]) -> None:
        for record in records:
            heappush(self._waiting, (record.at, next(self._numbers), record))

    def _plan_late(self) -> None:
        """Packed events that arrive when their day has been closed for longer than is accepted."""
        plan = self._plan
        first = plan.close_every + 1
        for number in range(plan.late if plan.days > first else 0):
            arrival = plan.start + timedelta(days=first + number % (plan.days - first))
            oldest = arrival - timedelta(days=plan.close_every + plan.lateness_days + self._rng.randint(1, 20))
            parcel = self._parcel(self._rng.choice(self._sellers), moment(self._rng, oldest, 1, 11), 0)
            self._wait([TimedEvent(moment(self._rng, arrival, 1, 11), parcel.packed(), Kind.LATE)])

    def _plan_malformed(self) -> None:
        records = malformed_records(self._plan.marketplace)
        for number in range(self._plan.malformed):
            day = self._plan.start + timedelta(days=number % self._plan.days)
            at = moment(self._rng, day, 1, 11)
            # from each end in turn, so that few records still show many reasons
            case = records[(number // 2 if number % 2 else -1 - number // 2) % len(records)]
            self._wait([TimedEvent(at, case.record, Kind.MALFORMED)])


def midnight(day: date) -> datetime:
    """The first moment of a day (UTC)."""
    return datetime.combine(day, time(), UTC)
