"""The dispatcher at work: holds shards, claims what is due, sends it, sweeps up what was left behind.

Each task has its own boundary: an error that nobody foresaw costs one delivery or one round of a task, never the
process.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.database.connection import will_pass
from greenlane.webhooks.dispatcher.claiming.agenda import Agenda, Budget, Slot
from greenlane.webhooks.dispatcher.claiming.breaker import FAILURES_TO_OPEN, Phase
from greenlane.webhooks.dispatcher.claiming.claims import (
    Claim,
    RowKey,
    Want,
    claim,
    due_endpoints,
    expired,
    failing_endpoints,
)
from greenlane.webhooks.dispatcher.claiming.shards import release_all, renew
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.recording.failing import disable_failing, give_notices
from greenlane.webhooks.dispatcher.recording.measures import measure
from greenlane.webhooks.dispatcher.recording.outcomes import AttemptOutcome, Recording
from greenlane.webhooks.dispatcher.recording.recorder import Recorder
from greenlane.webhooks.dispatcher.recording.retention import forget_attempts
from greenlane.webhooks.dispatcher.sending.attempts import Attempts, TooLateError
from greenlane.webhooks.dispatcher.telemetry import WebhookMetrics
from greenlane.webhooks.dispatcher.verdicts import Answer, Verdict, judge
from greenlane.webhooks.identity import shard_of
from greenlane.webhooks.states import UNDIALLED, Failure, State
from greenlane.webhooks.wakeups import hear_due

_log = structlog.get_logger("greenlane.webhook_dispatcher")

_RETRY_LOCKED = 0.1
_LONGEST_SLEEP = 1.0
_APART = 0.01
_OUTAGE_TOLD_EVERY = 10.0


class _Ahead(NamedTuple):
    """A claim that waits for a slot, and when it was asked for (monotonic seconds)."""

    item: Claim
    asked_at: float


class Worker:
    """Everything after the intake; the clocks are those of `attempts`."""

    def __init__(
        self,
        engine: AsyncEngine,
        attempts: Attempts,
        metrics: WebhookMetrics,
        *,
        owner: str,
        limits: Limits,
    ) -> None:
        self._engine = engine
        self._attempts = attempts
        self._metrics = metrics
        self._owner = owner
        self._monotonic = attempts.monotonic
        self._limits = limits
        self._agenda = Agenda(limits.requests, limits.slow_requests)
        self._unexpected = attempts.unexpected
        self._recorder = Recorder(engine, limits, attempts.monotonic, self._recorded, self._unexpected)
        self._epochs: dict[int, int] = {}
        self._held_until = 0.0
        self._outage_told = -_OUTAGE_TOLD_EVERY
        self._renew_in = 0.0
        self._taken = asyncio.Event()
        self._next_claim = 0.0
        self._headers = metrics.webhook_attempt_seconds.labels("headers")
        self._total = metrics.webhook_attempt_seconds.labels("total")
        self._work = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._ahead: dict[str, deque[_Ahead]] = {}
        self._group = asyncio.TaskGroup()

    @property
    def ready(self) -> bool:
        """Whether the shard leases were renewed in time, by a clock that agrees with the database's."""
        return self._monotonic() < self._held_until

    def mark(self, endpoints: Iterable[str]) -> None:
        """These endpoints have something due: look now instead of at the next sweep."""
        for endpoint_id in endpoints:
            if self.holds(endpoint_id):
                self._agenda.mark(endpoint_id)
        self._work.set()

    def holds(self, endpoint_id: str) -> bool:
        """Whether this dispatcher sends to the endpoint; another one does if not, or will."""
        return shard_of(endpoint_id) in self._epochs

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until `stop`; then finish what is under way, record it and give the shards up."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            recorder = group.create_task(self._recorder.run())
            loops = [
                group.create_task(self._keep_shards()),
                group.create_task(self._sweep_often()),
                group.create_task(self._repeat("measuring", self._measure, self._limits.measure_every)),
                group.create_task(self._repeat("retention", self._forget, self._limits.forget_every)),
                group.create_task(self._repeat("wake_ups", self._hear, self._limits.pause_after_failure)),
            ]
            claiming = group.create_task(self._claim_all(stop))
            await stop.wait()
            for loop in loops:
                loop.cancel()
            # a claim that is cut off may have been committed all the same
            self._work.set()
            await asyncio.wait([claiming], timeout=self._limits.statement)
            claiming.cancel()
            self._give_back([ahead.item for waiting in self._ahead.values() for ahead in waiting])
            self._ahead.clear()
            if self._sending:
                await asyncio.wait(self._sending)
            await self._recorder.drain()
            recorder.cancel()
        await self._attempt_step("closing", self._attempts.transport.close)
        await self._attempt_step("shard_leases", partial(release_all, self._engine, self._owner))

    async def _repeat(self, stage: str, step: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            await self._attempt_step(stage, step)
            await asyncio.sleep(every)

    async def _attempt_step(self, stage: str, step: Callable[[], Awaitable[object]]) -> bool:
        """Whether the step went through; False during an outage of the database, and after what nobody foresaw."""
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - a boundary: it costs one round of this task
            if will_pass(error):
                self._tell_outage(error)
            else:
                self._unexpected.tell(stage, error)
            return False
        return True

    def _tell_outage(self, error: Exception) -> None:
        now = self._monotonic()
        if now >= self._outage_told + _OUTAGE_TOLD_EVERY:
            self._outage_told = now
            _log.warning("webhook database unavailable", kind=type(error).__name__)

    async def _keep_shards(self) -> None:
        while True:
            self._renew_in = self._limits.pause_after_failure
            await self._attempt_step("shard_leases", self._hold_shards)
            await asyncio.sleep(self._renew_in)

    async def _hear(self) -> None:
        await hear_due(self._engine, lambda endpoint_id: self.mark((endpoint_id,)))

    async def _hold_shards(self) -> None:
        asked_at = self._monotonic()
        holding = await renew(self._engine, self._owner, self._limits.shard_lease, self._limits.inherited_lease)
        skew = abs(holding.database_time - self._attempts.clock())
        if skew > self._limits.clock_tolerance:
            _log.error("webhook clock differs from the database's; nothing is signed", seconds=round(skew))
            return
        taken = holding.epochs.keys() - self._epochs.keys()
        if taken:
            for endpoint_id in await failing_endpoints(self._engine, taken, FAILURES_TO_OPEN):
                self._agenda.distrust(endpoint_id)
        if holding.epochs != self._epochs:
            _log.info("webhook shards held", count=len(holding.epochs))
            self._taken.set()
        self._epochs = holding.epochs
        self._held_until = asked_at + self._limits.shard_lease
        next_free = self._limits.renew_every if holding.next_free is None else holding.next_free
        self._renew_in = min(max(next_free, _RETRY_LOCKED), self._limits.renew_every)

    async def _sweep_often(self) -> None:
        """Every second, and at once when shards are taken over: their last owner may have left something behind."""
        while True:
            self._taken.clear()
            await self._sweep()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.sweep_every):
                    await self._taken.wait()

    async def _sweep(self) -> None:
        for stage, step in (
            ("lost_leases", self._take_lost_back),
            ("notices", self._give_notices),
            ("disabling", self._disable_failing),
            ("due_poll", self._find_due),
            ("idle_connections", self._attempts.transport.close_expired),
        ):
            await self._attempt_step(stage, step)

    async def _take_lost_back(self) -> None:
        done: set[RowKey] = set()
        while True:
            unreadable: list[RowKey] = []
            lost = await expired(self._engine, list(self._epochs), self._limits.outcome_batch, unreadable)
            keys = {item.key for item in lost} | set(unreadable)
            if keys <= done:
                return
            done |= keys
            if lost:
                outcomes = [_lost(item, place * self._apart(item)) for place, item in enumerate(lost)]
                await self._recorder.record_apart(outcomes, patient=False)
            await self._recorder.set_unreadable_aside(unreadable)

    def _apart(self, item: Claim) -> float:
        """Seconds between two that were lost together: one of them may end the process again, and no other with it."""
        return self._limits.lost_again_apart if item.lost_leases else self._limits.lost_apart

    async def _give_notices(self) -> None:
        for notice in await give_notices(self._engine, list(self._epochs)):
            _log.warning("webhook endpoint keeps failing", endpoint_id=notice.endpoint_id, hours=notice.hours)

    async def _disable_failing(self) -> None:
        for endpoint_id in await disable_failing(self._engine, list(self._epochs)):
            _log.warning("webhook endpoint disabled because it keeps failing", endpoint_id=endpoint_id)

    async def _find_due(self) -> None:
        self.mark(await due_endpoints(self._engine, list(self._epochs)))

    async def _measure(self) -> None:
        breakers = self._agenda.breakers()
        for phase in (Phase.PROBING, Phase.OPEN):
            self._metrics.webhook_breaker_endpoints.labels(phase.value).set(breakers[phase])
        await measure(self._engine, list(self._epochs), self._metrics)

    async def _forget(self) -> None:
        gone = await forget_attempts(self._engine, self._limits.attempts_kept)
        if gone:
            _log.info("webhook attempts forgotten", count=gone)

    async def _claim_all(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await self._attempt_step("claiming", self._claim_round):
                await asyncio.sleep(self._limits.pause_after_failure)

    async def _claim_round(self) -> None:
        self._work.clear()
        wants = self._wants()
        if not wants:
            await self._rest()
            return
        try:
            await self._claim(wants)
        except Exception:
            self._claim_later(wants)
            raise
        await asyncio.sleep(max(self._next_claim - self._monotonic(), 0.0))

    def _claim_later(self, wants: Sequence[Want]) -> None:
        """Each in turn and alone: an endpoint that cannot be claimed for keeps no other from its deliveries."""
        now = self._monotonic()
        for place, want in enumerate(wants):
            self._agenda.mark_at(want.endpoint_id, now + self._limits.pause_after_failure + place * _APART)

    def _wants(self) -> list[Want]:
        if not self.ready or self._recorder.waiting >= self._limits.unrecorded:
            return []
        return [
            Want(endpoint_id, shard, self._epochs[shard], count)
            for endpoint_id, count in self._agenda.take(self._monotonic(), self._limits.claim_batch)
            if (shard := shard_of(endpoint_id)) in self._epochs
        ]

    async def _rest(self) -> None:
        known = self._agenda.idle_seconds(self._monotonic()) or _LONGEST_SLEEP
        try:
            async with asyncio.timeout(min(known, _LONGEST_SLEEP)):
                await self._work.wait()
        except TimeoutError:
            return

    async def _claim(self, wants: Sequence[Want]) -> None:
        asked_at = self._monotonic()
        self._next_claim = asked_at + self._limits.claim_wait
        claimed = await claim(self._engine, self._owner, wants, self._limits.delivery_lease)
        now = self._monotonic()
        got = Counter(item.endpoint_id for item in claimed.claims)
        if all(got[want.endpoint_id] < want.limit for want in wants):  # else more is due already
            self._next_claim = max(self._next_claim, now + self._limits.rest(now - asked_at))
        slots: dict[str, list[Slot]] = {}
        for want in wants:
            slots[want.endpoint_id] = self._agenda.claimed(want.endpoint_id, want.limit, got[want.endpoint_id], now)
            seconds = claimed.next_due.get(want.endpoint_id)
            if seconds is not None and got[want.endpoint_id] < want.limit:
                self._agenda.mark_at(want.endpoint_id, now + max(seconds, _RETRY_LOCKED))
        for item in claimed.claims:
            self._metrics.webhook_queue_wait_seconds.observe(max(item.waited, 0.0))
            if slots[item.endpoint_id]:
                self._start(item, slots[item.endpoint_id].pop(), asked_at)
            else:
                self._ahead.setdefault(item.endpoint_id, deque()).append(_Ahead(item, asked_at))
        for endpoint_id in got:
            self._go_on(endpoint_id)
        for budget in Budget:
            self._metrics.webhook_inflight.labels(budget.value).set(self._agenda.in_flight(budget))
        await self._recorder.set_unreadable_aside(claimed.unreadable)

    def _start(self, item: Claim, slot: Slot, asked_at: float) -> None:
        task = self._group.create_task(self._send(item, slot, asked_at))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _go_on(self, endpoint_id: str) -> None:
        """Begin what was claimed ahead and has a slot now; give it back if its endpoint is not well any more."""
        waiting = self._ahead.get(endpoint_id)
        if waiting is None:
            return
        self._give_back([waiting.popleft().item for _ in range(self._agenda.give_back(endpoint_id))])
        while waiting and (slot := self._agenda.next(endpoint_id, self._monotonic())) is not None:
            self._start(waiting[0].item, slot, waiting.popleft().asked_at)
        if not waiting:
            del self._ahead[endpoint_id]

    def _give_back(self, items: Iterable[Claim]) -> None:
        for item in items:
            self._recorder.submit(AttemptOutcome(item, Answer(None), Verdict(State.PENDING, delay=0.0, charged=False)))

    async def _send(self, item: Claim, slot: Slot, claimed_at: float) -> None:
        try:
            await self._send_in_time(item, slot, claimed_at)
        except Exception as error:  # noqa: BLE001 - a boundary: it costs this delivery, which keeps no slot
            self._unexpected.tell("sending", error, item.endpoint_id)
            self._over(slot, None)

    async def _send_in_time(self, item: Claim, slot: Slot, claimed_at: float) -> None:
        def may_begin() -> bool:
            return self.ready and self._monotonic() - claimed_at <= self._limits.start_within

        while may_begin():
            try:
                outcome = await self._attempts.make(item, may_begin)
            except TooLateError:
                break
            except Exception as error:  # noqa: BLE001 - a boundary: it costs this attempt
                if will_pass(error):
                    # only the keys are read from the database, before anything is sent
                    await asyncio.sleep(self._limits.pause_after_failure)
                    continue
                self._unexpected.tell("attempt", error, item.endpoint_id)
                outcome = self._attempts.failed(item)
            self._over(slot, outcome.answer if outcome.verdict.charged else None)
            self._recorder.submit(outcome)
            return
        # the sweep of the shard's owner makes the delivery due again when its lease ends
        self._over(slot, None)

    def _over(self, slot: Slot, answer: Answer | None) -> None:
        self._agenda.finished(slot, answer, self._monotonic())
        self._go_on(slot.endpoint_id)
        self._work.set()

    def _recorded(self, outcomes: Sequence[AttemptOutcome], recording: Recording) -> None:
        for outcome in outcomes:
            if outcome.answer.failure is Failure.LEASE_LOST or not outcome.made:
                continue
            self._total.observe(outcome.total_ms / 1000)
            if outcome.headers_ms is not None:
                self._headers.observe(outcome.headers_ms / 1000)
            if outcome.answer.failure in UNDIALLED:
                self._metrics.webhook_blocked_addresses_total.labels(outcome.answer.failure.value).inc()
        self._count(recording)

    def _count(self, recording: Recording) -> None:
        now = self._monotonic()
        for outcome, state in recording.rows:
            self._metrics.webhook_deliveries_total.labels(state.value).inc()
            if state is State.PENDING:
                self._agenda.mark_at(outcome.claim.endpoint_id, now + (outcome.verdict.delay or 0.0))
        if recording.fenced:
            self._metrics.webhook_deliveries_total.labels("fenced").inc(recording.fenced)
        self.mark(recording.ready)


def _lost(item: Claim, delay: float) -> AttemptOutcome:
    """A delivery whose lease ended without an outcome, due after `delay` seconds, unless it is stopped.

    Delays keep those that were lost together apart: if one of them ended the dispatcher, it shall not do so to the
    others again, until they are quarantined with it.
    """
    answer = Answer(None, Failure.LEASE_LOST)
    verdict = judge(item.mode, item.attempt_no, answer, 1.0, lost_leases=item.lost_leases)
    return AttemptOutcome(item, answer, replace(verdict, delay=delay) if verdict.state is State.PENDING else verdict)
