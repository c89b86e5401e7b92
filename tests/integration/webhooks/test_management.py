"""What people do about deliveries, secrets and keys, on a real PostgreSQL: in order, within a scope, nothing lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from tests.integration.webhooks.tables import (
    ORPHANS,
    URL,
    add_active,
    answered,
    claimed,
    identity,
    scalar,
    sent,
    set_state,
    take_in,
)

from greenlane.cli.output import NoSuchThingError
from greenlane.cli.webhooks.deliveries import listed
from greenlane.database.api_keys import key_of_token
from greenlane.errors import ConflictError, UnknownError, WrongUseError
from greenlane.settings import SettingsError
from greenlane.webhook_receiver import VerificationError, verify
from greenlane.webhooks.dispatcher.sending.keyring import Keyring
from greenlane.webhooks.dispatcher.verdicts import Answer
from greenlane.webhooks.management.administration import Administration, Listing
from greenlane.webhooks.management.deliveries import cancel, cancel_held, occurring, release, release_held, resend
from greenlane.webhooks.management.keys import add_key, list_keys, revoke_key, rotate_key
from greenlane.webhooks.management.replay import Family, replay
from greenlane.webhooks.management.scope import Scope, scope_of
from greenlane.webhooks.management.secrets import expire_secret, list_secrets, public_keys, reseal, rotate_secret
from greenlane.webhooks.signing import Scheme, sign
from greenlane.webhooks.states import EndpointState, Mode, State
from greenlane.webhooks.vault import Vault

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def badges(*sequences: int, seller: str = "s-1") -> list[str]:
    return [identity(Mode.FIFO, seller, sequence) for sequence in sequences]


async def test_a_refused_decision_is_released_and_those_behind_it_follow_in_order(desk: Administration) -> None:
    endpoint_id = await add_active(desk)
    await take_in(desk, Mode.FIFO, "s-1", 1, 2, 3)
    for _ in range(3):
        await scalar(desk.engine, "WITH u AS (UPDATE delivery SET due_at = now() WHERE due_at < 'infinity') SELECT 1")
        await answered(desk, await claimed(desk, endpoint_id), Answer(422))
    (held,) = await desk.deliveries(endpoint_id, State.HELD)
    assert await sent(desk, endpoint_id) == []
    assert (await release(desk, endpoint_id, held.webhook_id)).state is State.PENDING
    assert await sent(desk, endpoint_id) == badges(1, 2, 3)
    with pytest.raises(ConflictError, match="delivered"):
        await release(desk, endpoint_id, held.webhook_id)


@pytest.mark.parametrize("everything", [False, True])
async def test_a_cancelled_decision_lets_the_next_one_of_its_seller_go_on(
    desk: Administration, everything: bool
) -> None:
    endpoint_id = await add_active(desk)
    await take_in(desk, Mode.FIFO, "s-1", 1, 2)
    await scalar(
        desk.engine, "WITH u AS (UPDATE delivery SET state = 'held' WHERE due_at < 'infinity' RETURNING 1) SELECT 1"
    )
    assert await sent(desk, endpoint_id) == []
    if everything:
        assert await cancel_held(desk, endpoint_id) == 1
    else:
        assert (await cancel(desk, endpoint_id, *badges(1))).state is State.CANCELLED
        assert (await cancel(desk, endpoint_id, *badges(1))).reason == "by_owner"
    assert await sent(desk, endpoint_id) == badges(2)
    with pytest.raises(ConflictError, match="delivered"):
        await cancel(desk, endpoint_id, *badges(2))
    assert await scalar(desk.engine, ORPHANS) == 0


async def test_a_filter_that_nothing_has_is_named_with_what_there_is(desk: Administration) -> None:
    endpoint_id = await add_active(desk)
    await take_in(desk, Mode.FIFO, "s-1", 1)
    known = await occurring(desk)
    assert known.endpoints == {endpoint_id}
    assert known.sellers == {"s-1"}
    assert known.types == {"badge.granted"}
    assert await listed(desk, Listing(endpoint_id, State.CANCELLED, "badge.granted", "s-1")) == []
    for wanted, said in (
        (Listing(endpoint_id="ep_0"), "There is no endpoint ep_0"),
        (Listing(type="badge.given"), "Did you mean badge.granted"),
        (Listing(seller_id="s-9"), "There is no seller s-9. Did you mean s-1"),
    ):
        with pytest.raises(NoSuchThingError, match=said):
            await listed(desk, wanted)


async def test_only_the_newest_of_a_seller_is_sent_again_alone(desk: Administration) -> None:
    endpoint_id = await add_active(desk)
    await take_in(desk, Mode.FIFO, "s-1", 1, 2)
    await take_in(desk, Mode.LATEST, "s-1", 1, 2)
    await sent(desk, endpoint_id)
    newest_score = identity(Mode.LATEST, "s-1", 2)
    for older, newest in ((badges(1)[0], badges(2)[0]), (identity(Mode.LATEST, "s-1", 1), newest_score)):
        with pytest.raises(ConflictError, match=newest):
            await resend(desk, endpoint_id, older)
    for newest in (*badges(2), newest_score):
        assert (await resend(desk, endpoint_id, newest)).attempts == 0
    assert set(await sent(desk, endpoint_id)) == {*badges(2), newest_score}


async def test_what_waits_for_a_retry_is_sent_now_and_what_is_under_way_is_left_alone(desk: Administration) -> None:
    endpoint_id = await add_active(desk)
    await take_in(desk, Mode.FIFO, "s-1", 1)
    under_way = await claimed(desk, endpoint_id)
    with pytest.raises(ConflictError, match="being sent"):
        await resend(desk, endpoint_id, *badges(1))
    await answered(desk, under_way, Answer(500))
    assert await sent(desk, endpoint_id) == []
    await resend(desk, endpoint_id, *badges(1))
    assert await sent(desk, endpoint_id) == badges(1)


async def test_a_replay_sends_the_newest_score_and_every_decision_in_order_before_what_waits(
    desk: Administration,
) -> None:
    endpoint_id = await add_active(desk)
    for seller in ("s-1", "s-2"):
        await take_in(desk, Mode.FIFO, seller, 1, 2, 3)
        await take_in(desk, Mode.LATEST, seller, 1, 2)
    assert len(await sent(desk, endpoint_id)) == 8
    await take_in(desk, Mode.FIFO, "s-1", 4)
    done = await replay(desk, endpoint_id, LONG_AGO)
    assert (done.queued, done.keys, done.busy) == (8, 4, ())
    assert await scalar(desk.engine, ORPHANS) == 0
    order = await sent(desk, endpoint_id)
    assert [item for item in order if item in badges(1, 2, 3, 4)] == badges(1, 2, 3, 4)
    assert [item for item in order if item in badges(1, 2, 3, seller="s-2")] == badges(1, 2, 3, seller="s-2")
    scores = {identity(Mode.LATEST, seller, 2) for seller in ("s-1", "s-2")}
    assert {item for item in order if item not in badges(1, 2, 3, 4) + badges(1, 2, 3, seller="s-2")} == scores
    assert await scalar(desk.engine, "SELECT count(*) FROM delivery WHERE state IN ('pending', 'leased')") == 0


async def test_a_replay_leaves_a_seller_with_a_request_under_way_alone_and_names_it(desk: Administration) -> None:
    endpoint_id = await add_active(desk)
    await take_in(desk, Mode.FIFO, "s-1", 1)
    await take_in(desk, Mode.FIFO, "s-2", 1)
    await sent(desk, endpoint_id)
    await take_in(desk, Mode.FIFO, "s-1", 2)
    under_way = await claimed(desk, endpoint_id)
    done = await replay(desk, endpoint_id, LONG_AGO)
    assert (done.queued, done.busy) == (1, ("badge:demo-vn/s-1",))
    await answered(desk, under_way, Answer(200))
    assert (await replay(desk, endpoint_id, LONG_AGO, Family.BADGES, "s-1")).queued == 2
    assert set(await sent(desk, endpoint_id)) == {*badges(1, 2), *badges(1, seller="s-2")}


async def test_a_replay_takes_only_what_is_asked_for_and_is_held_where_the_endpoint_is_not_active(
    desk: Administration,
) -> None:
    endpoint_id = await add_active(desk)
    await take_in(desk, Mode.FIFO, "s-1", 1)
    await take_in(desk, Mode.LATEST, "s-1", 1)
    await sent(desk, endpoint_id)
    tomorrow = datetime.fromtimestamp(time.time(), UTC) + timedelta(days=1)
    assert (await replay(desk, endpoint_id, tomorrow)).queued == 0
    assert (await replay(desk, endpoint_id, LONG_AGO, seller="s-9")).queued == 0
    await desk.disable_endpoint(endpoint_id)
    assert (await replay(desk, endpoint_id, LONG_AGO, Family.SCORES)).queued == 1
    (held,) = await desk.deliveries(endpoint_id, State.HELD)
    assert (held.type, held.reason) == ("seller.score.updated", "disabled")
    for act in (release, resend):
        with pytest.raises(ConflictError, match="send a test"):
            await act(desk, endpoint_id, held.webhook_id)
    with pytest.raises(ConflictError, match="send a test"):
        await release_held(desk, endpoint_id)
    with pytest.raises(WrongUseError, match="offset"):
        await replay(desk, endpoint_id, datetime(2026, 7, 1))  # noqa: DTZ001 - the refused case


async def test_a_replay_of_many_sellers_is_paged_and_complete(desk: Administration) -> None:
    endpoint_id = await add_active(desk)
    sellers = [f"s-{number}" for number in range(450)]
    for seller in sellers:
        await take_in(desk, Mode.LATEST, seller, 1)
    assert len(await sent(desk, endpoint_id)) == 450
    assert (await replay(desk, endpoint_id, LONG_AGO)).queued == 450
    assert sorted(await sent(desk, endpoint_id)) == sorted(identity(Mode.LATEST, seller, 1) for seller in sellers)


async def test_an_endpoint_hears_only_the_sellers_it_chose(desk: Administration) -> None:
    endpoint_id = await add_active(desk, sellers=["s-2"])
    await take_in(desk, Mode.FIFO, "s-1", 1)
    await take_in(desk, Mode.FIFO, "s-2", 1)
    assert await sent(desk, endpoint_id) == badges(1, seller="s-2")
    assert (await desk.change_endpoint(endpoint_id, sellers=[])).sellers is None
    await take_in(desk, Mode.FIFO, "s-1", 2)
    assert await sent(desk, endpoint_id) == badges(2)
    assert [item.type for item in await desk.listed(Listing(endpoint_id, seller_id="s-2"))] == ["badge.granted"]


async def test_a_new_url_must_be_confirmed_again_and_what_comes_meanwhile_is_held(desk: Administration) -> None:
    endpoint_id = await add_active(desk)
    await take_in(desk, Mode.FIFO, "s-1", 1)
    moved = await desk.change_endpoint(endpoint_id, url=URL + "/elsewhere")
    assert (moved.state, moved.reason) == (EndpointState.UNCONFIRMED, "new_url")
    await take_in(desk, Mode.FIFO, "s-2", 1)
    assert len(await desk.deliveries(endpoint_id, State.HELD)) == 2
    (test, *_) = await claimed(desk, endpoint_id)
    assert test.mode is Mode.UNORDERED
    assert test.url.endswith("/elsewhere")
    await answered(desk, [test], Answer(200))
    assert set(await sent(desk, endpoint_id)) == {*badges(1), *badges(1, seller="s-2")}
    same = await desk.change_endpoint(endpoint_id, url=URL + "/elsewhere", types=["badge.granted"])
    assert (same.state, same.types) == (EndpointState.ACTIVE, ("badge.granted",))


async def headers_of(desk: Administration, ring: Keyring, endpoint_id: str) -> dict[str, str]:
    version = await scalar(desk.engine, f"SELECT version FROM endpoint WHERE endpoint_id = '{endpoint_id}'")  # noqa: S608 - an id of ours
    return sign(await ring.keys(endpoint_id, version), "msg_1", 1_782_900_000, b"{}")


def accepted(headers: dict[str, str], key: str) -> bool:
    try:
        return verify(headers, b"{}", [key], 1_782_900_000).id == "msg_1"
    except VerificationError:
        return False


async def test_while_secrets_rotate_every_active_one_signs_and_an_ended_one_does_not(desk: Administration) -> None:
    new = await desk.add_endpoint(URL, "demo-vn")
    endpoint_id = new.endpoint.endpoint_id
    ticking = [0.0]
    ring = Keyring(desk.engine, desk.vault, lambda: ticking[0])
    second = await rotate_secret(desk, endpoint_id, Scheme.V1A, timedelta(hours=1))
    third = await rotate_secret(desk, endpoint_id, overlap=timedelta(hours=2))
    keys = (new.secret, second.secret, third.secret)
    assert [key.partition("_")[0] for key in keys] == ["whsec", "whpk", "whpk"]
    headers = await headers_of(desk, ring, endpoint_id)
    assert [accepted(headers, key) for key in keys] == [True, True, True]
    with pytest.raises(ConflictError, match="3 keys"):
        await rotate_secret(desk, endpoint_id)
    jwks = (await public_keys(desk, endpoint_id))["keys"]
    assert [(key["kid"], key["crv"]) for key in jwks] == [(third.key_id, "Ed25519"), (second.key_id, "Ed25519")]
    await expire_secret(desk, endpoint_id, second.key_id)
    headers = await headers_of(desk, ring, endpoint_id)
    assert [accepted(headers, key) for key in keys] == [True, False, True]
    await scalar(
        desk.engine, "WITH u AS (UPDATE endpoint_secret SET expires_at = expires_at - interval '2 h') SELECT 1"
    )
    ticking[0] = 3601.0
    headers = await headers_of(desk, ring, endpoint_id)
    assert [accepted(headers, key) for key in keys] == [False, False, True]
    (left,) = await list_secrets(desk, endpoint_id)
    assert (left.key_id, left.public_key) == (third.key_id, third.secret)
    with pytest.raises(ConflictError, match="only key"):
        await expire_secret(desk, endpoint_id, third.key_id)


async def test_a_rotation_without_overlap_ends_the_old_key_at_once(desk: Administration) -> None:
    new = await desk.add_endpoint(URL, "demo-vn")
    endpoint_id = new.endpoint.endpoint_id
    ring = Keyring(desk.engine, desk.vault)
    await headers_of(desk, ring, endpoint_id)
    fresh = await rotate_secret(desk, endpoint_id, overlap=timedelta(0))
    headers = await headers_of(desk, ring, endpoint_id)
    assert (accepted(headers, new.secret), accepted(headers, fresh.secret)) == (False, True)
    for overlap in (timedelta(seconds=-1), timedelta(days=8)):
        with pytest.raises(WrongUseError, match="overlap"):
            await rotate_secret(desk, endpoint_id, overlap=overlap)


async def test_the_encryption_key_changes_while_dispatchers_go_on(desk: Administration) -> None:
    new = await desk.add_endpoint(URL, "demo-vn")
    endpoint_id = new.endpoint.endpoint_id
    both = replace(desk, vault=Vault(b"n" * 32, [b"k" * 32]))
    headers = await headers_of(both, Keyring(both.engine, both.vault), endpoint_id)
    assert accepted(headers, new.secret)
    assert (await reseal(both), await reseal(both)) == (1, 0)
    newest = replace(desk, vault=Vault(b"n" * 32))
    assert accepted(await headers_of(newest, Keyring(newest.engine, newest.vault), endpoint_id), new.secret)
    with pytest.raises(SettingsError, match="GREENLANE_WEBHOOK_OLDER_ENCRYPTION_KEYS"):
        await headers_of(desk, Keyring(desk.engine, desk.vault), endpoint_id)
    with pytest.raises(SettingsError, match="OLDER"):
        await reseal(replace(desk, vault=Vault(b"x" * 32)))


async def test_an_api_key_opens_its_scope_until_it_is_revoked_or_its_overlap_ends(desk: Administration) -> None:
    made = await add_key(desk, "demo-vn", "s-1", "shop")
    known = await key_of_token(desk.engine, made.token)
    assert known is not None
    assert scope_of(known) == Scope("demo-vn", "s-1")
    assert made.token not in repr(made)
    for wrong in ("", "glk_", made.token[:-1] + ("A" if made.token[-1] != "A" else "B"), made.token + "\0", "é"):
        assert await key_of_token(desk.engine, wrong) is None
    stored = await scalar(desk.engine, "SELECT string_agg(k::text, ' ') FROM api_key k")
    assert made.token.rpartition("_")[2] not in stored
    assert made.token.encode().hex() not in stored
    fresh = await rotate_key(desk, made.key.key_id)
    assert await key_of_token(desk.engine, made.token) is not None
    assert await key_of_token(desk.engine, fresh.token) is not None
    last = await rotate_key(desk, fresh.key.key_id, timedelta(0))
    assert await key_of_token(desk.engine, fresh.token) is None
    await revoke_key(desk, last.key.key_id)
    assert await key_of_token(desk.engine, last.token) is None
    assert [key.key_id for key in await list_keys(desk)] == [made.key.key_id]


async def test_a_scope_has_a_bounded_number_of_keys(desk: Administration) -> None:
    for _ in range(20):
        await add_key(desk, "demo-vn")
    await add_key(desk, "demo-vn", "s-1")
    with pytest.raises(ConflictError, match="20 keys"):
        await add_key(desk, "demo-vn")


async def test_an_owner_has_a_bounded_number_of_endpoints_unless_an_operator_adds_them(desk: Administration) -> None:
    for own in (desk.within(Scope("demo-vn", "s-1")), desk.within(Scope("demo-vn"))):
        asked = (own.add_endpoint(URL, "demo-vn", "s-1") for _ in range(25))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, ConflictError)]
        assert len(await desk.list_endpoints()) == 20
        assert "20 endpoints" in str(refused[0])
        oldest, *_ = await own.list_endpoints()
        await own.remove_endpoint(oldest.endpoint_id)
        await own.add_endpoint(URL, "demo-vn", "s-1")
    await desk.within(Scope("demo-vn")).add_endpoint(URL, "demo-vn")
    await desk.add_endpoint(URL, "demo-vn", "s-1")
    assert len(await desk.list_endpoints()) == 22


Use = Callable[[Administration, str, str], Awaitable[object]]
USES: dict[str, Use] = {
    "endpoint": lambda desk, endpoint_id, _: desk.endpoint(endpoint_id),
    "change": lambda desk, endpoint_id, _: desk.change_endpoint(endpoint_id, types=["badge.granted"]),
    "disable": lambda desk, endpoint_id, _: desk.disable_endpoint(endpoint_id),
    "remove": lambda desk, endpoint_id, _: desk.remove_endpoint(endpoint_id),
    "test": lambda desk, endpoint_id, _: desk.send_test(endpoint_id),
    "dispatch": lambda desk, endpoint_id, webhook_id: desk.dispatch(endpoint_id, webhook_id),
    "attempts": lambda desk, endpoint_id, webhook_id: desk.attempts(endpoint_id, webhook_id),
    "resend": resend,
    "release": release,
    "cancel": cancel,
    "release held": lambda desk, endpoint_id, _: release_held(desk, endpoint_id),
    "cancel held": lambda desk, endpoint_id, _: cancel_held(desk, endpoint_id),
    "replay": lambda desk, endpoint_id, _: replay(desk, endpoint_id, LONG_AGO),
    "secrets": lambda desk, endpoint_id, _: list_secrets(desk, endpoint_id),
    "rotate": lambda desk, endpoint_id, _: rotate_secret(desk, endpoint_id),
    "public keys": lambda desk, endpoint_id, _: public_keys(desk, endpoint_id),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_outside_its_scope_a_desk_knows_nothing(desk: Administration, use: Use) -> None:
    endpoint_id = await add_active(desk, "demo-vn", "s-1")
    await take_in(desk, Mode.FIFO, "s-1", 1)
    for scope in (Scope("olist-br"), Scope("demo-vn", "s-2"), Scope("olist-br", "s-1")):
        foreign = desk.within(scope)
        with pytest.raises(UnknownError):
            await use(foreign, endpoint_id, *badges(1))
        assert await foreign.list_endpoints() == []
        assert await foreign.deliveries() == []
    await set_state(desk.engine, endpoint_id, "active")
    async with desk.engine.connect() as connection:
        assert (await connection.execute(sa.text("SELECT count(*) FROM delivery"))).scalar_one() == 1
