"""The signing keys of endpoints: opened once, kept in memory until the endpoint's version changes."""

from collections import OrderedDict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.webhook_dispatcher.signing import SigningKey, load_key
from greenlane.webhook_dispatcher.vault import Sealed, Vault

_ACTIVE = sa.text("""
    SELECT key_id, kek_id, nonce, ciphertext FROM endpoint_secret
    WHERE endpoint_id = :endpoint AND (expires_at IS NULL OR expires_at > now()) ORDER BY created_at DESC, key_id""")
_KEPT = 4_096


class Keyring:
    """Opens secrets when they are first needed; nothing is written anywhere."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._opened: OrderedDict[str, tuple[int, tuple[SigningKey, ...]]] = OrderedDict()

    async def keys(self, endpoint_id: str, version: int) -> tuple[SigningKey, ...]:
        """The endpoint's active keys, newest first; SettingsError if they were sealed under another key."""
        kept = self._opened.get(endpoint_id)
        if kept is not None and kept[0] == version:
            self._opened.move_to_end(endpoint_id)
            return kept[1]
        async with self._engine.connect() as connection:
            found = (await connection.execute(_ACTIVE, {"endpoint": endpoint_id})).all()
        keys = tuple(
            load_key(self._vault.open(endpoint_id, row.key_id, Sealed(row.kek_id, row.nonce, row.ciphertext)))
            for row in found
        )
        self._opened[endpoint_id] = (version, keys)
        if len(self._opened) > _KEPT:
            self._opened.popitem(last=False)
        return keys
