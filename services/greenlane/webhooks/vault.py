"""Signing secrets at rest: AES-256-GCM under the newest key-encryption key, bound to their endpoint and key id."""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from greenlane.settings import SettingsError

KEY_BYTES, NONCE_BYTES = 32, 12
_VARIABLE = "GREENLANE_WEBHOOK_ENCRYPTION_KEY"
_OLDER_VARIABLE = "GREENLANE_WEBHOOK_OLDER_ENCRYPTION_KEYS"
_NONE = SecretStr("")
_REMEDY = "make one with: openssl rand -base64 32"


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted secret with what is needed to open it again: the id of the key, and the nonce."""

    kek_id: str
    nonce: bytes
    ciphertext: bytes


class Vault:
    """Seals secrets under `key`, and opens those sealed under it or an older one, so that keys change without a stop.

    The additional data is `endpoint id|key id`, so a row copied elsewhere does not open.
    """

    def __init__(
        self, key: bytes, older: Sequence[bytes] = (), random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        if any(len(one) != KEY_BYTES for one in (key, *older)):
            raise SettingsError(f"{_VARIABLE}: must be base64 of exactly {KEY_BYTES} bytes; {_REMEDY}.")
        self._ciphers = {_kek_id(one): AESGCM(one) for one in (*older, key)}
        self._random_bytes = random_bytes
        self.kek_id = _kek_id(key)

    def seal(self, endpoint_id: str, key_id: str, secret: str) -> Sealed:
        """The secret, encrypted under a fresh random nonce."""
        nonce = self._random_bytes(NONCE_BYTES)
        ciphertext = self._ciphers[self.kek_id].encrypt(nonce, secret.encode(), _bound_to(endpoint_id, key_id))
        return Sealed(self.kek_id, nonce, ciphertext)

    def open(self, endpoint_id: str, key_id: str, sealed: Sealed) -> str:
        """The secret again; SettingsError if it was sealed under an unknown key or for another endpoint."""
        cipher = self._ciphers.get(sealed.kek_id)
        if cipher is None:
            raise SettingsError(
                f"{_VARIABLE}: endpoint {endpoint_id} was sealed under key {sealed.kek_id}, this is {self.kek_id}; "
                f"add the key that was in use when the endpoint was added to {_OLDER_VARIABLE}."
            )
        try:
            opened = cipher.decrypt(sealed.nonce, sealed.ciphertext, _bound_to(endpoint_id, key_id))
        except InvalidTag:
            raise SettingsError(
                f"secret {key_id} of endpoint {endpoint_id} was altered in the database; add the endpoint again."
            ) from None
        return opened.decode()


def vault_from(key: SecretStr, older: SecretStr = _NONE) -> Vault:
    """The vault of the configured keys (base64 of 32 bytes; `older` comma-separated).

    SettingsError when the first is missing or any is wrong.
    """
    if not key.get_secret_value():
        raise SettingsError(f"{_VARIABLE}: not set, so signing secrets cannot be encrypted; {_REMEDY}.")
    retired = [part.strip() for part in older.get_secret_value().split(",") if part.strip()]
    return Vault(_decoded(key.get_secret_value(), _VARIABLE), [_decoded(text, _OLDER_VARIABLE) for text in retired])


def fingerprint(secret: str) -> str:
    """What is shown of a secret after the first time: enough to recognise it, nothing to sign with."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def load_or_create_key(path: Path) -> SecretStr:
    """The key in `path` (base64), made at the first call and readable by its owner only; for embedded use."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _stored_key(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror}); make its folder writable.") from None
    text = base64.b64encode(os.urandom(KEY_BYTES))
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    return SecretStr(text.decode())


def _stored_key(path: Path) -> SecretStr:
    text = path.read_text(encoding="ascii", errors="replace").strip()
    try:
        size = len(base64.b64decode(text, validate=True))
    except binascii.Error:
        size = 0
    if size != KEY_BYTES:
        raise SettingsError(f"{path}: not base64 of {KEY_BYTES} bytes; restore it, or delete it with the database.")
    return SecretStr(text)


def _bound_to(endpoint_id: str, key_id: str) -> bytes:
    return f"{endpoint_id}|{key_id}".encode()


def _kek_id(key: bytes) -> str:
    return hashlib.sha256(b"greenlane webhook kek\n" + key).hexdigest()[:16]


def _decoded(text: str, variable: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise SettingsError(f"{variable}: not base64; {_REMEDY}.") from None
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{variable}: must be base64 of exactly {KEY_BYTES} bytes; {_REMEDY}.")
    return key
