"""The dispatcher's transactions on a real PostgreSQL: order and completeness under concurrency, leases, migrations."""

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.webhooks.harness import DAY

from greenlane.database.connection import migrate, open_database
from greenlane.errors import WrongUseError
from greenlane.operations.metrics import WebhookMetrics
from greenlane.settings import SettingsError
from greenlane.webhooks.dispatcher.claiming.claims import Claim, Want, claim, expired
from greenlane.webhooks.dispatcher.claiming.shards import release_all, renew
from greenlane.webhooks.dispatcher.intake.acceptance import accept
from greenlane.webhooks.dispatcher.intake.messages import Message, sequence_number
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.recording.failing import disable_failing
from greenlane.webhooks.dispatcher.recording.outcomes import AttemptOutcome, record
from greenlane.webhooks.dispatcher.sending.attempts import Attempts
from greenlane.webhooks.dispatcher.sending.keyring import Keyring
from greenlane.webhooks.dispatcher.sending.network import GuardedBackend, Resolver
from greenlane.webhooks.dispatcher.sending.transport import Transport
from greenlane.webhooks.dispatcher.verdicts import Answer, Verdict, judge
from greenlane.webhooks.dispatcher.worker import Worker
from greenlane.webhooks.identity import shard_of
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.states import EndpointState, Failure, Mode, State
from greenlane.webhooks.tables import SHARDS, metadata
from greenlane.webhooks.vault import Vault

LATER = 4_000_000_000_000
OWNER = "tester"
ORPHANS = sa.text("""
    SELECT count(*) FROM delivery d WHERE d.state = 'pending' AND d.due_at = 'infinity' AND NOT EXISTS (
      SELECT FROM delivery f WHERE f.endpoint_id = d.endpoint_id AND f.order_key = d.order_key AND f.seq < d.seq
        AND f.state IN ('pending', 'leased', 'held', 'quarantined'))""")


@pytest.fixture
def webhooks(engine: AsyncEngine) -> Administration:
    return Administration(engine, Vault(b"k" * 32), allow_private=True)


async def add_active(webhooks: Administration, seller: str | None = None) -> str:
    new = await webhooks.add_endpoint("http://127.0.0.1:9/hook", "demo-vn", seller)
    async with webhooks.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE endpoint SET state = 'active'"))
        await connection.execute(sa.text("DELETE FROM delivery WHERE mode = 'unordered'"))
    return new.endpoint.endpoint_id


def message(mode: Mode, seller: str, sequence: int) -> Message:
    return Message(
        webhook_id=f"msg_{mode}_{seller}_{sequence}",
        day=DAY,
        type="seller.score.updated" if mode is Mode.LATEST else "badge.granted",
        mode=mode,
        order_key=f"{mode}:demo-vn/{seller}",
        seq=sequence_number(DAY, sequence),
        marketplace="demo-vn",
        seller_id=seller,
        body=b"{}",
        appended_ms=LATER,
    )


async def claim_some(engine: AsyncEngine, endpoint_ids: list[str], limit: int, lease: float = 60.0) -> list[Claim]:
    epochs = (await renew(engine, OWNER, 60.0)).epochs
    wants = [Want(item, shard_of(item), epochs[shard_of(item)], limit) for item in endpoint_ids]
    return (await claim(engine, OWNER, wants, lease)).claims


def outcome_of(item: Claim, answer: Answer) -> AttemptOutcome:
    verdict = judge(item.mode, 1, answer, 0.0, lost_leases=item.lost_leases)
    return AttemptOutcome(item, answer, verdict)


async def scalar(engine: AsyncEngine, query: str) -> Any:
    async with engine.connect() as connection:
        return (await connection.execute(sa.text(query))).scalar_one()


class Bustle:
    """Intake and several dispatching tasks at once, with dice for their pace, their answers and repeated records."""

    def __init__(self, engine: AsyncEngine, endpoint_ids: list[str], seed: int) -> None:
        self.engine = engine
        self.endpoint_ids = endpoint_ids
        self.dice = random.Random(seed)  # noqa: S311 - a reproducible test, no secret
        self.started: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.delivered: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.under_way: set[tuple[str, str]] = set()
        self.taken_in = False

    async def run(self, stream: list[Message]) -> None:
        epochs = (await renew(self.engine, OWNER, 300.0)).epochs
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            group.create_task(self.take_in(stream))
            for limit in (1, 3, 8):
                wants = [Want(item, shard_of(item), epochs[shard_of(item)], limit) for item in self.endpoint_ids]
                group.create_task(self.dispatch(wants))

    async def take_in(self, stream: list[Message]) -> None:
        position = 0
        while position < len(stream):
            size = self.dice.randint(1, 9)
            await accept(self.engine, stream[max(position - self.dice.choice([0, 0, 5]), 0) : position + size])
            position += size
        self.taken_in = True

    async def dispatch(self, wants: list[Want]) -> None:
        while True:
            last_look = self.taken_in
            claims = (await claim(self.engine, OWNER, wants, 300.0)).claims
            if not claims and last_look:
                return
            for item in claims:
                self.start(item)
            await asyncio.sleep(self.dice.random() / 200)
            outcomes = [outcome_of(item, Answer(self.dice.choice([200, 200, 500]))) for item in claims]
            for outcome in outcomes:
                self.end(outcome)
            if outcomes:
                assert (await record(self.engine, outcomes)).fenced == 0

    def start(self, item: Claim) -> None:
        key = (item.endpoint_id, str(item.order_key))
        assert key not in self.under_way, "two of one order key were under way at once"
        self.under_way.add(key)
        self.started[key].append(item.seq)

    def end(self, outcome: AttemptOutcome) -> None:
        key = (outcome.claim.endpoint_id, str(outcome.claim.order_key))
        self.under_way.discard(key)
        if outcome.answer.success:
            self.delivered[key].append(outcome.claim.seq)


@pytest.mark.parametrize("seed", range(3))
async def test_under_concurrency_order_holds_nothing_is_lost_and_nothing_is_sent_twice_at_once(
    engine: AsyncEngine, webhooks: Administration, seed: int
) -> None:
    bustle = Bustle(engine, [await add_active(webhooks) for _ in range(2)], seed)
    sellers = [f"s-{number}" for number in range(3)]
    stream = [message(mode, seller, n) for n in range(1, 13) for seller in sellers for mode in (Mode.LATEST, Mode.FIFO)]
    await bustle.run(stream)
    every = [sequence_number(DAY, number) for number in range(1, 13)]
    for seqs in bustle.started.values():
        assert seqs == sorted(seqs), "an older one was started after a newer one"
    for (_, order_key), seqs in bustle.delivered.items():
        assert seqs == every if order_key.startswith("fifo") else seqs[-1] == every[-1]
    assert len(bustle.delivered) == 2 * 3 * 2
    assert await scalar(engine, "SELECT count(*) FROM delivery WHERE state NOT IN ('delivered', 'superseded')") == 0
    assert await scalar(engine, "SELECT count(*) FROM delivery") == 2 * len(stream)


async def test_what_waits_behind_another_always_has_another_before_it(
    engine: AsyncEngine, webhooks: Administration
) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, "s-1", number) for number in range(5)])
    (first,) = await claim_some(engine, [endpoint_id], 10)
    assert first.seq == sequence_number(DAY, 0)
    await record(engine, [outcome_of(first, Answer(200))])
    async with engine.connect() as connection:
        assert (await connection.execute(ORPHANS)).scalar_one() == 0
    (second,) = await claim_some(engine, [endpoint_id], 10)
    assert second.seq == sequence_number(DAY, 1)


async def test_a_refused_decision_stops_its_seller_and_no_other(engine: AsyncEngine, webhooks: Administration) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, seller, number) for number in range(2) for seller in ("s-1", "s-2")])
    claims = await claim_some(engine, [endpoint_id], 10)
    refused = next(item for item in claims if "s-1" in item.webhook_id)
    other = next(item for item in claims if "s-2" in item.webhook_id)
    verdict = judge(Mode.FIFO, 3, Answer(422), 0.0)
    await record(engine, [AttemptOutcome(refused, Answer(422), verdict), outcome_of(other, Answer(200))])
    assert [item.webhook_id for item in await claim_some(engine, [endpoint_id], 10)] == ["msg_fifo_s-2_1"]


async def test_what_lost_its_lease_goes_before_what_came_later(engine: AsyncEngine, webhooks: Administration) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, "s-1", 1)])
    (first,) = await claim_some(engine, [endpoint_id], 1, lease=0.0)
    await accept(engine, [message(Mode.FIFO, "s-2", 1)])
    (lost,) = await expired(engine, list(range(SHARDS)), 10)
    await record(engine, [outcome_of(lost, Answer(None, Failure.LEASE_LOST))])
    (again,) = await claim_some(engine, [endpoint_id], 1)
    assert again.webhook_id == first.webhook_id


async def test_an_outcome_that_lost_its_lease_changes_nothing(engine: AsyncEngine, webhooks: Administration) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, "s-1", 1)])
    (stale,) = await claim_some(engine, [endpoint_id], 1, lease=0.0)
    shards = list(range(SHARDS))
    (lost,) = await expired(engine, shards, 10)
    await record(engine, [outcome_of(lost, Answer(None, Failure.LEASE_LOST))])
    (current,) = await claim_some(engine, [endpoint_id], 1)
    recording = await record(engine, [outcome_of(stale, Answer(200))])
    assert (recording.rows, recording.fenced) == ([], 1)
    assert [item.state for item in await webhooks.deliveries()] == [State.LEASED]
    assert (await record(engine, [outcome_of(current, Answer(200))])).fenced == 0
    assert current.attempt_no == stale.attempt_no + 1


async def test_a_payload_that_kills_its_worker_three_times_is_quarantined(
    engine: AsyncEngine, webhooks: Administration
) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, "s-1", 1)])
    for _ in range(3):
        assert await claim_some(engine, [endpoint_id], 1, lease=0.0)
        (lost,) = await expired(engine, list(range(SHARDS)), 10)
        await record(engine, [outcome_of(lost, Answer(None, Failure.LEASE_LOST))])
    assert await claim_some(engine, [endpoint_id], 1) == []
    assert [item.state for item in await webhooks.deliveries()] == [State.QUARANTINED]


async def test_a_shard_taken_over_can_no_longer_be_claimed_from(engine: AsyncEngine, webhooks: Administration) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, "s-1", 1)])
    shard = shard_of(endpoint_id)
    old = (await renew(engine, "old", 0.0)).epochs[shard]
    new = (await renew(engine, "new", 60.0)).epochs[shard]
    assert new > old
    assert (await claim(engine, "old", [Want(endpoint_id, shard, old, 1)], 60.0)).claims == []
    assert len((await claim(engine, "new", [Want(endpoint_id, shard, new, 1)], 60.0)).claims) == 1


@pytest.mark.parametrize("given_up", [False, True])
async def test_what_a_dead_dispatcher_left_under_a_lease_is_due_soon_and_what_a_living_one_has_is_not(
    engine: AsyncEngine, webhooks: Administration, *, given_up: bool
) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, "s-1", 1)])
    assert await claim_some(engine, [endpoint_id], 1, lease=45.0)
    if given_up:
        await release_all(engine, OWNER)
    else:
        await renew(engine, OWNER, 0.0)
    await renew(engine, "heir", 60.0, inherited=18.0)
    left = await scalar(engine, "SELECT extract(epoch FROM lease_until - now())::float8 FROM delivery")
    assert (40.0 < left <= 45.0) if given_up else (10.0 < left <= 18.0)


async def test_dispatchers_share_the_shards_and_a_newcomer_gets_its_part(engine: AsyncEngine) -> None:
    assert len((await renew(engine, "a", 60.0)).epochs) == SHARDS
    assert (await renew(engine, "b", 60.0)).epochs == {}
    kept = (await renew(engine, "a", 60.0)).epochs
    taken = (await renew(engine, "b", 60.0)).epochs
    assert len(kept) == len(taken) == SHARDS // 2
    assert not kept.keys() & taken.keys()


async def test_an_endpoint_that_fails_for_five_days_is_disabled_and_its_messages_are_held(
    engine: AsyncEngine, webhooks: Administration
) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, "s-1", 1)])
    (item,) = await claim_some(engine, [endpoint_id], 1)
    await record(engine, [outcome_of(item, Answer(500))])
    assert await disable_failing(engine, list(range(SHARDS))) == []
    async with engine.begin() as connection:
        query = sa.text(
            "UPDATE endpoint_health SET failures = 20, failing_since = now() - :since * interval '1 second'"
        )
        await connection.execute(query, {"since": timedelta(days=5, seconds=1).total_seconds()})
    assert await disable_failing(engine, list(range(SHARDS))) == [endpoint_id]
    assert [item.state for item in await webhooks.list_endpoints()] == [EndpointState.DISABLED]
    assert [item.state for item in await webhooks.deliveries()] == [State.HELD]


async def test_an_uncharged_outcome_leaves_the_attempts_as_they_were(
    engine: AsyncEngine, webhooks: Administration
) -> None:
    endpoint_id = await add_active(webhooks)
    await accept(engine, [message(Mode.FIFO, "s-1", 1)])
    (item,) = await claim_some(engine, [endpoint_id], 1)
    await record(
        engine, [AttemptOutcome(item, Answer(None), Verdict(State.PENDING, "key_missing", 60.0, 60.0, charged=False))]
    )
    (waiting,) = await webhooks.deliveries()
    assert (waiting.state, waiting.attempts, waiting.reason) == (State.PENDING, 0, "key_missing")


async def test_secrets_lie_encrypted_and_go_with_their_endpoint(engine: AsyncEngine, webhooks: Administration) -> None:
    new = await webhooks.add_endpoint("http://127.0.0.1:9/hook", "demo-vn")
    dump = str(
        await scalar(
            engine, "SELECT string_agg(t::text, ' ') FROM (SELECT s.*, e.* FROM endpoint_secret s, endpoint e) t"
        )
    )
    stored = bytes(await scalar(engine, "SELECT ciphertext FROM endpoint_secret"))
    assert new.secret.startswith("whsec_")
    assert new.secret[6:] not in dump
    assert new.secret.encode()[6:] not in stored
    assert new.secret not in repr(new)
    await webhooks.remove_endpoint(new.endpoint.endpoint_id)
    assert await scalar(engine, "SELECT count(*) FROM endpoint_secret") == 0
    assert [item.state for item in await webhooks.deliveries()] == [State.CANCELLED]


async def test_wrong_use_is_refused_with_the_remedy(webhooks: Administration) -> None:
    with pytest.raises(WrongUseError, match="endpoint_id"):
        await webhooks.send_test("ep_unknown")
    configured = replace(webhooks, marketplaces=("demo-vn",))
    with pytest.raises(WrongUseError, match=r"marketplace: demo-nv .* demo-vn"):
        await configured.add_endpoint("http://127.0.0.1:9/hook", "demo-nv")
    with pytest.raises(WrongUseError, match=r"choose from .*badge\.granted"):
        await webhooks.add_endpoint("http://127.0.0.1:9/hook", "demo-vn", types=["badge.lost"])


async def test_the_migrated_tables_are_those_of_the_code_and_migrating_again_changes_nothing(database_url: str) -> None:
    await asyncio.gather(*(migrate(SecretStr(database_url)) for _ in range(3)))
    engine = open_database(SecretStr(database_url))
    try:
        async with engine.connect() as connection:
            differences = await connection.run_sync(
                lambda sync: compare_metadata(
                    MigrationContext.configure(
                        sync, opts={"version_table": "webhook_schema_version", "compare_server_default": False}
                    ),
                    metadata,
                )
            )
    finally:
        await engine.dispose()
    assert differences == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "not set"),
        ("nonsense", "not an address"),
        ("mysql://localhost/x", "mysql"),
        ("postgresql://nobody:canary@127.0.0.1:1/x", "cannot be used"),
    ],
)
async def test_a_database_that_cannot_be_used_is_named_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        await migrate(SecretStr(url))
    assert "GREENLANE_DATABASE_URL" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_sequence_of_a_later_day_is_always_the_greater_one() -> None:
    assert sequence_number(date(2026, 7, 2), 0) > sequence_number(date(2026, 7, 1), 2**32 - 1)
    assert sequence_number(date(9999, 12, 31), 2**32 - 1) < 2**63


def ahead(seconds: float) -> float:
    return time.time() + seconds


async def test_a_clock_that_differs_from_the_databases_signs_nothing(
    engine: AsyncEngine, webhooks: Administration
) -> None:
    resolver = Resolver()
    for seconds, ready in ((61, False), (59, True)):
        transport = Transport(GuardedBackend(resolver, allow_private=True))
        attempts = Attempts(transport, Keyring(engine, webhooks.vault), 60.0, clock=partial(ahead, seconds))
        metrics = WebhookMetrics(CollectorRegistry())
        worker = Worker(engine, attempts, metrics, owner=OWNER, limits=Limits())
        await worker._hold_shards()
        assert worker.ready is ready
    resolver.close()
