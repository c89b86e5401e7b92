"""`greenlane run`: one service in the frame that all of them share: settings, logs, metrics, health, signals."""

import asyncio
import gc
import importlib
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
import uvloop
from prometheus_client import CollectorRegistry

from greenlane import __version__
from greenlane.cli.connection import all_settings, database_settings, kafka_and_database_settings, kafka_settings
from greenlane.cli.output import notes
from greenlane.factors.loading import load_policy
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.health import BEAT_SECONDS, SERVICE_PORTS, Health, HealthServer
from greenlane.operations.logs import configure_logging
from greenlane.operations.metrics import ProcessMetrics, new_registry
from greenlane.settings import OPTIONAL_SERVICES, SERVICES, Settings, load_settings

GARBAGE_THRESHOLD = 2_000_000
"""New containers after which Python looks for cycles: more than several fetches and their outcomes hold.

Records are freed by counting and make no cycles. At Python's usual 700 looking for them takes a sixth of a scorer's
time, at 50,000 a tenth.
"""

SWITCH_SECONDS = 0.02
"""For which a thread that wants the interpreter waits: fetching and scoring interrupt each other less often."""

FOLDERS = {
    "packaging_scorer": "greenlane.scoring.packaging_scorer",
    "delivery_scorer": "greenlane.scoring.delivery_scorer",
    "aggregator": "greenlane.accounts.aggregator",
    "webhook_dispatcher": "greenlane.webhooks.dispatcher",
    "clock": "greenlane.accounts.clock",
    "webhook_api": "greenlane.webhooks.api",
    "gateway": "greenlane.publishing.gateway",
    "outbox": "greenlane.publishing.outbox",
}
"""Where the process of each service is."""

SETTINGS = {
    "webhook_dispatcher": all_settings,
    "webhook_api": database_settings,
    "gateway": kafka_and_database_settings,
}
"""Which servers a service needs, where that is not Kafka alone."""

app = typer.Typer()
NAMES = (*SERVICES, *OPTIONAL_SERVICES)
Ready = Callable[[bool, str], None]
Entry = Callable[[Settings, CollectorRegistry, ProcessMetrics, Ready, asyncio.Event], Awaitable[None]]


def _service_name(value: str) -> str:
    name = value.replace("-", "_")
    if name not in NAMES:
        raise typer.BadParameter(f"is none of {', '.join(NAMES)}")
    return name


@app.command()
def run(
    service: Annotated[str, typer.Argument(callback=_service_name, help="One of: " + ", ".join(NAMES))],
    check_settings: Annotated[bool, typer.Option(help="Validate the settings and exit.")] = False,
) -> None:
    """Run one service until SIGTERM or Ctrl-C; metrics and health are served beside it.

    Example: `greenlane run aggregator --check-settings`
    """
    if check_settings:
        load_settings()
        notes.print("The settings are sound.")
        return
    settings = SETTINGS.get(service, kafka_settings)()
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # the fetching thread makes its own loop
    uvloop.run(_serve(service, settings))


async def _serve(service: str, settings: Settings) -> None:
    """The frame around every service: logs, metrics, health, signals."""
    registry = new_registry()
    process = ProcessMetrics(
        registry,
        __version__,
        METHOD_VERSION,
        load_policy(settings.policy_file).version,
        ("day_not_closed", "lag_unknown"),
    )
    health = Health(time.monotonic)
    stop = asyncio.Event()

    def ready(is_ready: bool, reason: str) -> None:
        health.ready(is_ready, reason)
        process.ready(is_ready, reason)

    def ask_to_stop() -> None:
        health.stop()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    port = SERVICE_PORTS[service] if settings.port is None else settings.port
    with HealthServer(health, registry, settings.host, port):
        configure_logging(settings.log_level)
        beating = loop.create_task(_beat(health))
        try:
            entry = _entry(service)
            gc.freeze()  # what lives as long as the process is not looked through again
            gc.set_threshold(GARBAGE_THRESHOLD, 20, 100)
            await entry(settings, registry, process, ready, stop)
        finally:
            beating.cancel()


async def _beat(health: Health) -> None:
    while True:
        health.beat()
        await asyncio.sleep(BEAT_SECONDS)


def _entry(service: str) -> Entry:
    """The service's `run`; imported only now, so that each process loads what it needs and nothing else."""
    entry: Entry = importlib.import_module(f"{FOLDERS[service]}.process").run
    return entry
