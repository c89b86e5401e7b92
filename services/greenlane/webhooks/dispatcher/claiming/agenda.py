"""Which endpoints may have something due, and how much may be sent now; in memory, rebuilt from the tables (pure).

An endpoint that hangs or fails costs the others nothing: slots are given by age. A request takes one of the fast
budget and moves to the slow one when it is out for a second; suspect endpoints use the slow budget only.
"""

import heapq
import math
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from greenlane.webhooks.dispatcher.claiming.breaker import FAILURES_TO_OPEN, Breaker, Phase
from greenlane.webhooks.dispatcher.verdicts import Answer

SLOW_AFTER = 1.0
"""Seconds after which a request is slow and its endpoint suspect."""
FIRST_CAP, HIGHEST_CAP = 4, 16
SUCCESSES_PER_STEP = 50
AHEAD_SECONDS = 0.5
"""Of its work an endpoint that is well has so much claimed beyond its slots, so that no slot waits for a claim."""
MOST_AHEAD, ALL_AHEAD = 32, 256
"""Deliveries claimed beyond their endpoints' slots: of one endpoint, and altogether."""
_SHORTEST, _SMOOTHING = 0.001, 8
_LOOKED_AT = 4
"""Endpoints that are looked at to share out a claim, for each delivery of it."""


class Budget(StrEnum):
    """What a request is counted against."""

    FAST = "fast"
    SLOW = "slow"


@dataclass(slots=True, eq=False)
class Slot:
    """One request under way; `since` in monotonic seconds."""

    endpoint_id: str
    since: float
    budget: Budget
    over: bool = False


@dataclass(slots=True)
class _EndpointLoad:
    """What is known of an endpoint: its requests, its cap, and how its last ones went."""

    breaker: Breaker = field(default_factory=Breaker)
    requests: int = 0
    aged: int = 0
    cap: int = FIRST_CAP
    fast_successes: int = 0
    failed: bool = False
    more: bool = False
    ahead: int = 0
    successes_in_a_row: int = 0
    usual_seconds: float = AHEAD_SECONDS

    @property
    def well(self) -> bool:
        """Whether what waits for a slot gets one soon: its last attempts succeeded, and none is out for long."""
        return not self.suspect and self.breaker.phase is Phase.CLOSED and self.successes_in_a_row >= FIRST_CAP

    @property
    def room_ahead(self) -> int:
        """How many to claim beyond the slots; none until half of them are used up, so that claims stay few."""
        if not self.well:
            return 0
        wanted = min(MOST_AHEAD, int(self.cap * AHEAD_SECONDS / max(self.usual_seconds, _SHORTEST)))
        return wanted - self.ahead if self.ahead <= wanted // 2 else 0

    @property
    def suspect(self) -> bool:
        return self.failed or self.aged > 0

    @property
    def free(self) -> int:
        return (1 if self.suspect or self.breaker.phase is not Phase.CLOSED else self.cap) - self.requests

    def learn(self, answer: Answer, *, fast: bool, took: float, now: float) -> None:
        """Draw the conclusions from an answer that took so many seconds."""
        self.failed = not answer.success
        self.successes_in_a_row = self.successes_in_a_row + 1 if answer.success else 0
        self.usual_seconds += (took - self.usual_seconds) / _SMOOTHING
        self.breaker.learn(answer, now)
        if answer.overloaded:
            self.cap = max(self.cap // 2, 1)
            self.fast_successes = 0
        elif answer.success and fast:
            self.fast_successes += 1
            if self.fast_successes % SUCCESSES_PER_STEP == 0:
                self.cap = min(self.cap + 1, HIGHEST_CAP)


class Agenda:
    """Endpoints in turn, so that one with much to send delays no other; times are monotonic seconds, passed in.

    An endpoint has at most `cap` requests under way (4 at first, up to 16 while it answers fast, halved when it says
    429 or 503), a suspect one 1: its last attempt failed, or one is out for more than a second. What one that is well
    sends in half a second is claimed ahead and waits for a slot: its rate does not depend on how long a claim takes.
    """

    def __init__(self, fast: int = 256, slow: int = 1_024) -> None:
        self._sizes = {Budget.FAST: fast, Budget.SLOW: slow}
        self._used: Counter[Budget] = Counter()
        self._ahead = 0
        self._ready: dict[str, None] = {}
        self._blocked: dict[Budget, dict[str, None]] = {Budget.FAST: {}, Budget.SLOW: {}}
        self._timers: list[tuple[float, str]] = []
        self._earliest: dict[str, float] = {}
        self._known: dict[str, _EndpointLoad] = {}
        self._young: deque[Slot] = deque()

    def in_flight(self, budget: Budget) -> int:
        """Requests under way that count against the budget."""
        return self._used[budget]

    def breakers(self) -> Counter[Phase]:
        """How many endpoints' breakers are in which phase."""
        return Counter(load.breaker.phase for load in self._known.values())

    def distrust(self, endpoint_id: str) -> None:
        """The endpoint failed whoever sent to it before: single probes until two succeed, unless we know better."""
        self._known.setdefault(endpoint_id, _EndpointLoad(Breaker(Phase.PROBING, FAILURES_TO_OPEN)))

    def mark(self, endpoint_id: str) -> None:
        """The endpoint may have something due."""
        if not any(endpoint_id in blocked for blocked in self._blocked.values()):
            self._ready.setdefault(endpoint_id)

    def mark_at(self, endpoint_id: str, moment: float) -> None:
        """The endpoint will have something due at `moment`."""
        if moment < self._earliest.get(endpoint_id, math.inf):
            self._earliest[endpoint_id] = moment
            heapq.heappush(self._timers, (moment, endpoint_id))

    def take(self, now: float, most: int) -> list[tuple[str, int]]:
        """The next endpoints in turn with the number of deliveries to claim for each, `most` altogether.

        Each gets four; one that is well gets its share of `most` where few others are well.
        """
        self._age(now)
        self._ring(now)
        room = {budget: size - self._used[budget] for budget, size in self._sizes.items()}
        room_ahead = ALL_AHEAD - self._ahead
        share = max(FIRST_CAP, most // max(self._ready_and_well(most), 1))
        taken: list[tuple[str, int]] = []
        while self._ready and most > 0:
            endpoint_id = next(iter(self._ready))
            del self._ready[endpoint_id]
            load = self._load_of(endpoint_id)
            reopens = load.breaker.closed_until(now)
            if reopens is not None:
                self.mark_at(endpoint_id, reopens)
                continue
            ahead = min(load.room_ahead, room_ahead)
            if load.free <= 0 and ahead <= 0:
                load.more = True
                continue
            budget = _budget(load)
            if room[budget] <= 0:
                self._blocked[budget].setdefault(endpoint_id)
                continue
            free = min(max(load.free, 0), room[budget])
            count = min(free + max(ahead, 0), share if load.well else FIRST_CAP, most)
            taken.append((endpoint_id, count))
            most -= count
            room[budget] -= min(count, free)
            room_ahead -= max(count - free, 0)
        return taken

    def _ready_and_well(self, most: int) -> int:
        """How many of the endpoints next in turn are well; those that are not can take little of a claim."""
        return sum(self._load_of(endpoint_id).well for endpoint_id in islice(self._ready, _LOOKED_AT * most))

    def claimed(self, endpoint_id: str, asked: int, got: int, now: float) -> list[Slot]:
        """`got` deliveries of the `asked` were claimed: the slots of those that begin now, the others wait for `next`.

        If all of them were, there may be more.
        """
        load = self._load_of(endpoint_id)
        begin = min(got, load.free if load.requests else max(load.free, 1))
        slots = [self._begin(endpoint_id, load, now) for _ in range(begin)]
        self._wait(load, got - len(slots))
        if got == asked:
            self.mark(endpoint_id)
        return slots

    def next(self, endpoint_id: str, now: float) -> Slot | None:
        """A slot for a delivery that was claimed ahead, unless there is none now."""
        load = self._load_of(endpoint_id)
        if load.ahead <= 0 or load.free <= 0:
            return None
        budget = _budget(load)
        if load.requests and self._used[budget] >= self._sizes[budget]:
            return None
        self._wait(load, -1)
        return self._begin(endpoint_id, load, now)

    def give_back(self, endpoint_id: str) -> int:
        """How many claimed ahead must not go on waiting, because the endpoint is not well any more: all or none."""
        load = self._load_of(endpoint_id)
        count = 0 if load.well else load.ahead
        self._wait(load, -count)
        return count

    def finished(self, slot: Slot, answer: Answer | None, now: float) -> None:
        """The slot's request is over; None when it was never made."""
        if slot.over:
            return
        slot.over = True
        load = self._load_of(slot.endpoint_id)
        load.requests -= 1
        self._used[slot.budget] -= 1
        if slot.budget is Budget.SLOW:
            load.aged -= 1
        if answer is None:
            load.successes_in_a_row = 0
        else:
            load.learn(answer, fast=slot.budget is Budget.FAST, took=now - slot.since, now=now)
        self._unblock(slot.budget)
        if load.more:
            load.more = False
            self.mark(slot.endpoint_id)

    def idle_seconds(self, now: float) -> float | None:
        """Seconds until something may be done: 0 if it is now, None if nothing is known."""
        if self._ready:
            return 0.0
        moments = [self._timers[0][0]] if self._timers else []
        if self._blocked[Budget.FAST] and self._young:
            moments.append(self._young[0].since + SLOW_AFTER)
        return max(min(moments) - now, 0.0) if moments else None

    def _begin(self, endpoint_id: str, load: _EndpointLoad, now: float) -> Slot:
        slot = Slot(endpoint_id, now, _budget(load))
        self._used[slot.budget] += 1
        load.requests += 1
        if slot.budget is Budget.FAST:
            self._young.append(slot)
        else:
            load.aged += 1
        return slot

    def _wait(self, load: _EndpointLoad, count: int) -> None:
        load.ahead += count
        self._ahead += count

    def _load_of(self, endpoint_id: str) -> _EndpointLoad:
        return self._known.setdefault(endpoint_id, _EndpointLoad())

    def _ring(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            moment, endpoint_id = heapq.heappop(self._timers)
            if self._earliest.get(endpoint_id) == moment:
                del self._earliest[endpoint_id]
                self.mark(endpoint_id)

    def _age(self, now: float) -> None:
        """Move requests that are out for a second to the slow budget, even beyond its size: they are out already."""
        while self._young and (self._young[0].over or self._young[0].since + SLOW_AFTER <= now):
            slot = self._young.popleft()
            if slot.over:
                continue
            slot.budget = Budget.SLOW
            self._used[Budget.FAST] -= 1
            self._used[Budget.SLOW] += 1
            self._load_of(slot.endpoint_id).aged += 1
            self._unblock(Budget.FAST)

    def _unblock(self, budget: Budget) -> None:
        """One endpoint that waited for room in the budget has its turn again."""
        blocked = self._blocked[budget]
        if blocked:
            endpoint_id = next(iter(blocked))
            del blocked[endpoint_id]
            self._ready.setdefault(endpoint_id)


def _budget(load: _EndpointLoad) -> Budget:
    probing = load.breaker.phase is not Phase.CLOSED
    return Budget.SLOW if load.suspect or probing else Budget.FAST
