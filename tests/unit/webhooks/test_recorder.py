"""How outcomes are grouped: the more wait, the more are recorded in one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from greenlane.webhooks.dispatcher.claiming.claims import Claim
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.recording import recorder as module
from greenlane.webhooks.dispatcher.recording.outcomes import AttemptOutcome, Recording
from greenlane.webhooks.dispatcher.recording.recorder import Recorder
from greenlane.webhooks.dispatcher.verdicts import Answer, Verdict
from greenlane.webhooks.states import Mode, State

CLAIM = Claim(date(2026, 7, 1), "id", "ep", 0, None, 0, Mode.UNORDERED, 1, 0, 1)
OUTCOME = AttemptOutcome(CLAIM, Answer(200), Verdict(State.DELIVERED))


@pytest.mark.parametrize(("waiting", "groups"), [(3, [3]), (200, [200]), (600, [256, 256, 88])])
async def test_what_waits_is_recorded_together(
    monkeypatch: pytest.MonkeyPatch, waiting: int, groups: list[int]
) -> None:
    recorded: list[int] = []

    async def record(_engine: object, outcomes: Sequence[AttemptOutcome]) -> Recording:
        recorded.append(len(outcomes))
        return Recording()

    monkeypatch.setattr(module, "record", record)
    recorder = Recorder(None, Limits(), asyncio.get_running_loop().time, lambda *_: None)  # type: ignore[arg-type] # no database is asked
    for _ in range(waiting):
        recorder.submit(OUTCOME)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(recorder.run())
        await recorder.drain()
        running.cancel()
    assert recorded == groups


@pytest.mark.parametrize("lost_before", [False, True])
async def test_an_outcome_waits_for_others_unless_its_delivery_was_lost_before(
    monkeypatch: pytest.MonkeyPatch, *, lost_before: bool
) -> None:
    recorded = asyncio.Event()

    async def record(_engine: object, _outcomes: Sequence[AttemptOutcome]) -> Recording:
        recorded.set()
        return Recording()

    monkeypatch.setattr(module, "record", record)
    limits = Limits(outcome_wait=3600.0)
    recorder = Recorder(None, limits, asyncio.get_running_loop().time, lambda *_: None)  # type: ignore[arg-type] # no database is asked
    running = asyncio.create_task(recorder.run())
    recorder.submit(replace(OUTCOME, claim=replace(CLAIM, lost_leases=int(lost_before))))
    for _ in range(20):
        await asyncio.sleep(0)
    assert recorded.is_set() is lost_before
    running.cancel()
