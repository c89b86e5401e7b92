"""The application behind a socket, until it is told to stop."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp

from greenlane.settings import Settings, SettingsError
from greenlane.web.protocol import bounded_by
from greenlane.web.rates import Rate
from greenlane.web.slots import ConnectionLimits, Slots
from greenlane.webhooks.api.app import build_app
from greenlane.webhooks.management.administration import administration

API_PORT = 9106
_CONNECTIONS = 8
_BACKLOG = 512
"""Connections that wait to be accepted; as many are accepted before anything else is done."""
_STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, port 0 for a free one, how often each key may ask, and which addresses are proxies of ours.

    What a proxy says of its clients (X-Forwarded-For) is believed.
    """

    host: str
    port: int
    rate: Rate = field(default_factory=Rate)
    proxies: tuple[str, ...] = ()
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)


def listening_of(settings: Settings) -> Listening:
    """Where the settings say that the API listens; a key may ask for six seconds' worth at once."""
    rate = settings.webhook_api_rate
    port = API_PORT if settings.webhook_api_port is None else settings.webhook_api_port
    return Listening(settings.webhook_api_host, port, Rate(rate, max(round(rate * 6), 1)), settings.webhook_api_proxies)


async def serve(settings: Settings, where: Listening, listens: Callable[[str], None], stop: asyncio.Event) -> None:
    """Serve until `stop` is set; `listens` is given the address once it listens.

    Raises SettingsError when the address cannot be used, or the database or encryption key is missing.
    """
    async with administration(settings, connections=_CONNECTIONS) as desk:
        with _listening(where.host, where.port) as listener:
            server = server_of(build_app(desk, where.rate, limits=where.limits), where)
            listens(f"http://{where.host}:{listener.getsockname()[1]}")
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            stopping.cancel()
            await serving


def server_of(app: ASGIApp, where: Listening) -> uvicorn.Server:
    """The server of the application, its connections bounded; it has no socket yet."""
    config = uvicorn.Config(
        app,
        http=bounded_by(Slots(where.limits, where.proxies)),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(where.proxies),
        forwarded_allow_ips=list(where.proxies),
        lifespan="off",
        backlog=_BACKLOG,
        timeout_keep_alive=where.limits.idle,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """Leaves the signals to the process around it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"The webhook API cannot listen on {host} port {port} ({error.strerror}); choose others with "
            "GREENLANE_WEBHOOK_API_HOST and GREENLANE_WEBHOOK_API_PORT."
        ) from None
