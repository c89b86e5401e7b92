"""The application behind a socket, until it is told to stop."""

import asyncio
import signal
import socket
from collections.abc import Callable

import uvicorn

from greenlane.settings import Settings, SettingsError
from greenlane.webhook_dispatcher.api.access import Rate
from greenlane.webhook_dispatcher.api.app import build_app
from greenlane.webhook_dispatcher.management import administration

_CONNECTIONS = 8
_CONCURRENCY = 256
_STOP_SECONDS = 20


async def serve(settings: Settings, host: str, port: int, rate: Rate, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; `tell` is given the address once it listens. Port 0 picks a free one.

    Raises SettingsError when the address cannot be used, or the database or encryption key is missing.
    """
    async with administration(settings, connections=_CONNECTIONS) as desk:
        with _listening(host, port) as listener:
            config = uvicorn.Config(
                build_app(desk, rate),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                limit_concurrency=_CONCURRENCY,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
            server = uvicorn.Server(config)
            for number in (signal.SIGTERM, signal.SIGINT):
                # uvicorn stops on them by itself and then raises them again: they must find a handler that ends nothing
                asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
            tell(f"http://{host}:{listener.getsockname()[1]}")
            await server.serve(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"--host {host} --port {port}: cannot be served ({error.strerror}); choose others."
        ) from None
