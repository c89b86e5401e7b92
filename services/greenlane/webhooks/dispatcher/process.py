"""The dispatcher as a process: tables brought up to date, intake and worker side by side, a clean stop."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.database.connection import Watch, migrate, open_database
from greenlane.operations.metrics import UNEXPECTED, ProcessMetrics
from greenlane.operations.metrics import WebhookMetrics as RegisteredMetrics
from greenlane.settings import Settings, SettingsError
from greenlane.webhooks.dispatcher.intake.consumer import Intake, Listeners, Sources
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.sending.attempts import Attempts
from greenlane.webhooks.dispatcher.sending.handshake import Handshakes
from greenlane.webhooks.dispatcher.sending.keyring import Keyring
from greenlane.webhooks.dispatcher.sending.network import GuardedBackend, Resolver
from greenlane.webhooks.dispatcher.sending.transport import Transport
from greenlane.webhooks.dispatcher.telemetry import WebhookMetrics
from greenlane.webhooks.dispatcher.unexpected import Unexpected
from greenlane.webhooks.dispatcher.worker import Worker
from greenlane.webhooks.vault import vault_from

_READY_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class Setup:
    """What may differ: the topics, the numbers, and who is told of dead letters and of errors nobody foresaw."""

    sources: Sources = field(default_factory=Sources)
    limits: Limits = field(default_factory=Limits)
    refused: Callable[[DeadLetterCode], None] = lambda _: None
    unexpected: Unexpected = field(default_factory=Unexpected)


async def run(
    settings: Settings,
    registry: CollectorRegistry,
    process: ProcessMetrics,
    ready: Callable[[bool, str], None],
    stop: asyncio.Event,
) -> None:
    """Dispatch with the declared topics and the usual numbers until `stop` is set; see `dispatch`."""
    setup = Setup(refused=process.dead_letter, unexpected=Unexpected(partial(process.error, UNEXPECTED)))
    await dispatch(settings, RegisteredMetrics(registry), ready, stop, setup=setup)


async def dispatch(
    settings: Settings,
    metrics: WebhookMetrics,
    ready: Callable[[bool, str], None],
    stop: asyncio.Event,
    *,
    setup: Setup | None = None,
) -> None:
    """Dispatch until `stop` is set; `ready` is told at every change whether work goes on, and why not.

    `setup` replaces the declared topics and the usual numbers. Raises SettingsError when the database,
    the Kafka servers or the encryption key are missing or cannot be used.
    """
    if not settings.kafka_bootstrap_servers:
        raise SettingsError("GREENLANE_KAFKA_BOOTSTRAP_SERVERS: not set; give host:port or start the embedded one.")
    vault = vault_from(settings.webhook_encryption_key, settings.webhook_older_encryption_keys)
    await migrate(settings.database_url)
    setup = setup or Setup()
    used = setup.limits
    sources = replace(setup.sources, bootstrap_servers=settings.kafka_bootstrap_servers)
    async with _engine(settings, used) as engine, _transport(settings, used) as transport:
        handshakes = Handshakes(engine, transport, settings.webhook_origin) if settings.webhook_origin else None
        keyring, hold = Keyring(engine, vault), used.key_missing_hold
        attempts = Attempts(transport, keyring, hold, handshakes=handshakes, unexpected=setup.unexpected)
        owner = f"{settings.instance}/{uuid.uuid4().hex[:12]}"
        worker = Worker(engine, attempts, metrics, owner=owner, limits=used)
        told = Listeners(worker.mark, worker.holds, setup.refused, setup.unexpected)
        intake = Intake(sources, engine, metrics, used, told)
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run(stop))
            group.create_task(intake.run(stop))
            group.create_task(_report(lambda: _obstacle(worker, intake), ready, stop))


@contextlib.asynccontextmanager
async def _engine(settings: Settings, limits: Limits) -> AsyncIterator[AsyncEngine]:
    engine = open_database(settings.database_url, ping=False, watch=Watch(limits.statement), by_key=True)
    try:
        yield engine
    finally:
        await engine.dispose()


@contextlib.asynccontextmanager
async def _transport(settings: Settings, limits: Limits) -> AsyncIterator[Transport]:
    resolver = Resolver()
    backend = GuardedBackend(resolver, allow_private=settings.webhook_allow_private_networks)
    transport = Transport(backend, attempt_seconds=limits.attempt)
    try:
        yield transport
    finally:
        await transport.close()
        resolver.close()


def _obstacle(worker: Worker, intake: Intake) -> str:
    """Why work does not go on; empty when it does."""
    if not worker.ready or intake.waiting:
        return "waits for the database"
    return intake.obstacle


async def _report(obstacle: Callable[[], str], ready: Callable[[bool, str], None], stop: asyncio.Event) -> None:
    told: str | None = None
    while not stop.is_set():
        reason = obstacle()
        if reason != told:
            ready(not reason, reason)
            told = reason
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_EVERY):
                await stop.wait()
    ready(False, "stopping")
