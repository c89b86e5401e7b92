"""The outbox's relay as a process: it moves rows until it is told to stop, and says what is in its way."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

import structlog
from prometheus_client import CollectorRegistry

from greenlane.operations.metrics import UNEXPECTED, OutboxMetrics, ProcessMetrics
from greenlane.publishing.outbox.databases import FAILURES, Database, database_of, why
from greenlane.publishing.outbox.relay import Relay, Round
from greenlane.publishing.outbox.table import NAME, missing_columns, remove_sent, standing
from greenlane.publishing.sdk.link import Link
from greenlane.settings import Settings, SettingsError

_LOOK_EVERY = 1.0
"""Seconds between two looks at a table of which nobody tells."""
_STANDING_EVERY = 5.0
_REMOVE_EVERY = 60.0
_REMOVED_AT_ONCE = 1_000
_LONGEST_PAUSE = 15.0
_log = structlog.get_logger("greenlane.outbox")


async def run(
    settings: Settings,
    registry: CollectorRegistry,
    process: ProcessMetrics,
    ready: Callable[[bool, str], None],
    stop: asyncio.Event,
) -> None:
    """Move rows until `stop` is set; `ready` is told whether they move, and why not.

    Raises SettingsError for a missing or wrong setting. A server that is away is waited for.
    """
    if settings.outbox_marketplace is None:
        raise SettingsError("GREENLANE_OUTBOX_MARKETPLACE: not set; name the marketplace whose outbox this is.")
    database = database_of(settings.outbox_database_url)
    link = Link(settings.kafka_bootstrap_servers, "outbox", _log)
    relay = Relay(
        database, settings.outbox_marketplace, settings.outbox_keep_days > 0, partial(process.error, UNEXPECTED)
    )
    moving = Moving(relay, link, OutboxMetrics(registry), ready, settings.outbox_keep_days)
    try:
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(link.run()),
                group.create_task(database.listen(moving.wake)),
                group.create_task(_wake_at(stop, moving)),
            ]
            await moving.until(stop)
            for task in beside:
                task.cancel()
    finally:
        await database.close()
    ready(False, "stopping")


async def _wake_at(stop: asyncio.Event, moving: "Moving") -> None:
    await stop.wait()
    moving.wake()


class Moving:
    """Rounds, one after the other, and what is said of them."""

    def __init__(
        self, relay: Relay, link: Link, metrics: OutboxMetrics, ready: Callable[[bool, str], None], keep_days: int
    ) -> None:
        self._relay = relay
        self._database: Database = relay.database
        self._link = link
        self._metrics = metrics
        self._ready = ready
        self._keep_days = keep_days
        self._woken = asyncio.Event()
        self._told: str | None = None
        self._table_seen = False
        self._pause = 0.0
        self._measured_at = self._removed_at = float("-inf")

    def wake(self) -> None:
        """Something happened: look at the table now."""
        self._woken.set()

    async def until(self, stop: asyncio.Event) -> None:
        """Move rows until `stop` is set."""
        while not stop.is_set():
            self._woken.clear()
            try:
                obstacle, moved = await self._turn()
            except FAILURES as error:
                self._table_seen = False
                obstacle, moved = f"the database does not let rows be read or marked: {why(error)}", False
            self._tell(obstacle)
            if obstacle:
                self._pause = _LOOK_EVERY if moved else min(max(2 * self._pause, _LOOK_EVERY), _LONGEST_PAUSE)
                await _rest(stop, self._pause)
            else:
                self._pause = 0.0
                if not moved:
                    await _rest(self._woken, _LOOK_EVERY)

    async def _turn(self) -> tuple[str, bool]:
        """What is in the way, and whether rows were moved."""
        obstacle = await self._table_obstacle()
        if obstacle:
            return obstacle, False
        done = Round()
        away, producer = self._link.away, self._link.producer
        if not away and producer is not None:
            done = await self._relay.round(producer)
            self._metrics.moved(done.sent, done.refused, done.unanswered)
        await self._measure()
        await self._remove_old()
        return away or done.obstacle, bool(done.sent or done.refused)

    async def _table_obstacle(self) -> str:
        if self._table_seen:
            return ""
        async with self._database.begin() as session:
            missing = await session.run(missing_columns)
        made_by = f"greenlane outbox ddl {self._database.dialect}"
        if missing is None:
            return f"the database has no table {NAME}; create it with what `{made_by}` prints"
        if missing:
            return f"{NAME} lacks {', '.join(missing)}; make it as `{made_by}` prints it"
        self._table_seen = True
        return ""

    async def _measure(self) -> None:
        if time.monotonic() - self._measured_at >= _STANDING_EVERY:
            async with self._database.begin() as session:
                self._metrics.standing(*await session.run(standing))
            self._measured_at = time.monotonic()

    async def _remove_old(self) -> None:
        """Remove a handful of rows that were kept long enough; more at the next turn where there are more."""
        if not self._keep_days or time.monotonic() - self._removed_at < _REMOVE_EVERY:
            return
        async with self._database.begin() as session:
            count = await session.run(partial(remove_sent, days=self._keep_days, most=_REMOVED_AT_ONCE))
        if count < _REMOVED_AT_ONCE:
            self._removed_at = time.monotonic()

    def _tell(self, obstacle: str) -> None:
        if obstacle == self._told:
            return
        if obstacle:
            _log.warning("rows do not move", reason=obstacle)
        else:
            _log.info("rows move")
        self._ready(not obstacle, obstacle)
        self._told = obstacle


async def _rest(until: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()
