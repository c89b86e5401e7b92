"""The OPTIONS handshake: asked first, consent kept with its rate, and receivers without it confirmed by the test."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.integration.webhooks.harness import Received, Receiver, Reply
from tests.integration.webhooks.tables import claimed, take_in

from greenlane.webhooks.dispatcher.recording.outcomes import record
from greenlane.webhooks.dispatcher.sending.attempts import GRANTED_RATE, Attempts
from greenlane.webhooks.dispatcher.sending.handshake import Handshakes
from greenlane.webhooks.dispatcher.sending.keyring import Keyring
from greenlane.webhooks.dispatcher.sending.network import GuardedBackend
from greenlane.webhooks.dispatcher.sending.resolver import Resolver
from greenlane.webhooks.dispatcher.sending.transport import Transport
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.states import EndpointState, Mode, State

ORIGIN = "webhooks.greenlane.example"
CONSENT = {"webhook-allowed-origin": ORIGIN, "webhook-allowed-rate": "60"}


@pytest.fixture
async def attempts(desk: Administration) -> AsyncIterator[Attempts]:
    resolver = Resolver()
    transport = Transport(GuardedBackend(resolver, allow_private=True))
    keyring = Keyring(desk.engine, desk.vault)
    yield Attempts(transport, keyring, 60.0, handshakes=Handshakes(desk.engine, transport, ORIGIN))
    await transport.close()
    resolver.close()


def asked(request: Received) -> bool:
    return not request.body


async def test_a_receiver_that_consents_is_confirmed_even_when_it_does_not_take_the_test(
    desk: Administration, receiver: Receiver, attempts: Attempts
) -> None:
    receiver.answer = lambda request: Reply(405, CONSENT) if asked(request) else Reply(500)
    endpoint_id = (await desk.add_endpoint(receiver.url("/hook?a=b"), "demo-vn")).endpoint.endpoint_id
    outcomes = [await attempts.make(item) for item in await claimed(desk, endpoint_id)]
    await record(desk.engine, outcomes)
    assert [asked(item) for item in receiver.requests] == [True, False]
    options = receiver.requests[0]
    assert options.path == "/hook?a=b"
    assert options.headers["webhook-request-origin"] == ORIGIN
    assert int(options.headers["webhook-request-rate"]) > 0
    assert receiver.requests[1].headers["webhook-request-origin"] == ORIGIN
    confirmed = await desk.endpoint(endpoint_id)
    assert (confirmed.state, confirmed.granted_rate) == (EndpointState.ACTIVE, 60)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Reply(200), EndpointState.UNCONFIRMED),
        (
            Reply(200, {"webhook-allowed-origin": "other.example", "webhook-allowed-rate": "*"}),
            EndpointState.UNCONFIRMED,
        ),
        (Reply(404, {"webhook-allowed-origin": "*", "webhook-allowed-rate": "*"}), EndpointState.ACTIVE),
    ],
)
async def test_the_headers_are_the_consent_and_not_the_status(
    desk: Administration, receiver: Receiver, attempts: Attempts, answer: Reply, state: EndpointState
) -> None:
    receiver.answer = lambda request: answer if asked(request) else Reply(500)
    endpoint_id = (await desk.add_endpoint(receiver.url(), "demo-vn")).endpoint.endpoint_id
    await record(desk.engine, [await attempts.make(item) for item in await claimed(desk, endpoint_id)])
    assert (await desk.endpoint(endpoint_id)).state is state


async def test_a_receiver_without_the_handshake_is_confirmed_by_the_test(
    desk: Administration, receiver: Receiver, attempts: Attempts
) -> None:
    receiver.answer = lambda request: Reply(501) if asked(request) else Reply(200)
    endpoint_id = (await desk.add_endpoint(receiver.url(), "demo-vn")).endpoint.endpoint_id
    await record(desk.engine, [await attempts.make(item) for item in await claimed(desk, endpoint_id)])
    assert (await desk.endpoint(endpoint_id)).state is EndpointState.ACTIVE


async def test_no_more_leaves_than_was_granted_and_what_waits_is_not_charged(
    desk: Administration, receiver: Receiver, attempts: Attempts
) -> None:
    receiver.answer = lambda request: Reply(200, CONSENT if asked(request) else {})
    endpoint_id = (await desk.add_endpoint(receiver.url(), "demo-vn")).endpoint.endpoint_id
    await record(desk.engine, [await attempts.make(item) for item in await claimed(desk, endpoint_id)])
    for number in range(3):
        await take_in(desk, Mode.FIFO, f"s-{number}", 1)
    claims = await claimed(desk, endpoint_id)
    outcomes = await asyncio.gather(*(attempts.make(item) for item in claims))
    await record(desk.engine, outcomes)
    assert len([item for item in receiver.requests if not asked(item)]) == 2
    waiting = await desk.deliveries(endpoint_id, State.PENDING)
    assert [(item.attempts, item.reason) for item in waiting] == [(0, GRANTED_RATE)] * 2
    await take_in(desk, Mode.FIFO, "another", 1)
    assert await claimed(desk, endpoint_id) == [], "what comes meanwhile is not claimed only to be put back"


async def test_a_new_url_must_be_consented_to_again(
    desk: Administration, receiver: Receiver, attempts: Attempts
) -> None:
    receiver.answer = lambda request: Reply(200, CONSENT if asked(request) else {})
    endpoint_id = (await desk.add_endpoint(receiver.url(), "demo-vn")).endpoint.endpoint_id
    await record(desk.engine, [await attempts.make(item) for item in await claimed(desk, endpoint_id)])
    moved = await desk.change_endpoint(endpoint_id, url=receiver.url("/new"))
    assert (moved.state, moved.granted_rate) == (EndpointState.UNCONFIRMED, None)
