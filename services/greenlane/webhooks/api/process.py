"""The webhook API as a process: it serves until it is told to stop, and is ready while its database answers."""

import asyncio
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry

from greenlane.database.connection import open_database
from greenlane.operations.metrics import ProcessMetrics
from greenlane.settings import Settings
from greenlane.webhooks.api.health import DatabaseCheck
from greenlane.webhooks.api.server import listening_of, serve

_ASKED_EVERY = 1.0
_log = structlog.get_logger("greenlane.webhook_api")


async def run(
    settings: Settings,
    _registry: CollectorRegistry,
    _process: ProcessMetrics,
    ready: Callable[[bool, str], None],
    stop: asyncio.Event,
) -> None:
    """Serve the management of webhooks until `stop` is set; `ready` is told whether the database answers.

    Raises SettingsError when the address cannot be used, or the database or encryption key is missing.
    """
    listening = asyncio.Event()

    def listens(url: str) -> None:
        _log.info("webhook API listens", url=url)
        listening.set()

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(_report(settings, listening, ready))
        await serve(settings, listening_of(settings), listens, stop)
        asking.cancel()
    ready(False, "stopping")


async def _report(settings: Settings, listening: asyncio.Event, ready: Callable[[bool, str], None]) -> None:
    """Say at every change whether requests can be answered, and why not."""
    await listening.wait()
    engine = open_database(settings.database_url, connections=1)
    check, told = DatabaseCheck(engine), None
    try:
        while True:
            reason = await _obstacle(check)
            if reason != told:
                ready(not reason, reason)
                told = reason
            await asyncio.sleep(_ASKED_EVERY)
    finally:
        await engine.dispose()


async def _obstacle(check: DatabaseCheck) -> str:
    """Why requests cannot be answered; empty when they can."""
    try:
        await check.ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, requests meet it too, and it is told
        return f"the database does not answer ({type(error).__name__})"
    return ""
