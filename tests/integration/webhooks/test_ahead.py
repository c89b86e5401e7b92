"""What is claimed before there is a slot for it goes back when its endpoint fails and when the dispatcher stops."""

import asyncio

from tests.integration.webhooks.harness import Received, Receiver, Reply, World, decision, until
from tests.integration.webhooks.test_flow import active, settled

from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.states import State

SELLERS = 120


async def busy(world: World, webhooks: Administration, receiver: Receiver) -> None:
    """Have decisions on so many sellers waiting for an endpoint that answers in 50 ms and has begun to get them."""
    await active(webhooks, receiver.url())
    await world.append(*[decision(f"s-{number}", 1) for number in range(SELLERS)])
    await until(lambda: len(receiver.got()) >= 20)


async def test_what_was_claimed_ahead_of_a_failing_endpoint_is_neither_sent_nor_lost_nor_charged(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    refused: list[str] = []

    def refuse_one(request: Received) -> Reply:
        if len(receiver.got()) >= 30 and not refused:
            refused.append(request.id)
            return Reply(500)
        return Reply(delay=0.05)

    receiver.answer = refuse_one
    world.start()
    await busy(world, webhooks, receiver)
    await settled(webhooks, SELLERS + 1)
    assert len(receiver.got()) == SELLERS + 1
    listed = await webhooks.deliveries(limit=1_000)
    assert sorted(item.attempts for item in listed) == [1] * SELLERS + [2]
    assert {item.state for item in listed} == {State.DELIVERED}
    attempts = [attempt for item in listed for attempt in await webhooks.attempts(item.endpoint_id, item.webhook_id)]
    assert len(attempts) == SELLERS + 2


async def test_a_clean_stop_leaves_nothing_leased_that_was_not_sent(
    world: World, webhooks: Administration, receiver: Receiver
) -> None:
    receiver.answer = lambda _: Reply(delay=0.05)
    process = world.start()
    await busy(world, webhooks, receiver)
    process.terminate()
    await asyncio.to_thread(process.wait, 30)
    listed = await webhooks.deliveries(limit=1_000)
    assert {item.state for item in listed} == {State.DELIVERED, State.PENDING}
    assert {item.attempts for item in listed if item.state is State.PENDING} == {0}
    world.start()
    await settled(webhooks, SELLERS + 1)
    assert len(receiver.got()) == SELLERS
