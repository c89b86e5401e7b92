"""For those who receive webhooks: verify the signature, drop repeats, keep only the newest state.

Needs the standard library alone; `cryptography` only for keys that begin with `whpk_`.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

TOLERANCE_SECONDS = 300
MAX_SIGNATURES = 32
_SECRET_BYTES = (24, 64)
_PUBLIC_KEY_BYTES = 32
_MAX_TIMESTAMP_DIGITS = 12


class VerificationError(Exception):
    """A request is no genuine, fresh webhook: answer 401 and use nothing of it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A verified request; `timestamp` in seconds since 1970 UTC. `id` stays the same when a webhook is repeated."""

    id: str
    timestamp: int
    body: bytes

    def event(self) -> dict[str, Any]:
        """The CloudEvent in the body; VerificationError if it is none."""
        try:
            event = json.loads(self.body)
        except (ValueError, RecursionError):
            raise VerificationError("body: not JSON") from None
        if not isinstance(event, dict):
            raise VerificationError("body: not a JSON object")
        return event


def verify(
    headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: float, tolerance: float = TOLERANCE_SECONDS
) -> Webhook:
    """The webhook, if any one of its signatures was made with any one of `keys` within `tolerance` seconds of `now`.

    `keys` are `whsec_…` secrets or `whpk_…` public keys: several while keys are rotated. `body` must be the bytes as
    they were received. Header names may be in any case. Standard Webhooks 1.0.0, schemes v1 and v1a; signatures of
    unknown schemes are skipped. Raises VerificationError, or ValueError when a key is unusable.
    """
    if not keys:
        raise ValueError("keys: give at least one whsec_ secret or whpk_ public key")
    verifiers = [_verifier(key) for key in keys]
    lowered = {name.lower(): value for name, value in headers.items()}
    webhook_id = _header(lowered, "webhook-id")
    timestamp = _timestamp(_header(lowered, "webhook-timestamp"))
    signatures = _header(lowered, "webhook-signature").split(" ")[:MAX_SIGNATURES]
    if abs(now - timestamp) > tolerance:
        raise VerificationError(f"webhook-timestamp: more than {tolerance:.0f} seconds from now; check both clocks")
    signed = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    if not any(verifier.made(signature, signed) for signature in signatures for verifier in verifiers):
        raise VerificationError("webhook-signature: none was made with a known key for these bytes")
    return Webhook(webhook_id, timestamp, body)


class SeenIds:
    """Remembers ids of webhooks for as long as their signatures stay valid, so that a repeat is recognised.

    It is one process's memory: with several processes keep the ids in the database that also keeps the effect.
    """

    def __init__(self, capacity: int = 100_000, seconds: float = 2 * TOLERANCE_SECONDS) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._seen: OrderedDict[str, float] = OrderedDict()

    def first_time(self, webhook_id: str, now: float) -> bool:
        """Whether this id was not given before; answer a repeat with 2xx and do nothing."""
        while self._seen and next(iter(self._seen.values())) < now - self._seconds:
            self._seen.popitem(last=False)
        if webhook_id in self._seen:
            return False
        self._seen[webhook_id] = now
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)
        return True


def accept_if_newer(newest: MutableMapping[str, tuple[str, int]], event: Mapping[str, Any]) -> bool:
    """Whether the event is newer than what `newest` holds for its seller; if so `newest` is moved to it.

    Scores and badge decisions of a seller are ordered separately, each by (day, sequence).
    Raises VerificationError when the event has no such fields.
    """
    try:
        data = event["data"]
        family = str(event["type"]).partition(".")[0]
        key = f"{family}:{data['marketplace']}/{data['seller_id']}"
        position = (str(data["day"]), int(data["sequence"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise VerificationError("body: not a score or badge decision with marketplace, seller, day, sequence") from None
    if key in newest and position <= newest[key]:
        return False
    newest[key] = position
    return True


@dataclass(frozen=True, slots=True, repr=False)
class _Hmac:
    secret: bytes

    def made(self, signature: str, signed: bytes) -> bool:
        expected = b"v1," + base64.b64encode(hmac.digest(self.secret, signed, hashlib.sha256))
        return hmac.compare_digest(expected, signature.encode())


@dataclass(frozen=True, slots=True)
class _Ed25519:
    public: bytes

    def made(self, signature: str, signed: bytes) -> bool:
        # imported here so that users of whsec_ secrets need no package at all
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - optional dependency
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - optional dependency
            Ed25519PublicKey,
        )

        scheme, _, encoded = signature.partition(",")
        if scheme != "v1a":
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(base64.b64decode(encoded, validate=True), signed)
        except (InvalidSignature, binascii.Error):
            return False
        return True


def _verifier(key: str) -> _Hmac | _Ed25519:
    prefix, _, encoded = key.partition("_")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("keys: not base64 after the prefix; use the key as it was shown") from None
    if prefix == "whsec" and _SECRET_BYTES[0] <= len(raw) <= _SECRET_BYTES[1]:
        return _Hmac(raw)
    if prefix == "whpk" and len(raw) == _PUBLIC_KEY_BYTES:
        return _Ed25519(raw)
    raise ValueError("keys: expected whsec_ with 24 to 64 bytes or whpk_ with 32 bytes, in base64")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise VerificationError(f"{name}: missing")
    return value


def _timestamp(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_TIMESTAMP_DIGITS):
        raise VerificationError("webhook-timestamp: not a whole number of seconds")
    return int(text)
