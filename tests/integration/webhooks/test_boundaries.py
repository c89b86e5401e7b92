"""What nobody foresaw costs one delivery, one record or one round of a task, and never the dispatcher."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from tests.integration.webhooks.harness import Receiver, World, decision, expected_id, until
from tests.integration.webhooks.test_flow import active, dead_letters, in_state

from greenlane.operations.metrics import UNEXPECTED, ProcessMetrics, WebhookMetrics
from greenlane.webhooks.dispatcher import worker
from greenlane.webhooks.dispatcher.intake import acceptance
from greenlane.webhooks.dispatcher.intake import consumer as intake
from greenlane.webhooks.dispatcher.intake.consumer import Sources
from greenlane.webhooks.dispatcher.intake.messages import read_message
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.process import Setup, dispatch
from greenlane.webhooks.dispatcher.recording import outcomes as recording
from greenlane.webhooks.dispatcher.recording import recorder
from greenlane.webhooks.dispatcher.sending.attempts import Attempts
from greenlane.webhooks.dispatcher.sending.handshake import Handshakes
from greenlane.webhooks.dispatcher.unexpected import Unexpected
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.states import EndpointState, State

OLDER_URLS = (
    "https://xn--a/",
    "https://xn--i-7iq.example/hook",
    "https://.127.0.0.1/hook",
    "https://localhost../hook",
    "https://999.1.1.1/hook",
    "https://" + "a" * 64 + ".example/hook",
    "https://" + "a." * 200 + "example/hook",
    "not a url",
    "",
)


@contextlib.asynccontextmanager
async def dispatching(world: World, unexpected: Unexpected, origin: str = "") -> AsyncIterator[asyncio.Task[None]]:
    """A dispatcher in this process, so that its parts can be made to fail."""
    stop = asyncio.Event()
    setup = Setup(
        Sources(scores=world.scores, decisions=world.decisions, dead_letters=world.dead_letters, group=world.scores),
        Limits(shard_lease=2.0, renew_every=0.5, delivery_lease=5.0, attempt=2.0, measure_every=0.2, forget_every=0.2),
        unexpected=unexpected,
    )
    settings = world.settings().model_copy(update={"webhook_origin": origin})
    metrics = WebhookMetrics(CollectorRegistry())
    running = asyncio.create_task(dispatch(settings, metrics, lambda _ok, _why: None, stop, setup=setup))
    try:
        yield running
    finally:
        stop.set()
        await running


async def test_urls_that_an_older_version_took_cost_their_own_deliveries_only(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    process = world.start()
    await active(webhooks, receiver.url())
    older = [await webhooks.add_endpoint(receiver.url("/older"), "demo-vn") for _ in OLDER_URLS]
    for new in older:
        await in_state(webhooks, new.endpoint.endpoint_id, EndpointState.ACTIVE)
    async with webhooks.engine.begin() as connection:
        for new, url in zip(older, OLDER_URLS, strict=True):
            values = {"url": url, "id": new.endpoint.endpoint_id}
            await connection.execute(sa.text("UPDATE endpoint SET url = :url WHERE endpoint_id = :id"), values)
    statements = [decision(f"s-{number}", 1) for number in range(5)]
    await world.append(*statements)

    async def over() -> bool:
        others = [await webhooks.deliveries(new.endpoint.endpoint_id) for new in older]
        return all(
            len(listed) == 1 + len(statements)
            and any(item.attempts or item.state is State.HELD for item in listed[:-1])
            for listed in others
        )

    await until(over)
    await until(lambda: {item.id for item in receiver.got()} == {expected_id(item) for item in statements})
    await in_state(webhooks, older[0].endpoint.endpoint_id, EndpointState.NEEDS_ATTENTION)
    reasons = {item.reason for item in await webhooks.deliveries(older[0].endpoint.endpoint_id, State.HELD)}
    assert reasons <= {"needs_attention", "unusable_url"}
    assert "unusable_url" in reasons
    assert process.poll() is None


def failing_first(real: Callable[..., Awaitable[Any]], failed: list[str], name: str) -> Callable[..., Awaitable[Any]]:
    async def fails_first(*words: Any, **options: Any) -> Any:
        if name not in failed:
            failed.append(name)
            raise RuntimeError(name)
        return await real(*words, **options)

    return fails_first


PERIODIC = (
    "renew",
    "due_endpoints",
    "give_notices",
    "disable_failing",
    "measure",
    "forget_attempts",
    "claim",
    "hear_due",
)


async def test_every_task_of_the_dispatcher_outlives_an_error_in_it(
    world: World, webhooks: Administration, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []
    for name in PERIODIC:
        monkeypatch.setattr(worker, name, failing_first(getattr(worker, name), failed, name))
    registry = CollectorRegistry()
    process = ProcessMetrics(registry, "1", "1", "1")
    async with dispatching(world, Unexpected(lambda: process.error(UNEXPECTED))) as running:
        await active(webhooks, receiver.url())
        await world.append(decision("s-1", 1))
        await until(lambda: len(receiver.got()) == 1 and set(failed) == set(PERIODIC))
        assert not running.done()
    assert registry.get_sample_value("greenlane_errors_total", {"kind": "unexpected"}) == len(PERIODIC)


async def test_an_error_in_an_attempt_a_handshake_or_an_outcome_costs_that_delivery(  # noqa: C901 - four faults, one start
    world: World, webhooks: Administration, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad: dict[str, str] = {}
    make, record = Attempts.make, recording.record

    async def making(self: Attempts, claim: Any, *rest: Any) -> Any:
        if claim.endpoint_id == bad.get("attempt"):
            raise RuntimeError("attempt")
        return await make(self, claim, *rest)

    async def asking(_self: Handshakes, _endpoint_id: str, url: str) -> None:
        if url.endswith("/handshake"):
            raise RuntimeError("handshake")

    async def recorded(engine: Any, outcomes: Any) -> Any:
        if any(outcome.claim.endpoint_id == bad.get("outcome") for outcome in outcomes):
            raise RuntimeError("outcome")
        return await record(engine, outcomes)

    monkeypatch.setattr(Attempts, "make", making)
    monkeypatch.setattr(Handshakes, "ask", asking)
    monkeypatch.setattr(recorder, "record", recorded)
    counted: list[None] = []
    async with dispatching(world, Unexpected(lambda: counted.append(None)), "sender.example") as running:
        for name in ("good", "attempt", "outcome", "unreadable"):
            bad[f"later {name}"] = (await active(webhooks, receiver.url(f"/{name}"))).endpoint.endpoint_id
        shy = (await webhooks.add_endpoint(receiver.url("/handshake"), "demo-vn")).endpoint.endpoint_id
        await in_state(webhooks, shy, EndpointState.NEEDS_ATTENTION)
        bad |= {name.removeprefix("later "): endpoint_id for name, endpoint_id in bad.items()}
        async with webhooks.engine.begin() as connection:
            body = "BEGIN NEW.mode = 'newer'; RETURN NEW; END"
            trap = f"CREATE FUNCTION newer() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
            await connection.execute(sa.text(trap))
            caught = f"WHEN (NEW.endpoint_id = '{bad['unreadable']}') EXECUTE FUNCTION newer()"
            await connection.execute(sa.text(f"CREATE TRIGGER newer BEFORE INSERT ON delivery FOR EACH ROW {caught}"))
        statements = [decision(f"s-{number}", 1) for number in range(3)]
        await world.append(*statements)
        ids = {expected_id(item) for item in statements}
        await until(lambda: {item.id for item in receiver.got("/good")} == ids)

        async def tried(name: str) -> bool:
            listed = [item for item in await webhooks.deliveries(bad[name]) if item.webhook_id in ids]
            return len(listed) == len(ids) and all(item.reason == "unexpected" for item in listed)

        for name in ("attempt", "outcome", "unreadable"):
            await until(partial(tried, name))
        (attempt, *_) = await webhooks.attempts(bad["attempt"], expected_id(statements[0]))
        assert (attempt.status, attempt.failure) == (None, "unexpected")
        for name in ("outcome", "unreadable"):
            stopped = await webhooks.deliveries(bad[name], State.QUARANTINED)
            assert {item.webhook_id for item in stopped} == ids
        assert not running.done()
    assert receiver.got("/attempt") == []
    assert len(counted) >= 4


async def test_an_error_at_one_record_is_one_dead_letter(
    world: World, webhooks: Administration, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, accept = read_message, acceptance.accept
    unread = decision("s-unread", 1).model_dump_json().encode()
    untaken = decision("s-untaken", 1)

    def reading(record: Any) -> Any:
        if record.value == unread:
            raise RuntimeError("reading")
        return read(record)

    async def accepting(engine: Any, messages: Any, *rest: Any) -> Any:
        if any(message.seller_id == "s-untaken" for message in messages):
            raise RuntimeError("accepting")
        return await accept(engine, messages, *rest)

    monkeypatch.setattr(intake, "read_message", reading)
    monkeypatch.setattr(intake, "accept", accepting)
    nested = b'{"type":"greenlane.heartbeat.v1","x":' + b"[" * 100_000
    async with dispatching(world, Unexpected()) as running:
        await active(webhooks, receiver.url())
        good = [decision("s-1", number) for number in (1, 2, 3)]
        await world.append(good[0])
        await world.append_raw((world.decisions, b"demo-vn/s-unread", unread), (world.decisions, b"x", nested))
        await world.append(untaken, *good[1:])
        await until(lambda: [item.id for item in receiver.got()] == [expected_id(item) for item in good])
        letters = await dead_letters(world, 3)
        assert not running.done()
    codes = {letter.data.raw(): letter.data.failure.code.value for letter in letters}
    assert codes == {
        unread: "unexpected_error",
        untaken.model_dump_json().encode(): "unexpected_error",
        nested: "not_json",
    }
    assert all(letter.data.failure.retriable for letter in letters if letter.data.failure.code == "unexpected_error")
