"""API keys: the one table that several HTTP servers look into. A key opens one marketplace or one seller of it."""

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.ext.asyncio import AsyncEngine

metadata = sa.MetaData()
"""All tables: a wing that has tables adds its own."""

_SHAPE = re.compile(r"glk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}", re.ASCII)


class KeyScope(StrEnum):
    """What a key may be used for."""

    MANAGE_WEBHOOKS = "webhooks:manage"
    WRITE_EVENTS = "events:write"


api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("marketplace", sa.Text, nullable=False),
    sa.Column("seller_id", sa.Text, nullable=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("digest", BYTEA, nullable=False, comment="SHA-256 of the key, which is itself kept by its owner alone"),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.text("now()")),
    sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column(
        "scopes",
        ARRAY(sa.Text),
        nullable=False,
        server_default=f"{{{KeyScope.MANAGE_WEBHOOKS}}}",
        comment="what the key may be used for",
    ),
    sa.Index("api_key_by_scope", "marketplace", "seller_id"),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed."""

    key_id: str
    marketplace: str
    seller_id: str | None
    label: str
    created_at: datetime
    expires_at: datetime | None
    scopes: tuple[KeyScope, ...]


def id_of(token: str) -> str | None:
    """The id of the key that the token would be; None if it is none of ours, whatever is stored."""
    shape = _SHAPE.fullmatch(token)
    return None if shape is None else shape.group(1)


def digest_of(token: str) -> bytes:
    """A plain hash suffices: the key has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(token.encode()).digest()


def alive() -> sa.ColumnElement[bool]:
    """The rows of keys that open something now."""
    return sa.or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > sa.func.now())


def key_of(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    """The key that a row of the table stands for. A scope of a later release opens nothing here."""
    scopes = tuple(scope for scope in KeyScope if scope in row.scopes)
    return ApiKey(row.key_id, row.marketplace, row.seller_id, row.label, row.created_at, row.expires_at, scopes)


async def key_of_token(engine: AsyncEngine, token: str) -> ApiKey | None:
    """The key that this token is; None if it is none, was revoked or has expired."""
    key_id = id_of(token)
    if key_id is None:
        return None
    async with engine.connect() as connection:
        query = sa.select(api_key).where(api_key.c.key_id == key_id, alive())
        row = (await connection.execute(query)).one_or_none()
    if row is None or not hmac.compare_digest(bytes(row.digest), digest_of(token)):
        return None
    return key_of(row)


async def keys_still_open(engine: AsyncEngine, key_ids: Collection[str]) -> dict[str, ApiKey]:
    """Those of these keys that were not revoked and have not expired, by their ids."""
    async with engine.connect() as connection:
        query = sa.select(api_key).where(api_key.c.key_id.in_(key_ids), alive())
        return {row.key_id: key_of(row) for row in await connection.execute(query)}
