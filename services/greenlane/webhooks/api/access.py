"""Who asks: the key decides the scope, and how often it may ask."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from greenlane.database.api_keys import ApiKey, KeyScope, key_of_token
from greenlane.web.lines import Lines
from greenlane.web.problems import TooOftenError
from greenlane.web.rates import Buckets, Rate
from greenlane.web.slots import CONNECTION, Connection, client_of
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.scope import scope_of

OF_STRANGERS = Rate(5.0, 60)
"""Requests of one address whose key has not opened anything yet, or that show none."""
AT_ONCE = 3
"""Requests of one marketplace that are worked on together: fewer than half of the connections to the database."""
IN_LINE = 32
_UNPROVEN_AT_ONCE = 2
_REMEMBERED = 10_000
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER = "bearer "
_bearer = HTTPBearer(auto_error=False, description="An API key: `greenlane webhooks keys add` makes one.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, with a desk that shows and changes nothing outside the key's scope.

    `made` are the ids of what the request made, for the log of changes.
    """

    key: ApiKey
    desk: Administration
    made: dict[str, str] = field(default_factory=dict)


class Access:
    """What each address, key and marketplace may still ask for, in memory that does not grow.

    A key that opened something is remembered by its digest, so that a flood of wrong keys from its address does not
    keep it out; it is looked up at each request all the same, for it may have been revoked.
    """

    def __init__(
        self, desk: Administration, rate: Rate, strangers: Rate, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.desk = desk
        self.lines = Lines(AT_ONCE, IN_LINE)
        self._strangers = Buckets(strangers, monotonic)
        self._keys = Buckets(rate, monotonic)
        self._marketplaces = Buckets(rate.times(5), monotonic)
        self._changes = Buckets(Rate(rate.per_second / 10, max(rate.burst // 2, 1)), monotonic)
        self._all_changes = Buckets(Rate(rate.per_second / 2, rate.burst * 2), monotonic)
        self._proven: OrderedDict[bytes, ApiKey] = OrderedDict()
        self._unproven = asyncio.Semaphore(_UNPROVEN_AT_ONCE)

    def stranger(self, scope: Mapping[str, Any]) -> str | None:
        """The client behind a request that shows no key that has opened something before; None if it shows one."""
        for name, value in scope["headers"]:
            if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER.encode():
                if _digest(value[len(_BEARER) :].strip()) in self._proven:
                    return None
                break
        return client_of(scope["client"][0] if scope.get("client") else "")

    def admit(self, stranger: str) -> float:
        """0 when the stranger may ask now, else the seconds until then."""
        return self._strangers.take(stranger)

    def give_back(self, stranger: str) -> None:
        """The stranger showed a good key and is charged by it."""
        self._strangers.give_back(stranger)

    async def key_of(self, token: str, method: str) -> ApiKey | None:
        """The key that the token is, charged for a request; None if it opens nothing. TooOftenError: it must wait."""
        digest = _digest(token.encode())
        proven = self._proven.get(digest)
        if proven is not None:
            self._charge(proven, method)
            key = await key_of_token(self.desk.engine, token)
        else:
            async with self._unproven:
                key = await key_of_token(self.desk.engine, token)
            if key is not None:
                self._charge(key, method)
        self._remember(digest, key)
        return key

    def _charge(self, key: ApiKey, method: str) -> None:
        wait = self._keys.take(key.key_id) or self._marketplaces.take(key.marketplace)
        if not wait and method not in _SAFE:
            wait = self._changes.take(key.key_id) or self._all_changes.take(key.marketplace)
        if wait:
            raise TooOftenError(wait)

    def _remember(self, digest: bytes, key: ApiKey | None) -> None:
        self._proven.pop(digest, None)
        if key is not None:
            self._proven[digest] = key
            if len(self._proven) > _REMEMBERED:
                self._proven.popitem(last=False)


async def identify(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> AsyncIterator[Caller]:
    """The caller behind the key, on its marketplace's turn; 401 without a good key, 403 without its scope, 429."""
    access: Access = request.app.state.access
    key = await access.key_of(credentials.credentials, request.method) if credentials else None
    if key is None:
        remedy = "send `Authorization: Bearer <key>` with a key that was not revoked"
        raise HTTPException(401, remedy, {"www-authenticate": "Bearer"})
    if KeyScope.MANAGE_WEBHOOKS not in key.scopes:
        raise HTTPException(403, f"use a key with the scope {KeyScope.MANAGE_WEBHOOKS}")
    caller = Caller(key, access.desk.within(scope_of(key)))
    request.state.caller = caller
    connection: Connection | None = request.scope["state"].get(CONNECTION)
    if connection is not None:
        connection.vouch(key.marketplace)
    request.state.route = request.scope["route"].name
    async with access.lines.turn(key.marketplace):
        yield caller


Identified = Annotated[Caller, Depends(identify, scope="function")]
"""The parameter of every route that shows or changes something; the turn ends before the answer is sent."""


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
