"""What people do with API keys: add, list, rotate and revoke; what a key is stands in `database/api_keys.py`."""

import base64
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from greenlane.database.api_keys import ApiKey, KeyScope, alive, api_key, digest_of, key_of
from greenlane.errors import ConflictError, UnknownError, WrongUseError
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.scope import Scope, count_of, lock_rows, owned

KEY_BYTES = 32
KEYS_PER_SCOPE = 20
ONLY_WEBHOOKS = (KeyScope.MANAGE_WEBHOOKS,)
LONGEST_OVERLAP = timedelta(days=7)


@dataclass(frozen=True, slots=True, repr=False)
class NewApiKey:
    """A fresh key; `token` is shown this once and sent as `Authorization: Bearer <token>`."""

    key: ApiKey
    token: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    marketplace: str
    seller_id: str | None
    label: str
    scopes: tuple[KeyScope, ...]


async def add_key(
    desk: Administration,
    marketplace: str,
    seller: str | None = None,
    label: str = "",
    scopes: Sequence[KeyScope] = ONLY_WEBHOOKS,
) -> NewApiKey:
    """Make a key for what lies within the desk's scope; it never expires unless it is rotated or revoked.

    Raises WrongUseError for no scope at all, and for a seller's key that would publish events.
    """
    desk.check_owner(marketplace, seller)
    chosen = tuple(scope for scope in KeyScope if scope in scopes)
    if not chosen:
        raise WrongUseError("scopes", "names none", f"choose from {', '.join(KeyScope)}")
    if seller is not None and KeyScope.WRITE_EVENTS in chosen:
        problem = f"{KeyScope.WRITE_EVENTS} is for a marketplace, and the key would be one seller's"
        raise WrongUseError("scopes", problem, "leave the seller out, or the scope")
    async with desk.engine.begin() as connection:
        await lock_rows(connection, api_key, marketplace)
        await _leave_room(connection, desk, marketplace)
        return await _insert(connection, desk, _Wanted(marketplace, seller, label, chosen))


async def list_keys(desk: Administration) -> list[ApiKey]:
    """The keys of the scope that still open something, the oldest first."""
    query = sa.select(api_key).where(desk.scope.within(api_key), alive()).order_by(api_key.c.created_at)
    async with desk.engine.connect() as connection:
        return [key_of(row) for row in await connection.execute(query.order_by(api_key.c.key_id))]


async def rotate_key(
    desk: Administration,
    key_id: str,
    overlap: timedelta = timedelta(hours=24),
    own_scopes: Collection[KeyScope] = tuple(KeyScope),
) -> NewApiKey:
    """Make a new key of the same scopes and label; the old one goes on for `overlap`, 0 to 7 days.

    Raises ConflictError when the old one has a scope that is none of `own_scopes`, those of whoever asks.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise WrongUseError("overlap", "must be from 0 to 7 days", "choose a shorter one")
    async with desk.engine.begin() as connection:
        old = await _found(connection, desk, key_id)
        if more := set(old.scopes) - set(own_scopes):
            problem = f"has the scope {', '.join(sorted(more))}, which the key that asks has not"
            raise ConflictError("key_id", problem, "ask with a key that has it, or ask the operators")
        await lock_rows(connection, api_key, old.marketplace)
        until = sa.func.least(api_key.c.expires_at, sa.func.now() + overlap)
        await connection.execute(api_key.update().where(api_key.c.key_id == key_id).values(expires_at=until))
        wanted = _Wanted(old.marketplace, old.seller_id, old.label, old.scopes)
        return await _insert(connection, desk, wanted)


async def revoke_key(desk: Administration, key_id: str) -> ApiKey:
    """Let a key open nothing from now on."""
    async with desk.engine.begin() as connection:
        gone = await _found(connection, desk, key_id)
        await connection.execute(api_key.delete().where(api_key.c.key_id == key_id))
    return gone


async def _leave_room(connection: AsyncConnection, desk: Administration, marketplace: str) -> None:
    """ConflictError when the marketplace has as many keys as it may; operators add any, and rotating is always free."""
    if desk.scope == Scope():
        return
    if await count_of(connection, api_key, api_key.c.marketplace == marketplace, alive()) >= desk.quotas.keys:
        problem = f"{marketplace} and its sellers may have at most {desk.quotas.keys} keys"
        remedy = (
            "revoke keys that are no longer used, or ask the operators to raise GREENLANE_WEBHOOK_KEYS_PER_MARKETPLACE"
        )
        raise ConflictError("key", problem, remedy)


async def _insert(connection: AsyncConnection, desk: Administration, wanted: "_Wanted") -> NewApiKey:
    same = owned(api_key, wanted.marketplace, wanted.seller_id)
    await connection.execute(api_key.delete().where(same, sa.not_(alive())))
    if await count_of(connection, api_key, same) >= KEYS_PER_SCOPE:
        raise ConflictError("key", f"{KEYS_PER_SCOPE} keys open this already", "revoke keys that are no longer used")
    key_id = desk.random_bytes(8).hex()
    secret = base64.urlsafe_b64encode(desk.random_bytes(KEY_BYTES)).rstrip(b"=").decode()
    token = f"glk_{key_id}_{secret}"
    values = asdict(wanted) | {"key_id": key_id, "scopes": list(wanted.scopes)}
    made = api_key.insert().values(values | {"digest": digest_of(token)}).returning(*api_key.c)
    return NewApiKey(key_of((await connection.execute(made)).one()), token)


async def _found(connection: AsyncConnection, desk: Administration, key_id: str) -> ApiKey:
    query = sa.select(api_key).where(api_key.c.key_id == key_id, desk.scope.within(api_key), alive())
    row = (await connection.execute(query.with_for_update())).one_or_none()
    if row is None:
        raise UnknownError("key_id", f"{key_id} is not known", "list the keys to find it")
    return key_of(row)
