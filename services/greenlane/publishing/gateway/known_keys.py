"""Keys that opened something: used without a look-up, confirmed every few seconds, trusted for a while without one."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from greenlane.database.api_keys import ApiKey, id_of

CONFIRMED_EVERY = 5.0
"""Seconds between two look-ups of all known keys: a revoked key stops within these and the time of one question."""

TRUSTED_FOR = 900.0
"""Seconds for which a known key opens while the database does not answer."""

_MOST = 10_000
_LOOKUPS_AT_ONCE = 2
_LOOKUP_SECONDS = 3.0


class KeysUnavailableError(Exception):
    """Nobody can tell now whether the key opens anything."""


@dataclass(slots=True)
class _Known:
    key: ApiKey
    confirmed: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where keys are looked up; both raise whatever the database fails with."""

    find: Callable[[str], Awaitable[ApiKey | None]]
    still_open: Callable[[Collection[str]], Awaitable[Mapping[str, ApiKey]]]


class KnownKeys:
    """The keys used last, by their digests; `monotonic` counts seconds, `now` is the time in Unix seconds."""

    def __init__(
        self, source: Source, monotonic: Callable[[], float], now: Callable[[], float], most: int = _MOST
    ) -> None:
        self._source = source
        self._monotonic = monotonic
        self._now = now
        self._most = most
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._lookups = asyncio.Semaphore(_LOOKUPS_AT_ONCE)
        self.answered = float("-inf")
        """When the database answered last."""

    def known(self, token: str) -> ApiKey | None:
        """The key behind the token if it is known and need not be asked for; asks nobody."""
        digest = _digest(token)
        found = self._known.get(digest)
        if found is None:
            return None
        if self._monotonic() - found.confirmed > TRUSTED_FOR or _expired(found.key, self._now()):
            return None
        self._known.move_to_end(digest)
        return found.key

    async def of(self, token: str) -> ApiKey | None:
        """The key behind the token; None if it opens nothing. Raises KeysUnavailableError."""
        key = self.known(token)
        if key is not None:
            return key
        if id_of(token) is None:
            return None
        try:
            async with asyncio.timeout(_LOOKUP_SECONDS), self._lookups:
                key = await self._source.find(token)
        except Exception as error:
            raise KeysUnavailableError from error
        self.answered = self._monotonic()
        digest = _digest(token)
        self._known.pop(digest, None)
        if key is not None:
            self._known[digest] = _Known(key, self.answered)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return key

    async def confirm(self) -> None:
        """Look all known keys up again and forget those that open nothing any more. Raises KeysUnavailableError."""
        asked = list(self._known.items())
        try:
            async with asyncio.timeout(_LOOKUP_SECONDS):
                found = await self._source.still_open([known.key.key_id for _, known in asked])
        except Exception as error:
            raise KeysUnavailableError from error
        self.answered = self._monotonic()
        for digest, known in asked:
            key = found.get(known.key.key_id)
            if key is None:
                self._known.pop(digest, None)
            else:
                known.key, known.confirmed = key, self.answered


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _expired(key: ApiKey, now: float) -> bool:
    return key.expires_at is not None and key.expires_at.timestamp() <= now
