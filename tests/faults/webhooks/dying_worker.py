"""A dispatcher that ends or freezes itself at a chosen point, once it is told by SIGUSR1 that it may."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry

from greenlane.operations.metrics import WebhookMetrics
from greenlane.settings import load_settings
from greenlane.webhooks.dispatcher import worker
from greenlane.webhooks.dispatcher.claiming.claims import Claim
from greenlane.webhooks.dispatcher.intake import acceptance
from greenlane.webhooks.dispatcher.intake import consumer as intake
from greenlane.webhooks.dispatcher.intake.consumer import Sources
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.process import Setup, dispatch
from greenlane.webhooks.dispatcher.recording import outcomes as recording
from greenlane.webhooks.dispatcher.recording.outcomes import AttemptOutcome
from greenlane.webhooks.dispatcher.sending import attempts, streams

ANSWER_LOST_AFTER = 0.002


class Fate:
    """Strikes at the `countdown`-th passage of its point after it was armed."""

    def __init__(self, countdown: int, signal_number: int) -> None:
        self._countdown = countdown
        self._signal = signal_number
        self.armed = False

    def arm(self) -> None:
        self.armed = True

    def due(self) -> bool:
        """Whether this passage is the fatal one."""
        if not self.armed:
            return False
        self._countdown -= 1
        return self._countdown == 0

    def strike(self) -> None:
        self.armed = False
        os.kill(os.getpid(), self._signal)

    def pass_by(self) -> None:
        if self.due():
            self.strike()


def before(owner: Any, name: str, fate: Fate) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def struck(*args: Any, **options: Any) -> Any:
        fate.pass_by()
        return original(*args, **options)

    setattr(owner, name, struck)


def after(owner: Any, name: str, fate: Fate) -> None:
    original: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def struck(*args: Any, **options: Any) -> Any:
        found = await original(*args, **options)
        fate.pass_by()
        return found

    setattr(owner, name, struck)


def amid(owner: Any, name: str, fate: Fate) -> None:
    """Strike when the statement is on its way and its answer is not there yet."""
    original: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def struck(*args: Any, **options: Any) -> Any:
        if fate.due():
            asyncio.get_running_loop().call_later(ANSWER_LOST_AFTER, fate.strike)
        return await original(*args, **options)

    setattr(owner, name, struck)


def after_claims(owner: Any, name: str, fate: Fate) -> None:
    """Strike when something was claimed and nothing of it sent."""
    original: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def struck(*args: Any, **options: Any) -> Any:
        found = await original(*args, **options)
        if found.claims:
            fate.pass_by()
        return found

    setattr(owner, name, struck)


POINTS: dict[str, Callable[[Fate], None]] = {
    "read_before_tx1": lambda fate: before(intake, "accept", fate),
    "inside_tx1": lambda fate: after(acceptance, "_insert", fate),
    "after_tx1_before_offsets": lambda fate: after(intake, "accept", fate),
    "after_offsets": lambda fate: after(intake.Intake, "_commit", fate),
    "tx2_answer_lost": lambda fate: amid(worker, "claim", fate),
    "after_tx2_before_sending": lambda fate: after_claims(worker, "claim", fate),
    "sent_answer_unread": lambda fate: before(streams._Wire, "data_received", fate),
    "inside_tx3": lambda fate: after(recording, "_finish", fate),
}
"""The eight points between intake and outcome, in their order."""


def die_of(webhook_id: str) -> None:
    """Every attempt to send this one ends the process, as a defect that only it meets would."""
    make = attempts.Attempts.make

    async def fatal(self: attempts.Attempts, claim: Claim, may_begin: Callable[[], bool]) -> AttemptOutcome:
        if claim.webhook_id == webhook_id:
            os.kill(os.getpid(), signal.SIGKILL)
        return await make(self, claim, may_begin)

    attempts.Attempts.make = fatal  # type: ignore[method-assign, assignment] # dying is the purpose


def swap_offsets_and_tx1() -> None:
    connect, process = intake.Intake._consumer, intake.Intake._process
    consumers: list[Any] = []

    def connected(self: intake.Intake) -> Any:
        consumers.append(connect(self))
        return consumers[-1]

    async def swapped(self: intake.Intake, producer: Any, records: dict[Any, list[Any]]) -> None:
        await consumers[-1].commit({partition: items[-1].offset + 1 for partition, items in records.items()})
        await process(self, producer, records)

    intake.Intake._consumer = connected  # type: ignore[method-assign] # breaking the order is the purpose
    intake.Intake._process = swapped  # type: ignore[method-assign] # breaking the order is the purpose


def tell(ok: bool, reason: str) -> None:
    print("ready" if ok else f"not ready: {reason}", flush=True)  # noqa: T201 - the log of the run


async def main() -> None:
    options = json.loads(sys.argv[1])
    fate = Fate(options["countdown"], options["signal"])
    if options["point"]:
        POINTS[options["point"]](fate)
    if options["poison"]:
        die_of(options["poison"])
    if options["swapped"]:
        swap_offsets_and_tx1()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, fate.arm)
    registry = CollectorRegistry()
    setup = Setup(Sources(**options["sources"]), Limits(**options["limits"]))
    await dispatch(load_settings(), WebhookMetrics(registry), tell, stop, setup=setup)
    fenced = registry.get_sample_value("greenlane_webhook_deliveries_total", {"outcome": "fenced"})
    print(f"fenced {fenced or 0:.0f}", flush=True)  # noqa: T201 - read by the suite


if __name__ == "__main__":
    uvloop.run(main())
