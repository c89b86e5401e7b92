"""Who asks: the key decides the scope, and how often it may ask."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from greenlane.webhook_dispatcher.management import Administration
from greenlane.webhook_dispatcher.management_keys import ApiKey, key_of_token

_REMEMBERED = 10_000
_bearer = HTTPBearer(auto_error=False, description="An API key: `greenlane webhooks keys add` makes one.")


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second that a key may make lastingly, and how many at once after a rest."""

    per_second: float = 10.0
    burst: int = 60


class Buckets:
    """Token buckets in memory, one for each key; `monotonic` is a clock in seconds."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """0 when one more request is allowed now, else the seconds until one is."""
        now = self._monotonic()
        level, at = self._levels.pop(name, (float(self._rate.burst), now))
        level = min(level + (now - at) * self._rate.per_second, self._rate.burst)
        allowed = level >= 1
        self._levels[name] = (level - 1 if allowed else level, now)
        if len(self._levels) > _REMEMBERED:
            self._levels.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._rate.per_second


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, with a desk that shows and changes nothing outside the key's scope."""

    key: ApiKey
    desk: Administration


async def identify(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Caller:
    """The caller behind the key; 401 without one that opens something, 429 when it asks too often."""
    desk: Administration = request.app.state.desk
    key = await key_of_token(desk, credentials.credentials) if credentials else None
    if key is None:
        remedy = "send `Authorization: Bearer <key>` with a key that was not revoked"
        raise HTTPException(401, remedy, {"www-authenticate": "Bearer"})
    wait = request.app.state.buckets.take(key.key_id)
    if wait:
        seconds = math.ceil(wait)
        raise HTTPException(429, f"ask again in {seconds} s", {"retry-after": str(seconds)})
    return Caller(key, desk.within(key.scope))


Identified = Annotated[Caller, Depends(identify)]
"""The parameter of every route that shows or changes something."""
