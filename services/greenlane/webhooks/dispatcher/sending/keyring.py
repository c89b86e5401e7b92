"""The signing keys of endpoints: opened once, kept in memory until the endpoint's version changes or a key expires."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.webhooks.signing import SigningKey, load_key
from greenlane.webhooks.vault import Sealed, Vault

_ACTIVE = sa.text("""
    SELECT s.key_id, s.kek_id, s.nonce, s.ciphertext, e.granted_rate, concat(e.marketplace, '/', e.seller_id) AS owner,
           extract(epoch FROM s.expires_at - now())::float8 AS seconds_left
    FROM endpoint_secret s JOIN endpoint e USING (endpoint_id)
    WHERE endpoint_id = :endpoint AND (s.expires_at IS NULL OR s.expires_at > now())
    ORDER BY s.created_at DESC, s.key_id""")
_KEPT = 4_096


class Terms(NamedTuple):
    """Whose the endpoint is, and how many messages per minute its receiver granted (None: no limit)."""

    owner: str
    per_minute: int | None


class _Kept(NamedTuple):
    version: int
    until: float
    keys: tuple[SigningKey, ...]
    terms: Terms


class Keyring:
    """Opens secrets when they are first needed; nothing is written anywhere. `monotonic` is a clock in seconds."""

    def __init__(self, engine: AsyncEngine, vault: Vault, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._vault = vault
        self._monotonic = monotonic
        self._opened: OrderedDict[str, _Kept] = OrderedDict()

    async def keys(self, endpoint_id: str, version: int) -> tuple[SigningKey, ...]:
        """The endpoint's active keys, newest first; SettingsError if they were sealed under an unknown key."""
        asked_at = self._monotonic()
        kept = self._opened.get(endpoint_id)
        if kept is not None and kept.version == version and asked_at < kept.until:
            self._opened.move_to_end(endpoint_id)
            return kept.keys
        async with self._engine.connect() as connection:
            found = (await connection.execute(_ACTIVE, {"endpoint": endpoint_id})).all()
        keys = tuple(
            load_key(self._vault.open(endpoint_id, row.key_id, Sealed(row.kek_id, row.nonce, row.ciphertext)))
            for row in found
        )
        lasting = min((row.seconds_left for row in found if row.seconds_left is not None), default=math.inf)
        terms = Terms(found[0].owner, found[0].granted_rate) if found else Terms(endpoint_id, None)
        self._opened[endpoint_id] = _Kept(version, asked_at + lasting, keys, terms)
        if len(self._opened) > _KEPT:
            self._opened.popitem(last=False)
        return keys

    def terms(self, endpoint_id: str) -> Terms:
        """What else was read with the keys when `keys` was last called."""
        kept = self._opened.get(endpoint_id)
        return Terms(endpoint_id, None) if kept is None else kept.terms
