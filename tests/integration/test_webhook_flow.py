"""From Kafka to a receiver: everything arrives, signed, in order, at those it is meant for."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook
from tests.integration.webhook_harness import (
    Receiver,
    World,
    decision,
    expected_id,
    receiving,
    score,
    until,
    world_of,
)

from greenlane.webhook_dispatcher.management import Administration, administration
from greenlane.webhook_dispatcher.policy import EndpointState
from greenlane.webhook_receiver import verify


@pytest.fixture
def world(database_url: str, bootstrap_servers: str, topics: Callable[..., str], tmp_path: Path) -> Iterator[World]:
    with world_of(database_url, bootstrap_servers, topics, tmp_path) as world:
        yield world


@pytest.fixture
async def webhooks(world: World) -> AsyncIterator[Administration]:
    async with administration(world.settings()) as webhooks:
        yield webhooks


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def active(webhooks: Administration, url: str, marketplace: str = "demo-vn", seller: str | None = None) -> str:
    """Add an endpoint and wait until its test was answered; gives its secret."""
    new = await webhooks.add_endpoint(url, marketplace, seller)

    async def confirmed() -> bool:
        states = {item.endpoint_id: item.state for item in await webhooks.list_endpoints()}
        return states[new.endpoint.endpoint_id] is EndpointState.ACTIVE

    await until(confirmed)
    return new.secret


async def test_scores_and_decisions_arrive_with_signatures_every_library_accepts(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    world.start()
    secret = await active(webhooks, receiver.url())
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
    assert receiver.got()[0].event["data"]["as_of"] in {"open_day", "closed_day"}
