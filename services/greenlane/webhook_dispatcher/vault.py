"""Signing secrets at rest: AES-256-GCM under one key-encryption key, bound to their endpoint and key id."""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from greenlane.settings import SettingsError

KEY_BYTES, NONCE_BYTES = 32, 12
_VARIABLE = "GREENLANE_WEBHOOK_ENCRYPTION_KEY"
_REMEDY = "make one with: openssl rand -base64 32"


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted secret with what is needed to open it again: the id of the key, and the nonce."""

    kek_id: str
    nonce: bytes
    ciphertext: bytes


class Vault:
    """Seals and opens secrets; the additional data is `endpoint id|key id`, so a row copied elsewhere does not open."""

    def __init__(self, key: bytes, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        if len(key) != KEY_BYTES:
            raise SettingsError(f"{_VARIABLE}: must be base64 of exactly {KEY_BYTES} bytes; {_REMEDY}.")
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes
        self.kek_id = hashlib.sha256(b"greenlane webhook kek\n" + key).hexdigest()[:16]

    def seal(self, endpoint_id: str, key_id: str, secret: str) -> Sealed:
        """The secret, encrypted under a fresh random nonce."""
        nonce = self._random_bytes(NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, secret.encode(), _bound_to(endpoint_id, key_id))
        return Sealed(self.kek_id, nonce, ciphertext)

    def open(self, endpoint_id: str, key_id: str, sealed: Sealed) -> str:
        """The secret again; SettingsError if it was sealed under another key or for another endpoint."""
        if sealed.kek_id != self.kek_id:
            raise SettingsError(
                f"{_VARIABLE}: endpoint {endpoint_id} was sealed under key {sealed.kek_id}, this is {self.kek_id}; "
                "set the key that was in use when the endpoint was added."
            )
        try:
            opened = self._cipher.decrypt(sealed.nonce, sealed.ciphertext, _bound_to(endpoint_id, key_id))
        except InvalidTag:
            raise SettingsError(
                f"secret {key_id} of endpoint {endpoint_id} was altered in the database; add the endpoint again."
            ) from None
        return opened.decode()


def vault_from(key: SecretStr) -> Vault:
    """The vault of the configured key (base64 of 32 bytes); SettingsError when it is missing or wrong."""
    text = key.get_secret_value()
    if not text:
        raise SettingsError(f"{_VARIABLE}: not set, so signing secrets cannot be encrypted; {_REMEDY}.")
    try:
        return Vault(base64.b64decode(text, validate=True))
    except binascii.Error:
        raise SettingsError(f"{_VARIABLE}: not base64; {_REMEDY}.") from None


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
