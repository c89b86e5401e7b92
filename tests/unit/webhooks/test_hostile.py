"""The corpus of hostile hosts, judged by text and by address; and the resolver's budget."""

import asyncio
import threading
from itertools import count

import pytest
from tests.unit.webhooks.hostile import ADDRESSES, ANSWERS, DISGUISES, HOSTS

from greenlane.webhooks.addresses import may_dial
from greenlane.webhooks.dispatcher.sending.resolver import ACTING_FOR, LOOKUPS_PER_OWNER, ResolveError, Resolver
from greenlane.webhooks.targets import TargetError, check_url


def test_the_corpus_has_at_least_150_different_hosts() -> None:
    assert len(set(HOSTS)) + len(ANSWERS) >= 150


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_of_the_corpus_may_be_dialled(address: str) -> None:
    assert not may_dial(address, allow_private=False)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_hostile_answer_has_a_part_that_may_not_be_dialled(name: str) -> None:
    assert not all(may_dial(address, allow_private=False) for address in ANSWERS[name])


@pytest.mark.parametrize("host", [host for host in DISGUISES if not host.isascii()])
def test_a_host_in_other_digits_is_refused_by_its_text(host: str) -> None:
    with pytest.raises(TargetError, match="ASCII"):
        check_url(f"https://{host}/hook", allow_private=False)


@pytest.mark.parametrize("host", [host for host in HOSTS if host.isascii()])
def test_a_forbidden_literal_is_refused_before_it_is_an_endpoint(host: str) -> None:
    if host.lower().rstrip(".") == "localhost":
        return
    with pytest.raises(TargetError):
        check_url(f"https://{host}/hook", allow_private=False)


class Desk:
    """A look-up that hangs for some hosts until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        del port
        self.asked.append(host)
        if host.startswith("hung"):
            self.let_go.wait(30)
        return ["1.1.1.1"]


async def resolve_as(resolver: Resolver, owner: str, host: str) -> list[str]:
    ACTING_FOR.set(owner)
    return await resolver.resolve(host, 443)


async def test_an_owner_with_hung_names_delays_nobody_else_and_holds_two_threads_at_most() -> None:
    desk = Desk()
    resolver = Resolver(desk, seconds=0.5)
    try:
        hung = [asyncio.create_task(resolve_as(resolver, "bad", f"hung-{number}")) for number in range(100)]
        await asyncio.sleep(0)
        assert await resolve_as(resolver, "good", "fine.example") == ["1.1.1.1"]
        results = await asyncio.gather(*hung, return_exceptions=True)
        assert {type(result) for result in results} == {ResolveError}
        assert len([host for host in desk.asked if host.startswith("hung")]) == LOOKUPS_PER_OWNER
        with pytest.raises(ResolveError):
            await resolve_as(resolver, "bad", "fine-too.example")
        desk.let_go.set()
        resolver._seconds = 10
        assert await resolve_as(resolver, "bad", "fine-too.example") == ["1.1.1.1"]
    finally:
        desk.let_go.set()
        resolver.close()


async def test_an_answer_is_kept_for_half_a_minute() -> None:
    now = [0.0]
    numbers = count(1)
    resolver = Resolver(lambda _host, _port: [f"1.1.1.{next(numbers)}"], monotonic=lambda: now[0])
    try:
        assert await resolver.resolve("a.example", 443) == ["1.1.1.1"]
        assert await resolver.resolve("A.example", 443) == ["1.1.1.1"]
        assert await resolver.resolve("b.example", 443) == ["1.1.1.2"]
        now[0] = 30.0
        assert await resolver.resolve("a.example", 443) == ["1.1.1.3"]
    finally:
        resolver.close()


@pytest.mark.parametrize(
    "host",
    [
        *("shop.local", "a.internal", "x.localhost", "a.onion", "nas.home.arpa", "shop.test", "SHOP.LOCAL.", "a.alt"),
        *("shop", "intranet.", ".127.0.0.1", "127.0.0.1.", "127..0.0.1", "localhost..", "a..example", "1.2.3.4.5"),
        *("xn--a", "xn--a.example", "xn--i-7iq.ws", "xn--.example", "a" * 64 + ".example", "a." * 130 + "example"),
        *("-a.example", "a-.example"),
    ],
)
def test_a_host_that_no_public_dns_answers_is_refused_when_added(host: str) -> None:
    with pytest.raises(TargetError):
        check_url(f"https://{host}/hook", allow_private=False)


@pytest.mark.parametrize("host", ["shop.example", "hooks.shop.vn.", "xn--mnchen-3ya.de", "a_b.shop.vn", "1.1.1.1"])
def test_a_public_name_is_taken(host: str) -> None:
    assert check_url(f"https://{host}/hook", allow_private=False)


@pytest.mark.parametrize("host", ["xn--a", "localhost..", ".127.0.0.1", "127..0.0.1"])
def test_a_host_that_no_request_can_name_is_refused_in_a_demonstration_too(host: str) -> None:
    with pytest.raises(TargetError):
        check_url(f"http://{host}/hook", allow_private=True)
