"""The receiver examples in Node, PHP and Java, running, against what the dispatcher sends and what nobody should."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from tests.integration.webhooks.harness import decision, score
from tests.integration.webhooks.receiver_languages import LANGUAGES, Example, running

from greenlane.webhooks.dispatcher.sending.network import GuardedBackend
from greenlane.webhooks.dispatcher.sending.resolver import Resolver
from greenlane.webhooks.dispatcher.sending.transport import Transport
from greenlane.webhooks.signing import Scheme, load_key, new_secret, shown_once, sign

SECRET = new_secret(Scheme.V1, lambda size: b"o" * size)
PAIR = new_secret(Scheme.V1A, lambda size: b"n" * size)
STRANGER = new_secret(Scheme.V1, lambda size: b"x" * size)
STRANGER_PAIR = new_secret(Scheme.V1A, lambda size: b"y" * size)
HERE = [name for name, language in LANGUAGES.items() if language.here]
NUMBERS = count(1)
Changes = dict[str, str | bytes | None]


@pytest.fixture(scope="module", params=HERE)
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    folder = tmp_path_factory.mktemp(request.param)
    with running(request.param, [SECRET, shown_once(load_key(PAIR), PAIR)], folder) as made:
        yield made


@pytest.fixture
def seller() -> str:
    """A seller of whom no example knows anything."""
    return f"s-{next(NUMBERS)}"


def signed(webhook_id: str, body: bytes, *secrets: str, late: int = 0) -> dict[str, str]:
    return sign([load_key(secret) for secret in secrets or (SECRET,)], webhook_id, int(time.time()) - late, body)


def kept(example: Example, seller: str) -> list[tuple[str, int]]:
    """Type and sequence of what the example keeps of a seller."""
    events = [json.loads(body) for body in example.newest()]
    return sorted(
        (event["type"], event["data"]["sequence"]) for event in events if event["data"]["seller_id"] == seller
    )


@pytest.mark.parametrize("secrets", [(SECRET,), (PAIR,), (STRANGER, PAIR), (STRANGER_PAIR, STRANGER, SECRET)])
async def test_what_the_dispatcher_sends_is_taken_by_any_one_of_its_signatures(
    example: Example, seller: str, secrets: tuple[str, ...]
) -> None:
    body = decision(seller, 1).model_dump_json().encode()
    resolver = Resolver()
    transport = Transport(GuardedBackend(resolver, allow_private=True))
    url = f"http://127.0.0.1:{example.port}/hooks"
    answer = await transport.post(url, signed(f"msg-{seller}", body, *secrets), body)
    await transport.close()
    resolver.close()
    assert answer.response is not None
    assert answer.response.status_code == 204
    assert kept(example, seller) == [("badge.granted", 1)]


def test_an_event_is_taken_once_and_nothing_older_whatever_its_time(example: Example, seller: str) -> None:
    later = score(seller, 10).model_copy(update={"time": "2026-01-01T00:00:00Z"}).model_dump_json().encode()
    older = score(seller, 9).model_copy(update={"time": "2026-06-01T00:00:00Z"}).model_dump_json().encode()
    badge = decision(seller, 1).model_dump_json().encode()
    test = b'{"type":"endpoint.test","data":{}}'
    for number, body in enumerate((older, later, later, older, badge, test)):
        assert example.post(body, signed(f"{seller}-{number}", body)) == 204
        assert example.post(body, signed(f"{seller}-{number}", body)) == 204
    assert kept(example, seller) == [("badge.granted", 1), ("seller.score.updated", 10)]
    assert later in example.newest()


FOREIGN_BYTES: dict[str, Changes] = {
    f"{name} {place} {byte.hex()}": {name: value}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    for byte in (b"\xff", b"\xe9", b"\xc3\xa9", b"\x7f")
    for place, value in (("alone", byte), ("after", b"+" + byte), ("before", byte + b"+"))
}
HOSTILE: dict[str, Changes] = FOREIGN_BYTES | {
    "no id": {"webhook-id": None},
    "no timestamp": {"webhook-timestamp": None},
    "no signature": {"webhook-signature": None},
    "another id": {"webhook-id": "other"},
    "a long id": {"webhook-id": "x" * 2_000},
    "a time in words": {"webhook-timestamp": "hello"},
    "a negative time": {"webhook-timestamp": "-1"},
    "an endless time": {"webhook-timestamp": "9" * 500},
    "a broken time": {"webhook-timestamp": "1782900000.5"},
    "an empty signature": {"webhook-signature": "v1,"},
    "an unknown scheme": {"webhook-signature": "v9,AAAA"},
    "no base64": {"webhook-signature": "v1a,*** v1,***"},
    "a short signature": {"webhook-signature": "v1a,AAAA v1,AAAA"},
    "many signatures": {"webhook-signature": "v1,AAAA " * 400},
    "blanks": {"webhook-signature": "v1,   v1a,"},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_the_dispatcher_would_not_send_is_refused_and_nothing_of_it_used(
    example: Example, seller: str, case: str
) -> None:
    body = decision(seller, 1).model_dump_json().encode()
    headers: dict[str, str | bytes] = dict(signed(f"msg-{seller}", body))
    for name, value in HOSTILE[case].items():
        genuine = headers.pop(name)
        if isinstance(value, bytes):
            headers[name] = value.replace(b"+", str(genuine).encode())
        elif value is not None:
            headers[name] = value
    assert example.post(body, headers) in ({400, 401} if case.endswith(" 7f") else {401})
    assert kept(example, seller) == []


@pytest.mark.parametrize("late", [-330, 330])
@pytest.mark.parametrize("secret", [SECRET, PAIR], ids=["v1", "v1a"])
def test_a_time_too_far_from_now_is_refused(example: Example, seller: str, late: int, secret: str) -> None:
    body = decision(seller, 1).model_dump_json().encode()
    assert example.post(body, signed(f"msg-{seller}", body, secret, late=late)) == 401
    assert example.post(body + b" ", signed(f"msg-{seller}", body, secret)) == 401
    assert kept(example, seller) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 401),
        (b"[]", 401),
        (b"1", 401),
        (b"null", 401),
        (b"\xff", 401),
        (b"{}", 204),
        (b'{"type":7}', 204),
        (b'{"type":"something.new.v9","data":{"sequence":"later"}}', 204),
        (b'{"type":"badge.granted"}', 422),
        (b'{"type":"badge.granted","data":[]}', 422),
        (
            b'{"type":"badge.granted","data":{"marketplace":"m","seller_id":"s","day":"2026-07-01","sequence":9223372036854775808}}',
            422,
        ),
        (
            b'{"type":"badge.granted","data":{"marketplace":"m","seller_id":"s","day":"2026-07-01","sequence":"1"}}',
            422,
        ),
        (b'{"type":"badge.granted","data":{"marketplace":"m","seller_id":"s","day":"yesterday","sequence":1}}', 422),
    ],
)
def test_what_is_signed_and_no_event_in_order_is_answered_and_never_kept(
    example: Example, seller: str, body: bytes, status: int
) -> None:
    before = example.newest()
    assert example.post(body, signed(f"msg-{seller}", body)) == status
    assert example.newest() == before


def test_an_effect_that_fails_is_done_by_the_next_attempt(example: Example, seller: str) -> None:
    body = score(seller, 1).model_dump_json().encode()
    handled = example.handled()
    with example.broken("newest"):
        for _ in range(2):
            assert example.post(body, signed(f"msg-{seller}", body)) == 500
    assert example.handled() == handled
    for _ in range(3):
        assert example.post(body, signed(f"msg-{seller}", body)) == 204
    assert kept(example, seller) == [("seller.score.updated", 1)]
    assert example.handled() == handled + 1


def test_a_mark_that_fails_repeats_the_effect_and_that_changes_nothing(example: Example, seller: str) -> None:
    body = score(seller, 1).model_dump_json().encode()
    with example.broken("handled"):
        assert example.post(body, signed(f"msg-{seller}", body)) == 500
    assert kept(example, seller) == [("seller.score.updated", 1)]
    assert example.post(body, signed(f"msg-{seller}", body)) == 204
    assert kept(example, seller) == [("seller.score.updated", 1)]


def test_attempts_at_once_end_in_one_effect_and_one_mark(example: Example, seller: str) -> None:
    body = score(seller, 1).model_dump_json().encode()
    handled = example.handled()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: example.post(body, signed(f"msg-{seller}", body)), range(16)))
    assert statuses == [204] * 16
    assert kept(example, seller) == [("seller.score.updated", 1)]
    assert example.handled() == handled + 1


def test_a_body_beyond_all_bounds_is_refused_and_the_next_one_taken(example: Example, seller: str) -> None:
    huge = b" " * 1_500_000
    assert example.post(huge, signed(f"huge-{seller}", huge)) == 413
    body = score(seller, 1).model_dump_json().encode()
    assert example.post(body, signed(f"msg-{seller}", body)) == 204


@pytest.mark.parametrize("name", HERE)
def test_what_was_handled_is_remembered_after_a_restart(name: str, tmp_path: Path) -> None:
    body = score("s-1", 1).model_dump_json().encode()
    for _ in range(2):
        with running(name, [SECRET], tmp_path) as example:
            assert example.post(body, signed("msg_1", body)) == 204
            assert example.handled() == 1
