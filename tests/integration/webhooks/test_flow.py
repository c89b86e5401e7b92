"""From Kafka to a receiver: everything arrives, signed, in order, at those it is meant for."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook
from tests.integration.webhooks.harness import (
    Received,
    Receiver,
    Reply,
    Statement,
    World,
    decision,
    expected_id,
    score,
    until,
    world_of,
)

from greenlane.contracts.dead_letters import DeadLetter
from greenlane.operations.embedded import EmbeddedPostgres
from greenlane.webhook_receiver import accept_if_newer, verify
from greenlane.webhooks.management.administration import Administration, administration
from greenlane.webhooks.management.views import NewEndpoint
from greenlane.webhooks.states import EndpointState, State


async def in_state(webhooks: Administration, endpoint_id: str, state: EndpointState) -> None:
    async def reached() -> bool:
        return any(item.endpoint_id == endpoint_id and item.state is state for item in await webhooks.list_endpoints())

    await until(reached)


async def active(
    webhooks: Administration, url: str, marketplace: str = "demo-vn", seller: str | None = None
) -> NewEndpoint:
    """Add an endpoint and wait until its test was answered."""
    new = await webhooks.add_endpoint(url, marketplace, seller)
    await in_state(webhooks, new.endpoint.endpoint_id, EndpointState.ACTIVE)
    return new


async def settled(webhooks: Administration, count: int) -> None:
    """Wait until `count` deliveries are final and none is open, so that nothing more can be sent."""

    async def all_final() -> bool:
        listed = await webhooks.deliveries(limit=10_000)
        final = {State.DELIVERED, State.SUPERSEDED, State.CANCELLED, State.EXHAUSTED}
        return len(listed) == count and all(item.state in final for item in listed)

    await until(all_final)


def orders(received: list[Received]) -> list[int]:
    return [item.event["data"]["sequence"] for item in received]


async def test_scores_and_decisions_arrive_with_signatures_every_library_accepts(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    world.start()
    secret = (await active(webhooks, receiver.url())).secret
    statements: list[Statement] = [score("s-1", 1), decision("s-1", 2), score("s-2", 1)]
    await world.append(*statements)
    await until(lambda: len(receiver.got()) >= 3)
    assert {item.id for item in receiver.got()} == {expected_id(item) for item in statements}
    for item in receiver.requests:
        StandardWebhook(secret).verify(item.body, item.headers)
        SvixWebhook(secret).verify(item.body, item.headers)
        assert verify(item.headers, item.body, [secret], time.time()).id == item.id
        assert item.headers["content-type"] == "application/json"
    sent = {item.id: item.body for item in receiver.got()}
    assert sent[expected_id(statements[1])] == statements[1].model_dump_json().encode()
    assert {item.event["data"]["as_of"] for item in receiver.got()} == {"open_day", "closed_day"}


async def test_a_dispatcher_killed_between_intake_and_sending_loses_nothing(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    first = world.start()
    await active(webhooks, receiver.url())
    world.kill(first)
    takes_in_only = world.start(requests=0)
    statements = [decision(f"s-{number}", 1) for number in range(50)]
    await world.append(*statements)

    async def written() -> bool:
        return len(await webhooks.deliveries(state=State.PENDING, limit=100)) == 50

    await until(written)
    world.kill(takes_in_only)
    assert receiver.got() == []
    world.start()
    await settled(webhooks, 51)
    assert sorted(item.id for item in receiver.got()) == sorted(expected_id(item) for item in statements)


async def test_a_dispatcher_killed_before_the_outcome_sends_again_under_the_same_id(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    process = world.start()
    await active(webhooks, receiver.url())
    killed: list[str] = []

    def kill_at_first(request: Received) -> Reply:
        if not killed:
            killed.append(request.id)
            world.kill(process)
        return Reply()

    receiver.answer = kill_at_first
    statements = [decision("s-1", number) for number in range(6)]
    await world.append(*statements)
    await until(lambda: killed)
    world.start()
    await settled(webhooks, 7)
    ids = [item.id for item in receiver.got()]
    assert ids == [killed[0], *(expected_id(item) for item in statements)]
    assert ids[0] == ids[1]


async def test_after_an_outage_only_the_latest_score_is_sent_and_every_decision_in_order(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    world.start()
    await active(webhooks, receiver.url())
    await receiver.down()
    for number in range(1, 31):
        await world.append(score("s-1", number), decision("s-1", number), decision("s-2", number))

    async def taken_in() -> bool:
        return len(await webhooks.deliveries(limit=1_000)) == 91

    await until(taken_in)
    await receiver.up()
    await settled(webhooks, 91)
    assert orders([item for item in receiver.got() if item.type == "seller.score.updated"]) == [30]
    for seller in ("s-1", "s-2"):
        badges = [item for item in receiver.got() if item.type == "badge.granted" and item.event["subject"] == seller]
        assert orders(badges) == list(range(1, 31))


async def test_a_newer_score_never_gives_way_to_an_older_one_still_being_retried(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    world.start()
    await active(webhooks, receiver.url())
    receiver.answer = lambda request: Reply(500 if request.event["data"]["sequence"] == 1 else 200, delay=0.5)
    await world.append(score("s-1", 1))
    await until(lambda: len(receiver.got()) == 1)
    await world.append(score("s-1", 2))
    await settled(webhooks, 3)
    assert orders(receiver.got()) == [1, 2]
    newest: dict[str, tuple[str, int]] = {}
    assert [accept_if_newer(newest, item.event) for item in receiver.got()] == [True, True]


async def test_gone_disables_the_endpoint_and_a_test_releases_what_was_held(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    world.start()
    endpoint_id = (await active(webhooks, receiver.url())).endpoint.endpoint_id
    receiver.answer = lambda _: Reply(410)
    await world.append(decision("s-1", 1))
    await in_state(webhooks, endpoint_id, EndpointState.DISABLED)
    await world.append(decision("s-1", 2), decision("s-2", 1))

    async def held() -> bool:
        return len(await webhooks.deliveries(endpoint_id, State.HELD)) == 3

    await until(held)
    assert len(receiver.got()) == 1
    receiver.answer = lambda _: Reply()
    assert (await webhooks.send_test(endpoint_id, wait_seconds=30)).state is State.DELIVERED
    await settled(webhooks, 5)
    assert orders([item for item in receiver.got() if item.event["subject"] == "s-1"]) == [1, 1, 2]


async def test_retry_after_holds_the_whole_endpoint(world: World, webhooks: Administration, receiver: Receiver) -> None:
    world.start()
    await active(webhooks, receiver.url())
    receiver.answer = lambda _: Reply(503, {"retry-after": "7"}) if len(receiver.got()) == 1 else Reply()
    await world.append(decision("s-1", 1))

    async def recorded() -> bool:
        return [item.attempts for item in await webhooks.deliveries(state=State.PENDING)] == [1]

    await until(recorded)
    await world.append(*(decision(f"s-{number}", 1) for number in range(2, 12)))
    await settled(webhooks, 12)
    refused, *later = receiver.got()
    assert min(item.at for item in later) - refused.at >= 7
    assert len(later) == 11


async def test_an_unconfirmed_endpoint_gets_nothing_but_the_test_until_it_answers(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    world.start()
    receiver.answer = lambda _: Reply(500)
    endpoint_id = (await webhooks.add_endpoint(receiver.url(), "demo-vn")).endpoint.endpoint_id
    await world.append(score("s-1", 1), decision("s-1", 2))

    async def held() -> bool:
        return len(await webhooks.deliveries(endpoint_id, State.HELD)) == 2

    await until(held)
    await until(lambda: len(receiver.got(tests=True)) >= 2)
    assert receiver.got() == []
    receiver.answer = lambda _: Reply()
    await webhooks.send_test(endpoint_id)
    await until(lambda: len(receiver.got()) == 2)


async def test_an_endpoint_sees_nothing_of_another_marketplace_or_seller(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    world.start()
    await active(webhooks, receiver.url("/vn"))
    await active(webhooks, receiver.url("/vn-s-1"), seller="s-1")
    await active(webhooks, receiver.url("/br"), "olist-br")
    await active(webhooks, receiver.url("/br-s-1"), "olist-br", "s-1")
    for number, marketplace in enumerate(("demo-vn", "olist-br"), start=1):
        await world.append(*(decision(seller, number, marketplace=marketplace) for seller in ("s-1", "s-2")))
    await settled(webhooks, 4 + 6)
    seen = {
        path: {(item.event["data"]["marketplace"], item.event["subject"]) for item in receiver.got(path)}
        for path in ("/vn", "/vn-s-1", "/br", "/br-s-1")
    }
    assert seen == {
        "/vn": {("demo-vn", "s-1"), ("demo-vn", "s-2")},
        "/vn-s-1": {("demo-vn", "s-1")},
        "/br": {("olist-br", "s-1"), ("olist-br", "s-2")},
        "/br-s-1": {("olist-br", "s-1")},
    }


async def test_a_record_that_cannot_be_read_is_dead_lettered_and_its_neighbours_go_on(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    world.start()
    await active(webhooks, receiver.url())
    good = decision("s-1", 1)
    foreign = good.model_copy(update={"source": "/marketplaces/olist-br"}).model_dump_json().encode()
    poison = {b"not json": "not_json", b'{"type": "greenlane.odd"}': "unknown_type", b"[]": "not_a_cloud_event"}
    await world.append(good)
    await world.append_raw(*((world.decisions, b"demo-vn/s-1", raw) for raw in poison))
    await world.append_raw((world.decisions, b"demo-vn/s-1", foreign), (world.scores, b"demo-vn/s-1", None))
    await world.append(decision("s-1", 2))
    await settled(webhooks, 3)
    assert orders(receiver.got()) == [1, 2]
    letters = await dead_letters(world, 4)
    assert {letter.data.raw(): letter.data.failure.code.value for letter in letters} == poison | {
        foreign: "source_mismatch"
    }


async def dead_letters(world: World, count: int) -> list[DeadLetter]:
    consumer = AIOKafkaConsumer(
        world.dead_letters, bootstrap_servers=world.bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [DeadLetter.model_validate_json((await consumer.getone()).value) for _ in range(count)]
    finally:
        await consumer.stop()


async def test_records_read_again_from_the_start_are_not_sent_again(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    first = world.start()
    await active(webhooks, receiver.url())
    await world.append(*(decision("s-1", number) for number in range(20)), *(score("s-1", n) for n in range(20)))
    await settled(webhooks, 41)
    world.kill(first)
    sent = [item.id for item in receiver.got()]
    world.start(group="another")
    await world.append(decision("s-1", 99))
    await settled(webhooks, 42)
    assert [item.id for item in receiver.got()] == [*sent, expected_id(decision("s-1", 99))]


async def test_two_dispatchers_share_the_endpoints_and_a_frozen_one_is_fenced(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    frozen, other = world.start(), world.start()
    paths = [f"/hook-{number}" for number in range(8)]
    for path in paths:
        await active(webhooks, receiver.url(path))
    frozen.send_signal(19)
    await world.append(*(decision("s-1", number) for number in range(10)))
    await until(lambda: all(len(set(ids(receiver, path))) == 10 for path in paths))
    frozen.send_signal(18)
    await settled(webhooks, 8 + 80)
    assert other.poll() is None
    assert frozen.poll() is None
    for path in paths:
        first_seen = list(dict.fromkeys(ids(receiver, path)))
        assert first_seen == [expected_id(decision("s-1", number)) for number in range(10)]


def ids(receiver: Receiver, path: str) -> list[str]:
    return [item.id for item in receiver.got(path)]


async def test_a_removed_endpoint_gets_nothing_more(world: World, webhooks: Administration, receiver: Receiver) -> None:
    world.start()
    endpoint_id = (await active(webhooks, receiver.url())).endpoint.endpoint_id
    receiver.answer = lambda _: Reply(500)
    await world.append(decision("s-1", 1))
    await until(lambda: len(receiver.got()) == 1)
    await webhooks.remove_endpoint(endpoint_id)
    await world.append(decision("s-1", 2))
    await settled(webhooks, 2)
    assert len(receiver.got()) == 1
    assert await webhooks.list_endpoints() == []


async def test_a_name_that_leads_to_a_private_address_is_not_dialled_and_the_owner_is_told(
    world: World, webhooks: Administration
) -> None:
    world.allow_private = False
    world.start()
    new = await webhooks.add_endpoint("https://localhost/hook", "demo-vn")
    await in_state(webhooks, new.endpoint.endpoint_id, EndpointState.NEEDS_ATTENTION)
    (sent,) = await webhooks.deliveries(new.endpoint.endpoint_id)
    assert (sent.state, sent.reason, sent.attempts) == (State.CANCELLED, "forbidden_address", 0)
    told = json.dumps([item.reason for item in await webhooks.list_endpoints()])
    assert "forbidden_address" in told
    assert "127.0.0.1" not in told


async def test_sigterm_gives_the_shards_up_at_once(world: World, webhooks: Administration, receiver: Receiver) -> None:
    first = world.start(shard_lease=600.0, renew_every=0.5)
    await active(webhooks, receiver.url())
    first.terminate()
    assert await asyncio.to_thread(first.wait, 30) == 0
    world.start(shard_lease=600.0, renew_every=0.5)
    await world.append(decision("s-1", 1))
    await until(lambda: len(receiver.got()) == 1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def test_an_outage_of_the_database_is_waited_out(
    bootstrap_servers: str, topics: Callable[..., str], receiver: Receiver, server_dir: Path, tmp_path: Path
) -> None:
    with (
        EmbeddedPostgres(server_dir / "outage", port=free_port()) as postgres,
        world_of(postgres.database_url, bootstrap_servers, topics, tmp_path) as world,
    ):
        dispatcher = world.start()
        async with administration(world.settings()) as webhooks:
            await active(webhooks, receiver.url())
        receiver.answer = lambda _: Reply(delay=1.0)
        await world.append(decision("s-1", 1))
        await until(lambda: len(receiver.got()) == 1)
        await asyncio.to_thread(postgres.stop)
        await world.append(decision("s-1", 2), score("s-1", 3))
        await asyncio.sleep(2)
        assert len(receiver.got()) == 1
        await asyncio.to_thread(postgres.start)
        async with administration(world.settings()) as webhooks:
            await settled(webhooks, 4)
        assert dispatcher.poll() is None
    assert list(dict.fromkeys(orders(receiver.got()))) in ([1, 2, 3], [1, 3, 2])
