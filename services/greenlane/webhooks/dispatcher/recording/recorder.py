"""Collects outcomes and records them in groups: at once where 64 wait, 256 at the most.

Fewer are waited for 5 ms, or as long as the last group took where that was longer.

A transaction takes its time by its round trips, hardly by its rows: the more wait, the more are recorded at once.

A group that cannot be recorded is recorded one by one; an outcome that cannot be recorded alone costs its delivery,
which is quarantined, and no other.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.database.connection import will_pass
from greenlane.webhooks.dispatcher.claiming.claims import RowKey
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.recording.outcomes import AttemptOutcome, Recording, record, set_aside
from greenlane.webhooks.dispatcher.unexpected import Unexpected

_log = structlog.get_logger("greenlane.webhook_dispatcher")


class Recorder:
    """The one writer of outcomes; through an outage of the database they are kept as long as their leases may last."""

    def __init__(
        self,
        engine: AsyncEngine,
        limits: Limits,
        monotonic: Callable[[], float],
        recorded: Callable[[Sequence[AttemptOutcome], Recording], None],
        unexpected: Unexpected | None = None,
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._monotonic = monotonic
        self._recorded = recorded
        self._unexpected = unexpected or Unexpected()
        self._queue: asyncio.Queue[AttemptOutcome] = asyncio.Queue()
        self._rest = 0.0
        self._hurry = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Outcomes submitted and not yet being recorded."""
        return self._queue.qsize()

    def submit(self, outcome: AttemptOutcome) -> None:
        """Have the outcome recorded soon; at once where the endpoint asked to be left alone."""
        self._queue.put_nowait(outcome)
        if outcome.claim.lost_leases or outcome.verdict.hold:
            self._hurry.set()

    async def drain(self) -> None:
        """Wait until everything submitted is recorded or given up."""
        await self._queue.join()

    async def run(self) -> None:
        """Record for ever."""
        while True:
            group = await self._collect()
            began = self._monotonic()
            try:
                await self.record_apart(group)
            except Exception as error:  # noqa: BLE001 - a boundary: it costs this much and no more
                self._unexpected.tell("recording", error)
            finally:
                for _ in group:
                    self._queue.task_done()
            self._rest = self._limits.rest(self._monotonic() - began)

    async def record_apart(self, group: Sequence[AttemptOutcome], *, patient: bool = True) -> None:
        """Record the group together, or each outcome alone when that fails in a way that does not pass.

        An outage is waited for as long as the leases may last, unless `patient` is False: then it is raised.
        """
        try:
            self._recorded(group, await (self._record(group) if patient else record(self._engine, group)))
        except Exception as error:
            if will_pass(error):
                raise
            if len(group) > 1:
                for outcome in group:
                    await self.record_apart([outcome], patient=patient)
                return
            for outcome in group:
                self._unexpected.tell("recording", error, outcome.claim.endpoint_id)
                await self._set_aside(outcome.claim.key)

    async def set_unreadable_aside(self, rows: Iterable[RowKey]) -> None:
        """Quarantine deliveries that this version of the code cannot read."""
        for row in rows:
            self._unexpected.tell("reading", ValueError("a delivery cannot be read"), row.endpoint_id)
            await self._set_aside(row)

    async def _set_aside(self, row: RowKey) -> None:
        try:
            await set_aside(self._engine, row)
        except Exception as error:  # noqa: BLE001 - a boundary: the lease stays, and the sweep tries again
            if will_pass(error):
                _log.warning("webhook database unavailable", kind=type(error).__name__)
            else:
                self._unexpected.tell("quarantine", error, row.endpoint_id)

    async def _collect(self) -> list[AttemptOutcome]:
        group = [await self._queue.get()]
        if self._queue.qsize() < self._limits.outcome_batch - 1:
            await self._wait_for_more()
        while len(group) < self._limits.recorded_at_once and not self._queue.empty():
            group.append(self._queue.get_nowait())
        return group

    async def _wait_for_more(self) -> None:
        """Not for long, and not when a delivery that was lost before or an endpoint's wish for rest is among them.

        Until the wish is recorded, more may be claimed for the endpoint. Another lost delivery may end this process at
        any moment: what is not recorded by then is taken for the cause.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(self._limits.outcome_wait, self._rest)):
                await self._hurry.wait()
        self._hurry.clear()

    async def _record(self, group: Sequence[AttemptOutcome]) -> Recording:
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
