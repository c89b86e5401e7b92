"""Kills at points between intake and outcome, and proof that the tests notice a removed fence or a swapped order."""

import signal
import subprocess

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.faults.webhooks.life import start_dying
from tests.integration.webhooks.harness import Receiver, World, decision, expected_id, until

from greenlane.database.connection import migrate, open_database
from greenlane.webhooks.dispatcher.claiming.claims import Claim, Want, claim, expired
from greenlane.webhooks.dispatcher.claiming.shards import renew
from greenlane.webhooks.dispatcher.intake.acceptance import accept
from greenlane.webhooks.dispatcher.intake.messages import Message, sequence_number
from greenlane.webhooks.dispatcher.recording import outcomes as recording
from greenlane.webhooks.dispatcher.recording.outcomes import AttemptOutcome, record
from greenlane.webhooks.dispatcher.verdicts import Answer, judge
from greenlane.webhooks.identity import shard_of
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.states import EndpointState, Failure, Mode, State
from greenlane.webhooks.tables import SHARDS
from greenlane.webhooks.vault import Vault

DECISIONS = [decision(f"s-{number}", 1) for number in range(40)]
IDS = {expected_id(item) for item in DECISIONS}


async def armed(world: World, webhooks: Administration, receiver: Receiver, process: subprocess.Popen[bytes]) -> None:
    """An active endpoint, and a dispatcher that dies at its point from now on."""
    endpoint_id = (await webhooks.add_endpoint(receiver.url(), "demo-vn")).endpoint.endpoint_id
    log = world.folder / "dispatcher-0.log"
    await until(lambda: "\nready" in "\n" + log.read_text(encoding="utf-8"))

    async def active() -> bool:
        states = {item.endpoint_id: item.state for item in await webhooks.list_endpoints()}
        return states[endpoint_id] is EndpointState.ACTIVE

    await until(active)
    process.send_signal(signal.SIGUSR1)


@pytest.mark.parametrize("point", ["inside_tx1", "after_tx2_before_sending", "inside_tx3"])
async def test_a_kill_loses_nothing_and_repeats_only_what_was_under_a_lease(
    world: World, webhooks: Administration, receiver: Receiver, point: str
) -> None:
    process = start_dying(world, point, 1)
    await armed(world, webhooks, receiver, process)
    await world.append(*DECISIONS)
    await until(lambda: process.poll() is not None)
    leased = {item.webhook_id for item in await webhooks.deliveries(state=State.LEASED, limit=100)}
    start_dying(world, "", 1)

    async def all_delivered() -> bool:
        return len(await webhooks.deliveries(state=State.DELIVERED, limit=100)) == 1 + len(DECISIONS)

    await until(all_delivered, 150)
    received = [item.id for item in receiver.got()]
    assert set(received) == IDS
    assert all(received.count(item) == 1 or (received.count(item) == 2 and item in leased) for item in IDS)


async def test_a_delivery_that_kills_every_dispatcher_is_stopped_and_stops_no_other(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    poison = expected_id(DECISIONS[5])
    process = start_dying(world, "", 1, poison=poison)
    await armed(world, webhooks, receiver, process)
    await world.append(*DECISIONS)

    async def settled() -> bool:
        nonlocal process
        if process.poll() is not None:
            process = start_dying(world, "", 1, poison=poison)
        delivered = await webhooks.deliveries(state=State.DELIVERED, limit=100)
        stopped = await webhooks.deliveries(state=State.QUARANTINED)
        return len(delivered) == len(DECISIONS) and len(stopped) == 1

    await until(settled, 240)
    assert {item.id for item in receiver.got()} == IDS - {poison}
    assert [item.webhook_id for item in await webhooks.deliveries(state=State.QUARANTINED)] == [poison]


@pytest.mark.parametrize("swapped", [False, True])
async def test_offsets_after_tx1_lose_nothing_and_before_it_they_would(
    world: World, webhooks: Administration, receiver: Receiver, *, swapped: bool
) -> None:
    process = start_dying(world, "read_before_tx1", 1, swapped=swapped)
    await armed(world, webhooks, receiver, process)
    first, second = decision("s-1", 1), decision("s-1", 2)
    await world.append(first)
    await until(lambda: process.poll() is not None)
    start_dying(world, "", 1)
    await world.append(second)
    await until(lambda: expected_id(second) in {item.id for item in receiver.got()}, 150)
    assert (expected_id(first) in {item.id for item in receiver.got()}) is not swapped


@pytest.mark.parametrize("fenced", [True, False])
async def test_a_late_outcome_changes_nothing_and_without_the_fence_it_would(
    database_url: str, monkeypatch: pytest.MonkeyPatch, *, fenced: bool
) -> None:
    if not fenced:
        fence = " AND d.attempt_no = r.attempt_no AND d.epoch = r.epoch"
        assert fence in str(recording._FINISH)
        monkeypatch.setattr(recording, "_FINISH", sa.text(str(recording._FINISH).replace(fence, "")))
    await migrate(SecretStr(database_url))
    engine = open_database(SecretStr(database_url))
    try:
        late = await late_outcome(engine)
        assert (await record(engine, [late])).fenced == (1 if fenced else 0)
        async with engine.connect() as connection:
            state = (await connection.execute(sa.text("SELECT state FROM delivery WHERE mode = 'fifo'"))).scalar_one()
        assert state == ("leased" if fenced else "delivered")
    finally:
        await engine.dispose()


async def late_outcome(engine: AsyncEngine) -> AttemptOutcome:
    """A success that comes when its lease was lost and somebody else has the delivery."""
    desk = Administration(engine, Vault(b"k" * 32), allow_private=True)
    endpoint_id = (await desk.add_endpoint("http://127.0.0.1:9/hook", "demo-vn")).endpoint.endpoint_id
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE endpoint SET state = 'active'"))
        await connection.execute(sa.text("DELETE FROM delivery"))
    seq = sequence_number(DECISIONS[0].data.day, 1)
    day = DECISIONS[0].data.day
    message = Message(
        "msg_1", day, "badge.granted", Mode.FIFO, "badge:1", seq, "demo-vn", "s-1", b"{}", 4_000_000_000_000
    )
    await accept(engine, [message])
    stale = await claimed(engine, endpoint_id, 0.0)
    (lost,) = await expired(engine, list(range(SHARDS)), 10)
    answer = Answer(None, Failure.LEASE_LOST)
    await record(engine, [AttemptOutcome(lost, answer, judge(lost.mode, 1, answer, 1.0))])
    await claimed(engine, endpoint_id, 60.0)
    return AttemptOutcome(stale, Answer(200), judge(stale.mode, 1, Answer(200), 1.0))


async def claimed(engine: AsyncEngine, endpoint_id: str, lease: float) -> Claim:
    epochs = (await renew(engine, "tester", 60.0)).epochs
    shard = shard_of(endpoint_id)
    (item,) = (await claim(engine, "tester", [Want(endpoint_id, shard, epochs[shard], 1)], lease)).claims
    return item
