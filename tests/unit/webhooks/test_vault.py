"""Secrets at rest."""

import base64
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from greenlane.settings import SettingsError
from greenlane.webhooks.vault import Vault, load_or_create_key, vault_from

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


def test_a_sealed_secret_opens_again_and_shows_nothing() -> None:
    vault = Vault(b"k" * 32)
    sealed = vault.seal("ep_1", "key_1", SECRET)
    assert vault.open("ep_1", "key_1", sealed) == SECRET
    assert SECRET.encode() not in sealed.ciphertext
    assert vault.seal("ep_1", "key_1", SECRET).ciphertext != sealed.ciphertext


def test_a_secret_does_not_open_for_another_endpoint_or_key_id_or_when_altered() -> None:
    vault = Vault(b"k" * 32)
    sealed = vault.seal("ep_1", "key_1", SECRET)
    altered = replace(sealed, ciphertext=bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:])
    for endpoint_id, key_id, given in (
        ("ep_2", "key_1", sealed),
        ("ep_1", "key_2", sealed),
        ("ep_1", "key_1", altered),
    ):
        with pytest.raises(SettingsError, match="altered"):
            vault.open(endpoint_id, key_id, given)


def test_under_another_key_the_remedy_is_named() -> None:
    sealed = Vault(b"k" * 32).seal("ep_1", "key_1", SECRET)
    with pytest.raises(SettingsError, match="GREENLANE_WEBHOOK_ENCRYPTION_KEY"):
        Vault(b"l" * 32).open("ep_1", "key_1", sealed)


@pytest.mark.parametrize("value", ["", "not base64!", base64.b64encode(b"short").decode()])
def test_a_missing_or_wrong_key_is_refused_with_the_remedy(value: str) -> None:
    with pytest.raises(SettingsError, match="openssl rand -base64 32"):
        vault_from(SecretStr(value))


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "webhook.key"
    key = load_or_create_key(path)
    assert load_or_create_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.b64decode(key.get_secret_value())) == 32


def test_a_damaged_key_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "webhook.key"
    path.write_text("damaged", encoding="ascii")
    with pytest.raises(SettingsError, match=r"webhook\.key"):
        load_or_create_key(path)
    assert path.read_text(encoding="ascii") == "damaged"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="missing"):
        load_or_create_key(tmp_path / "missing" / "webhook.key")
