"""A server on a socket, until it is told to stop."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp

from greenlane.settings import SettingsError
from greenlane.web.protocol import bounded_by
from greenlane.web.rates import Rate
from greenlane.web.slots import ConnectionLimits, Slots

_BACKLOG = 512
"""Connections that wait to be accepted; as many are accepted before anything else is done."""
_STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, port 0 for a free one, how often each key may ask, and which addresses are proxies of ours.

    What a proxy says of its clients (X-Forwarded-For) is believed. `what` names the server, and its settings begin with
    GREENLANE_ and `variables`.
    """

    host: str
    port: int
    rate: Rate = field(default_factory=Rate)
    proxies: tuple[str, ...] = ()
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    what: str = "webhook API"
    variables: str = "WEBHOOK_API"


async def serve(app: ASGIApp, where: Listening, listens: Callable[[str], None], stop: asyncio.Event) -> None:
    """Serve until `stop` is set; `listens` is given the address once it listens.

    Raises SettingsError when the address cannot be used.
    """
    with _listening(where) as listener:
        server = server_of(app, where)
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


def _listening(where: Listening) -> socket.socket:
    try:
        family = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((where.host, where.port), family=family)
    except OSError as error:
        raise SettingsError(
            f"The {where.what} cannot listen on {where.host} port {where.port} ({error.strerror}); choose others with "
            f"GREENLANE_{where.variables}_HOST and GREENLANE_{where.variables}_PORT."
        ) from None
