"""Collects outcomes and records them in groups: up to 64, or what came within 5 ms."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.webhook_dispatcher.database import will_pass
from greenlane.webhook_dispatcher.limits import Limits
from greenlane.webhook_dispatcher.recording import Outcome, Recording, record

_log = structlog.get_logger("greenlane.webhook_dispatcher")


class Recorder:
    """The one writer of outcomes; through an outage of the database they are kept as long as their leases may last."""

    def __init__(
        self,
        engine: AsyncEngine,
        limits: Limits,
        monotonic: Callable[[], float],
        recorded: Callable[[Sequence[Outcome], Recording], None],
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._monotonic = monotonic
        self._recorded = recorded
        self._queue: asyncio.Queue[Outcome] = asyncio.Queue()

    @property
    def waiting(self) -> int:
        """Outcomes submitted and not yet being recorded."""
        return self._queue.qsize()

    def submit(self, outcome: Outcome) -> None:
        """Have the outcome recorded soon."""
        self._queue.put_nowait(outcome)

    async def drain(self) -> None:
        """Wait until everything submitted is recorded or given up."""
        await self._queue.join()

    async def run(self) -> None:
        """Record for ever."""
        while True:
            group = await self._collect()
            self._recorded(group, await self._record(group))
            for _ in group:
                self._queue.task_done()

    async def _collect(self) -> list[Outcome]:
        group = [await self._queue.get()]
        if self._queue.qsize() < self._limits.outcome_batch - 1:
            await asyncio.sleep(self._limits.outcome_wait)
        while len(group) < self._limits.outcome_batch and not self._queue.empty():
            group.append(self._queue.get_nowait())
        return group

    async def _record(self, group: Sequence[Outcome]) -> Recording:
        until = self._monotonic() + self._limits.start_within
        while True:
            try:
                return await record(self._engine, group)
            except Exception as error:
                if not will_pass(error):
                    raise
                if self._monotonic() > until:
                    _log.warning("webhook outcomes given up", count=len(group), kind=type(error).__name__)
                    return Recording(fenced=len(group))
                _log.warning("webhook outcomes kept", count=len(group), kind=type(error).__name__)
            await asyncio.sleep(self._limits.pause_after_failure)
