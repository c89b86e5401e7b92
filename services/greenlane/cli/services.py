"""`greenlane run` starts one service, `up` starts everything, `doctor` tells what is wrong."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated

import typer

from greenlane.cli.connection import all_settings, kafka_settings
from greenlane.cli.output import AsJson, console, notes, print_json
from greenlane.cli.stack import Stack
from greenlane.operations.health import HealthServer
from greenlane.operations.logs import configure_logging
from greenlane.operations.metrics import Metrics
from greenlane.settings import SERVICES, Settings, load_settings

Ready = Callable[[bool, str], None]


def _service_name(value: str) -> str:
    name = value.replace("-", "_")
    if name not in SERVICES:
        raise typer.BadParameter(f"is none of {', '.join(SERVICES)}")
    return name


@contextlib.contextmanager
def terminated_by_signal() -> Iterator[None]:
    """Turn SIGTERM into SystemExit, so that whatever was started is stopped in order."""

    def leave(*_: object) -> None:
        raise SystemExit(0)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def run(
    service: Annotated[str, typer.Argument(callback=_service_name, help="One of: " + ", ".join(SERVICES))],
    check_settings: Annotated[bool, typer.Option(help="Validate the settings and exit.")] = False,
) -> None:
    """Run one service until SIGTERM or Ctrl-C; metrics and health are served beside it.

    Example: `greenlane run aggregator --check-settings`
    """
    if check_settings:
        load_settings()
        notes.print("The settings are sound.")
        return
    settings = all_settings() if service == "webhook_dispatcher" else kafka_settings()
    asyncio.run(_serve(service, settings))


async def _serve(service: str, settings: Settings) -> None:
    configure_logging(service, settings.log_level)
    stop = asyncio.Event()
    metrics = Metrics(service, settings.marketplaces)
    health = HealthServer(service, settings.host, settings.port, metrics.registry)
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        health.ready(False, "stopping")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    with health:
        health.watch(loop)
        await _entry(service)(settings, metrics, stop, health.ready)


def _entry(service: str) -> Callable[[Settings, Metrics, asyncio.Event, Ready], Awaitable[None]]:
    """The service's `run`; imported only now, so that each process loads what it needs and nothing else."""
    match service:
        case "packaging_scorer":
            from greenlane.packaging_scorer.worker import run as entry  # noqa: PLC0415 - see above
        case "delivery_scorer":
            from greenlane.delivery_scorer.worker import run as entry  # noqa: PLC0415 - see above
        case "aggregator":
            from greenlane.aggregator.worker import run as entry  # noqa: PLC0415 - see above
        case "webhook_dispatcher":
            from greenlane.webhook_dispatcher.process import run as entry  # noqa: PLC0415 - see above
        case _:
            from greenlane.clock.worker import run as entry  # noqa: PLC0415 - see above
    return entry


def up() -> None:
    """Start Kafka, PostgreSQL and every service, and keep them running until Ctrl-C or SIGTERM.

    Servers named in GREENLANE_KAFKA_BOOTSTRAP_SERVERS and GREENLANE_DATABASE_URL are used instead of embedded ones.

    Example: `greenlane up`
    """
    with terminated_by_signal(), Stack(load_settings(), notify=notes.print) as stack:
        console.print(stack.table())
        notes.print("Everything runs. Ctrl-C stops it.")
        with contextlib.suppress(KeyboardInterrupt):
            stack.keep_running()


def doctor(as_json: AsJson = False) -> None:
    """Check this machine and the servers; each failed check comes with its remedy. Exits 1 if one failed.

    Example: `greenlane doctor`
    """
    from greenlane.operations.doctor import examine  # noqa: PLC0415 - only this command needs it

    checks = examine(load_settings())
    if as_json:
        print_json([check.to_json() for check in checks])
    else:
        for check in checks:
            console.print(f"{'[green]ok[/]    ' if check.ok else '[red]failed[/]'} {check.name}: {check.finding}")
            if not check.ok:
                console.print(f"       {check.remedy}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)
