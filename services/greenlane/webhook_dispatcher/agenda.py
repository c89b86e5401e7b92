"""Which endpoints may have something due, and how much may be sent now; in memory, rebuilt from the tables."""

import heapq
import math
from collections import Counter

REQUESTS_PER_ENDPOINT = 4


class Agenda:
    """Endpoints in turn, so that one with much to send delays no other; times are monotonic seconds, passed in.

    An endpoint whose last attempt failed gets one request at a time, any other at most four.
    """

    def __init__(self, requests_per_endpoint: int = REQUESTS_PER_ENDPOINT) -> None:
        self._cap = requests_per_endpoint
        self._ready: dict[str, None] = {}
        self._timers: list[tuple[float, str]] = []
        self._earliest: dict[str, float] = {}
        self._in_flight: Counter[str] = Counter()
        self._more: set[str] = set()
        self._suspect: set[str] = set()

    @property
    def in_flight(self) -> int:
        """Deliveries claimed and not yet finished."""
        return self._in_flight.total()

    def mark(self, endpoint_id: str) -> None:
        """The endpoint may have something due."""
        self._ready.setdefault(endpoint_id)

    def mark_at(self, endpoint_id: str, moment: float) -> None:
        """The endpoint will have something due at `moment`."""
        if moment < self._earliest.get(endpoint_id, math.inf):
            self._earliest[endpoint_id] = moment
            heapq.heappush(self._timers, (moment, endpoint_id))

    def take(self, now: float, slots: int) -> list[tuple[str, int]]:
        """The next endpoints in turn with the number of deliveries to claim for each, `slots` altogether."""
        while self._timers and self._timers[0][0] <= now:
            moment, endpoint_id = heapq.heappop(self._timers)
            if self._earliest.get(endpoint_id) == moment:
                del self._earliest[endpoint_id]
                self.mark(endpoint_id)
        taken: list[tuple[str, int]] = []
        while self._ready and slots > 0:
            endpoint_id = next(iter(self._ready))
            del self._ready[endpoint_id]
            count = min(self._free(endpoint_id), slots)
            if count > 0:
                taken.append((endpoint_id, count))
                slots -= count
            else:
                self._more.add(endpoint_id)
        return taken

    def claimed(self, endpoint_id: str, asked: int, got: int) -> None:
        """`got` deliveries of the `asked` were claimed; if all of them, there may be more."""
        self._in_flight[endpoint_id] += got
        if got == asked:
            self._more.add(endpoint_id)
            if self._free(endpoint_id) > 0:
                self.mark(endpoint_id)

    def finished(self, endpoint_id: str, *, succeeded: bool) -> None:
        """One claimed delivery of the endpoint is over."""
        self._in_flight[endpoint_id] -= 1
        if self._in_flight[endpoint_id] <= 0:
            del self._in_flight[endpoint_id]
        if succeeded:
            self._suspect.discard(endpoint_id)
        else:
            self._suspect.add(endpoint_id)
        if endpoint_id in self._more:
            self._more.discard(endpoint_id)
            self.mark(endpoint_id)

    def idle_seconds(self, now: float) -> float | None:
        """Seconds until something may be due: 0 if it is now, None if nothing is known."""
        if self._ready:
            return 0.0
        return max(self._timers[0][0] - now, 0.0) if self._timers else None

    def _free(self, endpoint_id: str) -> int:
        cap = 1 if endpoint_id in self._suspect else self._cap
        return cap - self._in_flight[endpoint_id]
