"""The CloudEvents handshake: a receiver is asked for its consent and its rate, and both are kept.

HTTP 1.1 Web Hooks for Event Delivery 1.0.1, section 4: consent is in the headers of the answer, never in its status.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.webhooks.dispatcher.sending.transport import Transport
from greenlane.webhooks.endpoint_states import change_state
from greenlane.webhooks.states import EndpointState
from greenlane.webhooks.tables import endpoint

ASKED_PER_MINUTE = 6_000
_MOST = 1_000_000
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Grant:
    """A receiver's consent; `per_minute` None means that it set no limit."""

    per_minute: int | None


def read_grant(headers: Mapping[str, str], origin: str) -> Grant | None:
    """The grant in the headers of an answer to OPTIONS, None without one; names of headers in lower case."""
    if headers.get("webhook-allowed-origin", "").strip().lower() not in {origin.lower(), "*"}:
        return None
    rate = headers.get("webhook-allowed-rate", "").strip()
    if rate == "*":
        return Grant(None)
    if not (rate.isascii() and rate.isdigit() and len(rate) <= _MAX_DIGITS and int(rate)):
        return None
    return Grant(min(int(rate), _MOST))


@dataclass(frozen=True, slots=True)
class Handshakes:
    """Asks receivers for our DNS name `origin`; an endpoint whose receiver consents is confirmed."""

    engine: AsyncEngine
    transport: Transport
    origin: str

    @property
    def headers(self) -> dict[str, str]:
        """What every delivery carries, so that receivers know whom they allowed."""
        return {"webhook-request-origin": self.origin}

    async def ask(self, endpoint_id: str, url: str) -> Grant | None:
        """Ask the receiver of an unconfirmed endpoint; None when it is confirmed already or does not consent."""
        async with self.engine.connect() as connection:
            if (await connection.execute(_unconfirmed(endpoint_id, url))).one_or_none() is None:
                return None
        asked = self.headers | {"webhook-request-rate": str(ASKED_PER_MINUTE)}
        exchange = await self.transport.options(url, asked)
        grant = None if exchange.response is None else read_grant(exchange.response.headers, self.origin)
        if grant is not None:
            await self._keep(endpoint_id, url, grant)
        return grant

    async def _keep(self, endpoint_id: str, url: str, grant: Grant) -> None:
        async with self.engine.begin() as connection:
            locked = await connection.execute(_unconfirmed(endpoint_id, url).with_for_update())
            if locked.one_or_none() is None:
                return
            await connection.execute(
                endpoint.update()
                .where(endpoint.c.endpoint_id == endpoint_id)
                .values(origin_granted=True, granted_rate=grant.per_minute, version=endpoint.c.version + 1)
            )
            await change_state(connection, endpoint_id, EndpointState.ACTIVE, None)


class Pace:
    """Keeps to granted rates; exact, because one process alone sends to an endpoint. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def wait(self, endpoint_id: str, per_minute: int | None, now: float) -> float:
        """0 when one more request may leave now, which then counts; else the seconds until one may."""
        if per_minute is None:
            self._next.pop(endpoint_id, None)
            return 0.0
        due = self._next.get(endpoint_id, now)
        if due > now:
            return due - now
        self._next[endpoint_id] = now + 60 / per_minute
        return 0.0


def _unconfirmed(endpoint_id: str, url: str) -> sa.Select[tuple[str]]:
    return sa.select(endpoint.c.endpoint_id).where(
        endpoint.c.endpoint_id == endpoint_id,
        endpoint.c.url == url,
        endpoint.c.state == EndpointState.UNCONFIRMED.value,
    )
