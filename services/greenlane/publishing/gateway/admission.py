"""Who may send events now: the key decides, then its rate and its marketplace's; nothing is read before."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from starlette.responses import Response

from greenlane.database.api_keys import ApiKey, KeyScope
from greenlane.publishing.gateway.known_keys import KeysUnavailableError, KnownKeys
from greenlane.web.problems import FieldProblem, answer, too_often
from greenlane.web.rates import Buckets, Rate
from greenlane.web.slots import CONNECTION, Connection, client_of

OF_STRANGERS = Rate(5.0, 60)
"""Requests of one address whose key is not known yet, or that show none."""
MARKETPLACE_SHARE = 2
"""A marketplace may send so many times what one of its keys may."""
REQUEST_COST = 10
"""A request costs as much as so many events, beside those that it holds."""
EVENT_BYTES = 2_048
"""So many bytes of a decompressed body cost as much as an event, whatever they hold: to read them is work too."""
_PAUSE = 1.0
"""Seconds for which who sends too much waits for the answer, which says to wait as long again at least."""
_SPREAD = 0.618
"""So far apart, of its length, are two pauses that begin together: else all who wait would come again together."""
_PAUSES = 256
"""Requests that are paused at once: half of the connections that a server has."""
_PAUSES_OF_EACH = 64
_BEARER = b"bearer "
CLOSE = {"connection": "close"}
NOT_NOW = "Events cannot be taken now"


class RefusedError(Exception):
    """The request is answered with this response and no event of it is taken.

    Who still sends sees an answer only if the rest is read; for a flood that is not `worth_reading`.
    """

    def __init__(self, response: Response, *, worth_reading: bool = True) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response
        self.worth_reading = worth_reading


def refusal(  # noqa: PLR0913 - a problem has these parts
    status: int,
    field: str,
    problem: str,
    remedy: str,
    *,
    headers: Mapping[str, str] | None = None,
    title: str | None = None,
) -> RefusedError:
    """One problem as the whole answer; the connection ends, for the body may be unread."""
    errors = [FieldProblem(field=field, problem=problem, remedy=remedy)]
    return RefusedError(answer(status, errors, CLOSE | dict(headers or {}), title))


class Payer(Protocol):
    """Who is charged: a key, or a shop that signs."""

    @property
    def key_id(self) -> str:
        """Under which its own rate is counted."""

    @property
    def marketplace(self) -> str:
        """Whose rate is counted too."""


class Admission:
    """What each address, key and marketplace may still send, in memory that does not grow."""

    def __init__(
        self, keys: KnownKeys, rate: Rate, monotonic: Callable[[], float], strangers: Rate = OF_STRANGERS
    ) -> None:
        self.keys = keys
        self._of_strangers = Buckets(strangers, monotonic)
        self._of_keys = Buckets(rate, monotonic)
        self._of_marketplaces = Buckets(rate.times(MARKETPLACE_SHARE), monotonic)
        self._pausing: Counter[str] = Counter()
        self._spread = 0.0

    def stranger(self, client: tuple[str, int] | None) -> None:
        """Charge an address for a request that shows no known key. Raises RefusedError."""
        wait = self._of_strangers.take(client_of(client[0] if client else ""))
        if wait:
            raise RefusedError(too_often(wait), worth_reading=False)

    async def key_of(self, scope: Mapping[str, Any]) -> ApiKey:
        """The key that the request shows. Raises RefusedError: 401, 403, 429 of strangers, 503 without a database."""
        token = token_of(scope["headers"])
        key = None if token is None else self.keys.known(token)
        if key is None:
            key = await self._looked_up(token, scope.get("client"))
        connection: Connection | None = scope.get("state", {}).get(CONNECTION)
        if connection is not None:
            connection.vouch(key.marketplace)
        if KeyScope.WRITE_EVENTS not in key.scopes:
            remedy = f"use a key with the scope {KeyScope.WRITE_EVENTS}"
            raise refusal(403, "key", "may not send events", remedy)
        return key

    def proven(self, client: tuple[str, int] | None) -> None:
        """An address has proven whom it speaks for: it is not charged as a stranger for this request."""
        self._of_strangers.give_back(client_of(client[0] if client else ""))

    async def charge(self, key: Payer) -> None:
        """Charge the key for a request. Raises RefusedError when it must wait.

        It is told after a pause, so that asking on and on costs little.
        """
        wait = self._of_keys.take(key.key_id) or self._of_marketplaces.take(key.marketplace)
        if wait:
            paused = await self._pause(key.marketplace)
            raise RefusedError(too_often(wait), worth_reading=paused)

    def charge_body(self, key: Payer, size: int) -> None:
        """Charge the key for a body of so many decompressed bytes, before anybody looks for events in it."""
        self._charge(key, REQUEST_COST - 1 + size // EVENT_BYTES)

    def charge_events(self, key: Payer, count: int, size: int) -> None:
        """Charge the key for so many events, as far as the bytes that hold them were not charged for."""
        self._charge(key, max(count - size // EVENT_BYTES, 0))

    def _charge(self, key: Payer, tokens: int) -> None:
        self._of_keys.charge(key.key_id, tokens)
        self._of_marketplaces.charge(key.marketplace, tokens)

    async def _looked_up(self, token: str | None, client: tuple[str, int] | None) -> ApiKey:
        self.stranger(client)
        try:
            key = None if token is None else await self.keys.of(token)
        except KeysUnavailableError:
            remedy = "send it again in some seconds; keys that were used before go on"
            problem = "cannot be looked up now, and was not used here before"
            raise refusal(503, "key", problem, remedy, headers={"retry-after": "5"}, title=NOT_NOW) from None
        if key is None:
            remedy = "send `Authorization: Bearer <key>` with a key that was not revoked"
            challenge = {"www-authenticate": "Bearer"}
            raise refusal(401, "authorization", "shows no single key that opens something", remedy, headers=challenge)
        self.proven(client)
        return key

    async def _pause(self, marketplace: str) -> bool:
        """Let a request wait; False when so many do that this one is better answered at once."""
        if self._pausing[marketplace] >= _PAUSES_OF_EACH or self._pausing.total() >= _PAUSES:
            return False
        self._pausing[marketplace] += 1
        self._spread = (self._spread + _SPREAD) % 1
        try:
            await asyncio.sleep(_PAUSE * (1 + self._spread) / 2)
        finally:
            self._pausing[marketplace] -= 1
            if not self._pausing[marketplace]:
                del self._pausing[marketplace]
        return True


def token_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """What the request shows as its key; None if it shows none, or two: whoever reads the other one is misled."""
    shown = [value for name, value in headers if name == b"authorization"]
    if len(shown) != 1 or shown[0][: len(_BEARER)].lower() != _BEARER:
        return None
    return shown[0][len(_BEARER) :].strip().decode("latin-1")


def shows_a_key(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the request shows what may be a key."""
    return any(name == b"authorization" for name, _ in headers)
