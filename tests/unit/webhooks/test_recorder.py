"""How outcomes are grouped: the more wait, the more are recorded in one transaction."""

import asyncio
from collections.abc import Sequence
from datetime import date

import pytest

from greenlane.webhooks.dispatcher.claiming.claims import Claim
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.recording import recorder as module
from greenlane.webhooks.dispatcher.recording.outcomes import Outcome, Recording
from greenlane.webhooks.dispatcher.recording.recorder import Recorder
from greenlane.webhooks.dispatcher.verdicts import Answer, Verdict
from greenlane.webhooks.states import Mode, State

CLAIM = Claim(date(2026, 7, 1), "id", "ep", 0, None, 0, Mode.UNORDERED, 1, 0, 1)
OUTCOME = Outcome(CLAIM, Answer(200), Verdict(State.DELIVERED))


@pytest.mark.parametrize(("waiting", "groups"), [(3, [3]), (200, [200]), (600, [256, 256, 88])])
async def test_what_waits_is_recorded_together(
    monkeypatch: pytest.MonkeyPatch, waiting: int, groups: list[int]
) -> None:
    recorded: list[int] = []

    async def record(_engine: object, outcomes: Sequence[Outcome]) -> Recording:
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
