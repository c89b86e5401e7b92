"""The gateway as a process: it takes events until it is told to stop, and is ready while Kafka answers."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import structlog
from prometheus_client import CollectorRegistry

from greenlane.database.api_keys import key_of_token, keys_still_open
from greenlane.database.connection import migrate, open_database
from greenlane.factors.loading import load_method
from greenlane.operations.metrics import GatewayMetrics, ProcessMetrics
from greenlane.publishing.gateway.admission import Admission
from greenlane.publishing.gateway.app import Gateway
from greenlane.publishing.gateway.broker import Broker
from greenlane.publishing.gateway.converting import Converter
from greenlane.publishing.gateway.documents import Documents
from greenlane.publishing.gateway.intake import Intake
from greenlane.publishing.gateway.known_keys import (
    CONFIRMED_EVERY,
    KeysUnavailableError,
    KnownKeys,
    Source,
)
from greenlane.publishing.gateway.shops import shops_of
from greenlane.publishing.sdk.link import ASKED_EVERY
from greenlane.settings import Settings
from greenlane.web.rates import Rate
from greenlane.web.server import Listening, serve

GATEWAY_PORT = 9108
_CONNECTIONS = 3
_BURST_SECONDS = 5
_log = structlog.get_logger("greenlane.gateway")


def listening_of(settings: Settings) -> Listening:
    """Where the settings say that the gateway listens; a key may send five seconds' worth at once."""
    rate = settings.gateway_rate
    port = GATEWAY_PORT if settings.gateway_port is None else settings.gateway_port
    allowed = Rate(rate, max(round(rate * _BURST_SECONDS), 1))
    return Listening(
        settings.gateway_host, port, allowed, settings.gateway_proxies, what="gateway", variables="GATEWAY"
    )


async def run(
    settings: Settings,
    registry: CollectorRegistry,
    _process: ProcessMetrics,
    ready: Callable[[bool, str], None],
    stop: asyncio.Event,
) -> None:
    """Take events until `stop` is set; `ready` is told whether they can be taken, and why not.

    Raises SettingsError when the address cannot be used, or the database is missing or cannot be used at the start.
    """
    shops = shops_of(settings.gateway_shops)
    await migrate(settings.database_url)
    engine = open_database(settings.database_url, connections=_CONNECTIONS)
    source = Source(partial(key_of_token, engine), partial(keys_still_open, engine))
    keys = KnownKeys(source, time.monotonic, time.time)
    metrics = GatewayMetrics(registry, settings.marketplaces)
    broker = Broker(settings.kafka_bootstrap_servers, metrics.appended)
    where = listening_of(settings)
    intake = Intake(Admission(keys, where.rate, time.monotonic), broker, metrics, where.limits.body)
    documents = Documents(intake, Converter(settings.factors_file), shops)
    try:
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(broker.run()),
                group.create_task(_confirm(keys)),
                group.create_task(_report(intake, metrics, ready)),
            ]
            await serve(
                Gateway(intake, load_method(settings.factors_file), documents),
                where,
                lambda url: _log.info("gateway listens", url=url),
                stop,
            )
            for task in beside:
                task.cancel()
    finally:
        documents.converter.close()
        await engine.dispose()
    ready(False, "stopping")


async def _confirm(keys: KnownKeys) -> None:
    """Look the known keys up again and again; an outage is told once."""
    failing = False
    while True:
        try:
            await keys.confirm()
        except KeysUnavailableError as error:
            if not failing:
                _log.warning("keys cannot be confirmed", kind=type(error.__cause__).__name__)
            failing = True
        else:
            failing = False
        await asyncio.sleep(CONFIRMED_EVERY)


async def _report(intake: Intake, metrics: GatewayMetrics, ready: Callable[[bool, str], None]) -> None:
    """Say at every change whether events can be taken, and keep the gauges."""
    told: str | None = None
    while True:
        reason = intake.obstacle()
        metrics.standing(intake.room.held, away=bool(intake.broker.away), unconfirmed=intake.unconfirmed())
        if reason != told:
            ready(not reason, reason)
            told = reason
        await asyncio.sleep(ASKED_EVERY / 2)
