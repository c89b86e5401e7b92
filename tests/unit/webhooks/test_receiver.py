"""The receiver's side: verify, recognise repeats, keep the newest."""

import ast
import sys
from pathlib import Path

import pytest

import greenlane.webhook_receiver
from greenlane.webhook_receiver import VerificationError, Webhook, accept_if_newer, verify
from greenlane.webhooks.signing import Scheme, load_key, new_secret, shown_once, sign

NOW = 1_782_900_000
BODY = b'{"type":"badge.granted","data":{}}'
SECRET = new_secret(Scheme.V1, lambda size: b"k" * size)
PAIR = new_secret(Scheme.V1A, lambda size: b"p" * size)
PUBLIC = shown_once(load_key(PAIR), PAIR)
HEADERS = sign([load_key(SECRET)], "msg_1", NOW, BODY)


def test_a_genuine_webhook_is_accepted_whatever_the_case_of_its_headers() -> None:
    webhook = verify({name.title(): value for name, value in HEADERS.items()}, BODY, [SECRET], NOW)
    assert (webhook.id, webhook.timestamp, webhook.event()["type"]) == ("msg_1", NOW, "badge.granted")


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 5_000},
        {"webhook-signature": "v1a," + HEADERS["webhook-signature"][3:]},
        {"webhook-signature": HEADERS["webhook-signature"][3:]},
        {"webhook-signature": "v2,x " * 40 + HEADERS["webhook-signature"]},
        {"webhook-signature": "v1,é"},
    ],
)
def test_a_changed_header_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(VerificationError):
        verify(HEADERS | changed, BODY, [SECRET], NOW)


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(VerificationError, match="webhook-signature"):
        verify(HEADERS, BODY + b" ", [SECRET], NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_webhook_over_five_minutes_from_now_is_refused(seconds: int) -> None:
    with pytest.raises(VerificationError, match="webhook-timestamp"):
        verify(HEADERS, BODY, [SECRET], NOW + seconds)
    assert verify(HEADERS, BODY, [SECRET], NOW + seconds // 301 * 300).id == "msg_1"


def test_unusable_keys_are_a_mistake_of_the_receiver_not_of_the_sender() -> None:
    for keys in ([], ["whsec_"], ["whsec_***"], ["secret"], ["whpk_AAAA"]):
        with pytest.raises(ValueError, match="keys"):
            verify(HEADERS, BODY, keys, NOW)


HOSTILE = ["\udcff", "\udce9", "\xff", "\xe9", "\x00", "\n", "\t", "\x7f", "\u0661", "\U0001f600"]


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("character", HOSTILE, ids=ascii)
@pytest.mark.parametrize("key", [SECRET, PUBLIC], ids=["v1", "v1a"])
def test_bytes_that_no_genuine_header_has_are_refused_wherever_they_stand(name: str, character: str, key: str) -> None:
    for value in (character, HEADERS[name] + character, character + HEADERS[name], f"v1a,{character} v1,{character}"):
        with pytest.raises(VerificationError, match=name):
            verify(HEADERS | {name: value}, BODY, [key], NOW)


def test_an_id_longer_than_any_genuine_one_is_refused() -> None:
    with pytest.raises(VerificationError, match="webhook-id"):
        verify(HEADERS | {"webhook-id": "x" * 257}, BODY, [SECRET], NOW)


def test_only_what_is_newer_is_accepted_for_each_seller_and_kind() -> None:
    def event(kind: str, seller: str, day: str, sequence: int) -> dict[str, object]:
        data = {"marketplace": "demo-vn", "seller_id": seller, "day": day, "sequence": sequence}
        return {"type": kind, "data": data}

    newest: dict[str, tuple[str, int]] = {}
    steps = [
        (event("seller.score.updated", "s-1", "2026-07-01", 2), True),
        (event("seller.score.updated", "s-1", "2026-07-01", 1), False),
        (event("seller.score.updated", "s-1", "2026-07-01", 2), False),
        (event("seller.score.updated", "s-2", "2026-07-01", 1), True),
        (event("badge.granted", "s-1", "2026-07-01", 1), True),
        (event("badge.revoked", "s-1", "2026-07-01", 1), False),
        (event("seller.score.updated", "s-1", "2026-07-02", 0), True),
    ]
    assert [accept_if_newer(newest, given) for given, _ in steps] == [expected for _, expected in steps]
    endless = {"marketplace": "m", "seller_id": "s", "day": "2026-07-01", "sequence": float("inf")}
    wrongs: tuple[object, ...] = ({}, endless, [], None)
    for wrong in wrongs:
        with pytest.raises(VerificationError):
            accept_if_newer(newest, {"type": "endpoint.test", "data": wrong})


def test_a_body_that_is_no_event_is_told_whatever_it_is_instead() -> None:
    for body in (b"", b"[]", b"1", b"\xff", b"[" * 100_000):
        with pytest.raises(VerificationError, match="body"):
            Webhook("msg_1", 0, body).event()


def test_it_imports_the_standard_library_alone() -> None:
    tree = ast.parse(Path(greenlane.webhook_receiver.__file__).read_text(encoding="utf-8"))
    modules = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names
