"""The application behind a socket, until it is told to stop."""

import asyncio
from collections.abc import Callable

from greenlane.settings import Settings
from greenlane.web.rates import Rate
from greenlane.web.server import Listening
from greenlane.web.server import serve as serve_app
from greenlane.webhooks.api.app import build_app
from greenlane.webhooks.management.administration import administration

API_PORT = 9106
_CONNECTIONS = 8


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
        await serve_app(build_app(desk, where.rate, limits=where.limits), where, listens, stop)
