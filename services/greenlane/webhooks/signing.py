"""Standard Webhooks 1.0.0 signatures: `v1` (HMAC-SHA256) and `v1a` (Ed25519), one per active key."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET_BYTES = 32
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64


class Scheme(StrEnum):
    """The signature schemes, by the word that stands before the signature."""

    V1 = "v1"
    V1A = "v1a"


class SigningKey(Protocol):
    """Signs the bytes of one message."""

    def sign(self, content: bytes) -> str:
        """The signature with its scheme before it: `v1,…` or `v1a,…`."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class HmacKey:
    """A shared secret of 24 to 64 bytes."""

    secret: bytes

    def sign(self, content: bytes) -> str:
        """HMAC-SHA256 of the content."""
        return "v1," + base64.b64encode(hmac.digest(self.secret, content, hashlib.sha256)).decode()


@dataclass(frozen=True, slots=True, repr=False)
class Ed25519Key:
    """A private key, made once because that costs more than signing."""

    private: Ed25519PrivateKey

    def sign(self, content: bytes) -> str:
        """Ed25519 of the content."""
        return "v1a," + base64.b64encode(self.private.sign(content)).decode()

    def public(self) -> str:
        """The `whpk_` text a receiver verifies with."""
        return "whpk_" + base64.b64encode(self.private.public_key().public_bytes_raw()).decode()


def new_secret(scheme: Scheme, random_bytes: Callable[[int], bytes]) -> str:
    """A fresh secret as its owner keeps it: `whsec_…` for v1, `whsk_…` (seed and public key) for v1a."""
    raw = random_bytes(SECRET_BYTES)
    if scheme is Scheme.V1:
        return "whsec_" + base64.b64encode(raw).decode()
    public = Ed25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw()
    return "whsk_" + base64.b64encode(raw + public).decode()


def load_key(secret: str) -> HmacKey | Ed25519Key:
    """The key behind a `whsec_` or `whsk_` text; ValueError (without the secret) if it is neither."""
    prefix, _, encoded = secret.partition("_")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("secret: not base64 after its prefix; use it as it was shown once") from None
    if prefix == "whsec" and MIN_SECRET_BYTES <= len(raw) <= MAX_SECRET_BYTES:
        return HmacKey(raw)
    if prefix == "whsk" and len(raw) == 64:
        private = Ed25519PrivateKey.from_private_bytes(raw[:32])
        if private.public_key().public_bytes_raw() == raw[32:]:
            return Ed25519Key(private)
    raise ValueError("secret: expected whsec_ with 24 to 64 bytes, or whsk_ with a seed and its public key, in base64")


def shown_once(key: HmacKey | Ed25519Key, secret: str) -> str:
    """What the owner of a fresh secret is given: a shared secret itself, of a key pair the public half alone."""
    return key.public() if isinstance(key, Ed25519Key) else secret


def public_jwk(key: Ed25519Key, key_id: str) -> dict[str, str]:
    """The public half as a JSON Web Key (RFC 8037)."""
    raw = key.private.public_key().public_bytes_raw()
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key_id, "x": x}


def sign(keys: Sequence[SigningKey], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt; `timestamp` is this attempt's time in whole seconds since 1970 UTC."""
    if not keys:
        raise ValueError("keys: an endpoint without an active key cannot be sent to; add a secret")
    if "." in webhook_id:
        raise ValueError("webhook_id: contains a dot, which separates the signed parts")
    content = b"%s.%d.%s" % (webhook_id.encode("ascii"), timestamp, body)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(key.sign(content) for key in keys),
    }
