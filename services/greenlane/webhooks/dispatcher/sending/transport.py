"""The HTTP client: httpx requests over httpcore connections, kept in a free list per owner and origin.

httpcore's own pool scans all its connections on every request; here one is popped from its origin's list and pushed
back, so the cost of a request does not grow with the number of hosts. No owner ever gets another one's connection, and
a connection on which anything came beyond the answer is closed: one endpoint's bytes never answer another's delivery.
"""

import asyncio
import contextlib
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import httpcore
import httpx

from greenlane.webhooks.dispatcher.sending.connection import Connection, EnoughError
from greenlane.webhooks.dispatcher.sending.network import ForbiddenAddressError, GuardedBackend, ResolveError
from greenlane.webhooks.dispatcher.sending.resolver import ACTING_FOR
from greenlane.webhooks.states import Failure

ATTEMPT_SECONDS = 15.0
BODY_BYTES = 16_384
IDLE_SECONDS = 15.0
IDLE_CONNECTIONS = 2_048
_REQUEST_HEADERS = {"accept-encoding": "identity", "user-agent": "Greenlane-Webhooks/1"}


class Origin(NamedTuple):
    """What a connection can serve."""

    scheme: bytes
    host: bytes
    port: int


class _Place(NamedTuple):
    """Where a connection is kept: for whom, and what it can serve."""

    owner: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one attempt brought; times in seconds since its start."""

    failure: Failure | None
    total: float
    response: httpx.Response | None = None
    headers: float | None = None
    fresh_try: bool = False


class UnusableUrlError(Exception):
    """A URL that no request can be made of; endpoints cannot be given one, but an older version may have taken it."""


class _NothingAnsweredError(Exception):
    """A kept connection had died before any byte of the answer."""


class Transport:
    """Sends requests; one per dispatcher, used by one event loop.

    There are no redirects, cookies, proxies, HTTP/2 or decoding, and every attempt, its body included, ends in time.
    """

    def __init__(
        self,
        backend: GuardedBackend,
        *,
        context: ssl.SSLContext | None = None,
        attempt_seconds: float = ATTEMPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._context = context or ssl.create_default_context()
        self._context.set_alpn_protocols(["http/1.1"])
        self._attempt_seconds = attempt_seconds
        self._clock = clock
        self._free: dict[_Place, deque[Connection]] = {}
        self._idle = 0

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Exchange:
        """One attempt: POST the body, read the answer. Never raises for what the other side or the network does."""
        return await self._ask("POST", url, headers, body)

    async def options(self, url: str, headers: dict[str, str]) -> Exchange:
        """Ask for the receiver's consent by OPTIONS, within the limits of an attempt."""
        return await self._ask("OPTIONS", url, headers, b"")

    async def _ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Exchange:
        started = self._clock()
        progress = _Progress()
        response: httpx.Response | None = None
        failure: Failure | None = None
        try:
            target = _parsed(url)
            request = httpx.Request(method, target, headers=_REQUEST_HEADERS | headers, content=body)
            async with asyncio.timeout(self._attempt_seconds):
                response = await self._exchange(request, progress)
        except (TimeoutError, httpcore.TimeoutException):
            failure = Failure.TIMEOUT
        except ForbiddenAddressError:
            failure = Failure.FORBIDDEN_ADDRESS
        except UnusableUrlError:
            failure = Failure.UNUSABLE_URL
        except ResolveError:
            failure = Failure.DNS
        except httpcore.ConnectError as error:
            failure = Failure.TLS if _is_tls(error) else Failure.CONNECT
        except (httpcore.NetworkError, httpcore.ProtocolError, _NothingAnsweredError, OSError):
            failure = Failure.BROKEN
        headers_at = None if progress.headers_at is None else progress.headers_at - started
        return Exchange(failure, self._clock() - started, response, headers_at, progress.fresh_try)

    async def close_expired(self) -> None:
        """Close kept connections that were idle too long or that the other side closed."""
        for place, connections in list(self._free.items()):
            expired = [connection for connection in connections if connection.has_expired()]
            for connection in expired:
                connections.remove(connection)
            self._idle -= len(expired)
            if not connections:
                del self._free[place]
            for connection in expired:
                await connection.aclose()

    async def close(self) -> None:
        """Close every kept connection."""
        kept = [connection for connections in self._free.values() for connection in connections]
        self._free.clear()
        self._idle = 0
        for connection in kept:
            await connection.aclose()

    async def _exchange(self, request: httpx.Request, progress: "_Progress") -> httpx.Response:
        origin = Origin(
            request.url.raw_scheme,
            request.url.raw_host,
            request.url.port or (443 if request.url.scheme == "https" else 80),
        )
        place = _Place(ACTING_FOR.get(), origin)
        kept = await self._pop(place)
        if kept is not None:
            try:
                return await self._send(kept, place, request, progress, kept=True)
            except _NothingAnsweredError:
                progress.fresh_try = True
        return await self._send(await self._open(origin), place, request, progress, kept=False)

    async def _send(
        self, connection: Connection, place: _Place, request: httpx.Request, progress: "_Progress", *, kept: bool
    ) -> httpx.Response:
        try:
            answer = await connection.handle_async_request(_core_request(place.origin, request))
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            await connection.aclose()
            if kept and not connection.answered:
                raise _NothingAnsweredError from error
            raise
        except BaseException:
            await _close_now(connection)
            raise
        try:
            progress.headers_at = self._clock()
            body, complete = await _read(answer)
        except BaseException:
            await _close_now(connection)
            raise
        if complete and connection.is_idle() and _framed_once(answer) and connection.exhausted:
            await self._keep(place, connection)
        else:
            await connection.aclose()
        headers = [(name, value) for name, value in answer.headers if name.lower() != b"content-encoding"]
        return httpx.Response(answer.status, headers=headers, content=body)

    async def _keep(self, place: _Place, connection: Connection) -> None:
        if self._idle >= IDLE_CONNECTIONS:
            await connection.aclose()
            return
        self._free.setdefault(place, deque()).append(connection)
        self._idle += 1

    async def _pop(self, place: _Place) -> Connection | None:
        connections = self._free.get(place)
        while connections:
            connection = connections.pop()
            self._idle -= 1
            if not connections:
                del self._free[place]
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    async def _open(self, origin: Origin) -> Connection:
        host = origin.host.decode("ascii")
        stream = await self._backend.connect_tcp(host, origin.port)
        if origin.scheme == b"https":
            stream = await stream.start_tls(self._context, server_hostname=host)
        return Connection(httpcore.Origin(*origin), stream, keepalive_expiry=IDLE_SECONDS)


@lru_cache(4_096)
def _parsed(url: str) -> httpx.URL:
    """The URL as it is dialled. UnusableUrlError when it has no host that a request can name."""
    try:
        parsed = httpx.URL(url)
        has_host = bool(parsed.host)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UnusableUrlError("the URL cannot be read") from error
    if parsed.scheme not in {"http", "https"} or not has_host:
        raise UnusableUrlError("the URL names no host")
    return parsed


@dataclass(slots=True)
class _Progress:
    headers_at: float | None = None
    fresh_try: bool = False


def _core_request(origin: Origin, request: httpx.Request) -> httpcore.Request:
    url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=request.url.raw_path)
    return httpcore.Request(request.method.encode(), url, headers=request.headers.raw, content=request.content)


async def _read(answer: httpcore.Response) -> tuple[bytes, bool]:
    """At most 16 kB of the raw body, or what came within the bounds of an answer, and whether that was all."""
    body = bytearray()
    try:
        async for chunk in answer.aiter_stream():
            body += chunk
            if len(body) > BODY_BYTES:
                return bytes(body[:BODY_BYTES]), False
    except EnoughError:
        return bytes(body), False
    await answer.aclose()
    return bytes(body), True


def _framed_once(answer: httpcore.Response) -> bool:
    """Whether the end of the body was announced in one way only; RFC 9112, 6.3: after two ways close the connection."""
    return not {b"content-length", b"transfer-encoding"} <= {name.lower() for name, _ in answer.headers}


async def _close_now(connection: Connection) -> None:
    """Close while an error or a cancellation is on its way; what closing itself meets adds nothing to it."""
    with contextlib.suppress(httpcore.NetworkError, OSError):
        await asyncio.shield(connection.aclose())


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
