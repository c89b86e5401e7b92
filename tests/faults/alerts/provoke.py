"""Each alert is provoked by its cause on a running stack and cleared without it; durations are the deployed ones."""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen
from typing import Any

import asyncpg
from tests.faults.alerts.scene import Scene, scene
from tests.faults.load import Load, history

from greenlane.cli.running.stack import Service
from greenlane.operations.embedded import EmbeddedServerError
from greenlane.webhooks.management.administration import administration

ROOT = Path(__file__).parents[3]
FIRING_SECONDS = 40 * 60.0
CLEARED_SECONDS = 25 * 60.0
LOOK_SECONDS = 5.0
EVENTS_A_SECOND = 5.0
_FORGET = "UPDATE delivery SET due_at = 'infinity' WHERE endpoint_id = $1 AND state = 'pending'"
_REMEMBER = "UPDATE delivery SET due_at = now() WHERE endpoint_id = $1 AND state = 'pending'"
Cause = Callable[[Scene], AbstractContextManager[None]]


@dataclass(slots=True)
class Provocation:
    """A cause that is there inside its context, and the alerts it must lead to, by name and a label.

    `along` are alerts that the cause may raise rightly at other processes, which need the same thing.
    """

    cause: Cause
    alerts: Sequence[tuple[str, str, str]]
    along: Sequence[tuple[str, str, str]] = ()
    fired: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)


@contextmanager
def frozen(running: Scene) -> Iterator[None]:
    """The aggregator's process stands still, as on a machine that swaps."""
    process = running.stack.services["aggregator"].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def altered(name: str, alteration: str) -> Cause:
    """A service whose code has this fault; taken away by a start without it."""

    @contextmanager
    def cause(running: Scene) -> Iterator[None]:
        service = running.stack.services[name]
        service.start_again = lambda: _start_altered(service, alteration)  # type: ignore[method-assign] # the fault
        _end(service)
        try:
            yield
        finally:
            del service.start_again
            _end(service)

    return cause


def _start_altered(service: Service, alteration: str) -> None:
    with service.log.open("ab") as output:
        command = [sys.executable, "-m", "tests.faults.altered_service", service.name, alteration]
        service.process = Popen(
            command,
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
            env=service.environment,
            cwd=ROOT,
            start_new_session=True,
        )


def _end(service: Service) -> None:
    """End the process; the supervisor starts the next one."""
    assert service.process is not None
    service.process.terminate()


@contextmanager
def gateway_without_kafka(running: Scene) -> Iterator[None]:
    """The gateway alone is led to a port on which no Kafka is."""
    service, name = running.stack.services["gateway"], "GREENLANE_KAFKA_BOOTSTRAP_SERVERS"
    right = service.environment[name]
    service.environment[name] = "127.0.0.1:1"
    _end(service)
    try:
        yield
    finally:
        service.environment[name] = right
        _end(service)


@contextmanager
def without_database(running: Scene) -> Iterator[None]:
    """PostgreSQL is stopped and cannot be started."""
    server: Any = running.stack._postgres

    def refuse() -> None:
        raise EmbeddedServerError("the database is kept away by the test.")

    server.restart = refuse
    server.stop()
    try:
        yield
    finally:
        del server.restart


@contextmanager
def forgotten_row(running: Scene) -> Iterator[None]:
    """Somebody's statement left a delivery due at no time."""
    endpoint = asyncio.run(_silent_endpoint(running, "/forgotten"))
    _until_changed(running, _FORGET, endpoint)
    try:
        yield
    finally:
        _until_changed(running, _REMEMBER, endpoint)


@contextmanager
def locked_row(running: Scene) -> Iterator[None]:
    """Somebody's open transaction holds a delivery that is due, so that no dispatcher may claim it."""
    endpoint = asyncio.run(_silent_endpoint(running, "/locked"))
    enough, locked = threading.Event(), threading.Event()
    holder = threading.Thread(target=lambda: asyncio.run(_hold(running, endpoint, locked, enough)), daemon=True)
    holder.start()
    locked.wait()
    try:
        yield
    finally:
        enough.set()
        holder.join()


async def _silent_endpoint(running: Scene, path: str) -> str:
    """An endpoint whose receiver answers 503, so that its test stays to be dispatched."""
    async with administration(running.settings) as desk:
        return str((await desk.add_endpoint(running.receiver.url(path), "demo-vn")).endpoint.endpoint_id)


async def _hold(running: Scene, endpoint: str, locked: threading.Event, enough: threading.Event) -> None:
    connection = await asyncpg.connect(running.settings.database_url.get_secret_value())
    try:
        while not locked.is_set():
            async with connection.transaction():
                query = "SELECT 1 FROM delivery WHERE endpoint_id = $1 AND state = 'pending' FOR UPDATE"
                if await connection.fetch(query, endpoint):
                    locked.set()
                    await asyncio.to_thread(enough.wait)
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


def _until_changed(running: Scene, statement: str, endpoint: str) -> None:
    async def changed() -> bool:
        connection = await asyncpg.connect(running.settings.database_url.get_secret_value())
        try:
            return bool(await connection.execute(statement, endpoint) != "UPDATE 0")
        finally:
            await connection.close()

    while not asyncio.run(changed()):
        time.sleep(0.1)


def _together() -> list[Provocation]:
    """Causes that do not touch each other, on one stack at the same time."""
    return [
        Provocation(frozen, [("TargetDown", "job", "aggregator")]),
        Provocation(
            altered("packaging_scorer", "some_parcels_fail"), [("UnexpectedErrors", "job", "packaging_scorer")]
        ),
        Provocation(
            altered("delivery_scorer", "outcomes_are_forgotten"), [("ConservationBroken", "job", "delivery_scorer")]
        ),
        Provocation(forgotten_row, [("WebhookOrphans", "job", "webhook_dispatcher")]),
        Provocation(locked_row, [("WebhookBacklogOld", "job", "webhook_dispatcher")]),
        Provocation(
            gateway_without_kafka,
            [("GatewayRefusesForLackOfKafka", "job", "gateway")],
            along=[("RecoveryTooLong", "job", "gateway")],
        ),
    ]


def _alone() -> list[Provocation]:
    """A cause that would hide the others', on a stack of its own."""
    alerts = [
        ("ConsumerStalled", "group", "greenlane-webhook-dispatcher"),
        ("RecoveryTooLong", "job", "webhook_dispatcher"),
        ("GatewayKeysUnconfirmed", "job", "gateway"),
    ]
    along = [("RecoveryTooLong", "job", name) for name in ("webhook_api", "gateway")]
    return [Provocation(without_database, alerts, along=along)]


def _try(running: Scene, tried: Provocation, progress: Callable[[str], None]) -> None:
    names = [name for name, _, _ in tried.alerts]

    def firing() -> list[str]:
        now = running.prometheus.alerts()
        return [name for name, label, value in tried.alerts if _among(now, name, label, value)]

    with tried.cause(running):
        progress(f"{', '.join(names)}: the cause is there")
        deadline = time.monotonic() + FIRING_SECONDS
        while len(tried.fired) < len(names) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            for name in firing():
                if name not in tried.fired:
                    tried.fired.append(name)
                    progress(f"{name}: fires")
    deadline = time.monotonic() + CLEARED_SECONDS
    while len(tried.cleared) < len(tried.fired) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        still = firing()
        for name in tried.fired:
            if name not in still and name not in tried.cleared:
                tried.cleared.append(name)
                progress(f"{name}: is cleared")


def _among(alerts: Sequence[dict[str, str]], name: str, label: str, value: str) -> bool:
    return any(labels["alertname"] == name and labels.get(label) == value for labels in alerts)


def _on_a_stack(name: str, tried: list[Provocation], progress: Callable[[str], None]) -> set[str]:
    """Try them at the same time; the alerts that fired beside those that had a cause."""
    with ExitStack() as running:
        place = running.enter_context(scene(name))
        began = time.monotonic()
        load = Load(place.settings.kafka_bootstrap_servers, history(1), rate=EVENTS_A_SECOND)
        load.start()
        with ThreadPoolExecutor(len(tried)) as pool:
            for done in [pool.submit(_try, place, one, progress) for one in tried]:
                done.result()
        fired = place.prometheus.alerts_since(time.monotonic() - began)
        load.finish()
    expected = [alert for one in tried for alert in (*one.alerts, *one.along)]
    return {
        f"{labels['alertname']} {labels.get('job', '')} {labels.get('group', '')}".strip()
        for labels in fired
        if not any(_among([labels], *alert) for alert in expected)
    }


def provoke(progress: Callable[[str], None]) -> dict[str, object]:
    """How many alerts were provoked, fired for the right cause, and were cleared after it."""
    groups = {"provoked": _together(), "alone": _alone()}
    with ThreadPoolExecutor(len(groups)) as pool:
        done = [pool.submit(_on_a_stack, name, tried, progress) for name, tried in groups.items()]
        others = {name for one in done for name in one.result()}
    tried = [one for group in groups.values() for one in group]
    return {
        "provoked": sum(len(one.alerts) for one in tried),
        "right_alert": sum(len(one.fired) for one in tried),
        "cleared": sum(len(one.cleared) for one in tried),
        "other_alerts": sorted(others),
    }
