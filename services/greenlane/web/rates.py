"""How often somebody may ask: token buckets in bounded memory."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second that are allowed lastingly, and how many at once after a rest."""

    per_second: float = 10.0
    burst: int = 60

    def times(self, factor: float) -> "Rate":
        """So many times as often."""
        return Rate(self.per_second * factor, max(round(self.burst * factor), 1))


class Buckets:
    """A token bucket for each name, the 10,000 used last; `monotonic` is a clock in seconds."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """0 when one more request is allowed now, else the seconds until one is."""
        level, now = self._level(name)
        allowed = level >= 1
        self._keep(name, level - 1 if allowed else level, now)
        return 0.0 if allowed else (1 - level) / self._rate.per_second

    def charge(self, name: str, tokens: int) -> None:
        """Take so many more for what was allowed already; what is owed is earned back before the next one is."""
        level, now = self._level(name)
        self._keep(name, level - tokens, now)

    def give_back(self, name: str) -> None:
        """The last token was not needed."""
        level, now = self._level(name)
        self._keep(name, min(level + 1, self._rate.burst), now)

    def _level(self, name: str) -> tuple[float, float]:
        now = self._monotonic()
        level, at = self._levels.pop(name, (float(self._rate.burst), now))
        return min(level + (now - at) * self._rate.per_second, self._rate.burst), now

    def _keep(self, name: str, level: float, now: float) -> None:
        self._levels[name] = (level, now)
        if len(self._levels) > _REMEMBERED:
            self._levels.popitem(last=False)
