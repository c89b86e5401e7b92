"""Signatures against the published vectors and both official libraries."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks.webhooks
import svix.webhooks

from greenlane.webhook_receiver import VerificationError, verify
from greenlane.webhooks.signing import Ed25519Key, Scheme, load_key, new_secret, sign

DATA = Path(__file__).with_name("signing_vectors.json")
BODY = b'{"data":{"sequence":1}}'


def published() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return parsed


# the first vector of the Standard Webhooks specification, so that one is always checked
SPECIFIED = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp": 1614265330,
    "body": '{"test": 2432232314}',
    "expected": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def test_the_vector_of_the_specification_is_reproduced() -> None:
    headers = sign([load_key(str(SPECIFIED["secret"]))], str(SPECIFIED["msg_id"]), 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == SPECIFIED["expected"]


def test_every_published_vector_is_reproduced() -> None:
    for vector in published()["vectors"]:
        headers = sign([load_key(vector["secret"])], vector["msg_id"], vector["timestamp"], vector["body"].encode())
        assert headers["webhook-signature"] == vector["expected"], vector["id"]
        keys = [vector.get("public_key", vector["secret"])]
        assert verify(headers, vector["body"].encode(), keys, vector["timestamp"]).id == vector["msg_id"]


def test_every_published_behaviour_is_followed() -> None:
    document = published()
    vectors = {vector["id"]: vector for vector in document["vectors"]}
    for case in document["behaviour"]:
        base = vectors[case["base"]]
        headers = {
            "webhook-id": base["msg_id"],
            "webhook-timestamp": str(base["timestamp"]),
            "webhook-signature": base["expected"],
        }
        if "header" in case:
            headers |= {case["header"]: case["value"] or ""}
        keys = [case.get("secret", base["secret"])]
        now = base["timestamp"] + case.get("clock_offset_seconds", 0)
        if case["expect"] == "accept":
            assert verify(headers, base["body"].encode(), keys, now).id == base["msg_id"]
            continue
        with pytest.raises((VerificationError, ValueError)):
            verify(headers, base["body"].encode(), keys, now)


def test_standardwebhooks_and_svix_accept_what_we_sign() -> None:
    secret = new_secret(Scheme.V1, lambda size: bytes(range(size)))
    timestamp = int(time.time())
    headers = sign([load_key(secret)], "msg_1", timestamp, BODY)
    assert standardwebhooks.webhooks.Webhook(secret).verify(BODY, headers) == json.loads(BODY)
    svix.webhooks.Webhook(secret).verify(BODY, headers)
    with pytest.raises(svix.webhooks.WebhookVerificationError):
        svix.webhooks.Webhook(secret).verify(BODY + b" ", headers)


def test_while_keys_rotate_each_of_them_signs() -> None:
    old = new_secret(Scheme.V1, lambda size: b"o" * size)
    new = new_secret(Scheme.V1A, lambda size: b"n" * size)
    private = load_key(new)
    assert isinstance(private, Ed25519Key)
    headers = sign([load_key(old), private], "msg_1", 1_782_900_000, BODY)
    for key in (old, private.public()):
        assert verify(headers, BODY, [key], 1_782_900_000).body == BODY


@pytest.mark.parametrize("raw", [0, 23, 65])
def test_a_secret_of_a_wrong_size_is_refused(raw: int) -> None:
    secret = new_secret(Scheme.V1, lambda _: b"x" * raw)
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        load_key(secret)


def test_a_private_key_with_a_foreign_public_half_is_refused() -> None:
    first = new_secret(Scheme.V1A, lambda size: b"a" * size)
    second = new_secret(Scheme.V1A, lambda size: b"b" * size)
    with pytest.raises(ValueError, match="whsk_"):
        load_key(first[:49] + second[49:])


def test_an_id_with_a_dot_is_never_signed() -> None:
    with pytest.raises(ValueError, match="dot"):
        sign([load_key(new_secret(Scheme.V1, bytes))], "msg.1", 1, BODY)


def test_no_key_appears_in_a_representation() -> None:
    secret = new_secret(Scheme.V1, lambda size: b"s" * size)
    assert secret.removeprefix("whsec_") not in repr(load_key(secret))
    assert "ssss" not in repr(load_key(secret))
