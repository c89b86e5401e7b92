"""The application behind a socket, until it is told to stop."""

import asyncio
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp

from greenlane.settings import Settings, SettingsError
from greenlane.web.places import ConnectionLimits, Places
from greenlane.web.protocol import bounded_by
from greenlane.web.rates import Rate
from greenlane.webhooks.api.app import build_app
from greenlane.webhooks.management.administration import administration

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


async def serve(settings: Settings, where: Listening, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; `tell` is given the address once it listens.

    Raises SettingsError when the address cannot be used, or the database or encryption key is missing.
    """
    async with administration(settings, connections=_CONNECTIONS) as desk:
        with _listening(where.host, where.port) as listener:
            server = server_of(build_app(desk, where.rate, limits=where.limits), where)
            for number in (signal.SIGTERM, signal.SIGINT):
                # uvicorn stops on them by itself and then raises them again: they must find a handler that ends nothing
                asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
            tell(f"http://{where.host}:{listener.getsockname()[1]}")
            await server.serve(sockets=[listener])


def server_of(app: ASGIApp, where: Listening) -> uvicorn.Server:
    """The server of the application, its connections bounded; it has no socket yet."""
    config = uvicorn.Config(
        app,
        http=bounded_by(Places(where.limits, where.proxies)),
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
    return uvicorn.Server(config)


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"--host {host} --port {port}: cannot be served ({error.strerror}); choose others."
        ) from None
