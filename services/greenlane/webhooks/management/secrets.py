"""Signing secrets: rotated with an overlap in which all of them sign, expired at once when leaked, sealed anew."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from greenlane.errors import ConflictError, UnknownError, WrongUseError
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.signing import Ed25519Key, HmacKey, Scheme, load_key, new_secret, public_jwk, shown_once
from greenlane.webhooks.tables import endpoint, endpoint_secret
from greenlane.webhooks.vault import Sealed

ACTIVE_KEYS = 3
USUAL_OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)
_PAGE = 200


@dataclass(frozen=True, slots=True)
class SecretShown:
    """A signing key as it is listed: its fingerprint, and of a key pair the public half."""

    key_id: str
    scheme: Scheme
    fingerprint: str
    public_key: str | None
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class NewSecret:
    """A fresh key with what its receiver verifies with: a `whsec_` secret, shown this once, or a `whpk_` key."""

    key_id: str
    scheme: Scheme
    secret: str
    others_until: datetime


async def list_secrets(desk: Administration, endpoint_id: str) -> list[SecretShown]:
    """The endpoint's active keys, the newest first; UnknownError outside the scope."""
    async with desk.engine.connect() as connection:
        await desk.found(connection, endpoint_id)
        return [_shown(desk, row) for row in await _active(connection, endpoint_id)]


async def rotate_secret(
    desk: Administration, endpoint_id: str, scheme: Scheme | None = None, overlap: timedelta = USUAL_OVERLAP
) -> NewSecret:
    """Add a key, of the newest one's scheme unless another is given; the others go on signing for `overlap`.

    Raises ConflictError when three keys are active already and would stay so, WrongUseError for an overlap
    that is not within 0 to 7 days.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise WrongUseError("overlap", "must be from 0 to 7 days", "choose a shorter one")
    async with desk.engine.begin() as connection:
        await desk.locked(connection, endpoint_id)
        active = await _active(connection, endpoint_id)
        if overlap and len(active) >= ACTIVE_KEYS:
            remedy = "wait until one expires, expire one, or rotate with an overlap of 0"
            raise ConflictError("overlap", f"{ACTIVE_KEYS} keys are active already", remedy)
        chosen = scheme or (Scheme(active[0].scheme) if active else Scheme.V1)
        secret = new_secret(chosen, desk.random_bytes)
        until = await _expire(connection, endpoint_id, overlap)
        key_id = await desk.keep_secret(connection, endpoint_id, chosen, secret)
        await _changed(connection, endpoint_id)
    return NewSecret(key_id, chosen, shown_once(load_key(secret), secret), until)


async def expire_secret(desk: Administration, endpoint_id: str, key_id: str) -> None:
    """Let a key sign nothing more from now on; ConflictError for the only one, UnknownError outside the scope."""
    async with desk.engine.begin() as connection:
        await desk.locked(connection, endpoint_id)
        active = await _active(connection, endpoint_id)
        if key_id not in {row.key_id for row in active}:
            raise UnknownError("key_id", f"{key_id} is not an active key of {endpoint_id}", "list the secrets")
        if len(active) == 1:
            raise ConflictError("key_id", "is the only key", "rotate with an overlap of 0 instead")
        await connection.execute(
            endpoint_secret.update()
            .where(endpoint_secret.c.endpoint_id == endpoint_id, endpoint_secret.c.key_id == key_id)
            .values(expires_at=sa.func.now())
        )
        await _changed(connection, endpoint_id)


async def public_keys(desk: Administration, endpoint_id: str) -> dict[str, list[dict[str, str]]]:
    """The public halves of the endpoint's active key pairs as a JSON Web Key Set (RFC 7517, RFC 8037)."""
    async with desk.engine.connect() as connection:
        await desk.found(connection, endpoint_id)
        rows = await _active(connection, endpoint_id)
    keys = [(row.key_id, _opened(desk, row)) for row in rows]
    return {"keys": [public_jwk(key, key_id) for key_id, key in keys if isinstance(key, Ed25519Key)]}


async def reseal(desk: Administration) -> int:
    """Seal under the newest encryption key every secret that is sealed under an older one; how many there were.

    May run beside dispatchers that know both keys; afterwards the older one can be dropped. SettingsError when a
    secret was sealed under a key that is not known here: those before it are sealed anew.
    """
    count = 0
    while page := await _reseal_page(desk):
        count += page
    return count


async def _reseal_page(desk: Administration) -> int:
    stale = sa.select(endpoint_secret).where(endpoint_secret.c.kek_id != desk.vault.kek_id)
    async with desk.engine.begin() as connection:
        rows = (await connection.execute(stale.limit(_PAGE).with_for_update())).all()
        for row in rows:
            opened = desk.vault.open(row.endpoint_id, row.key_id, Sealed(row.kek_id, row.nonce, row.ciphertext))
            sealed = desk.vault.seal(row.endpoint_id, row.key_id, opened)
            await connection.execute(
                endpoint_secret.update()
                .where(endpoint_secret.c.endpoint_id == row.endpoint_id, endpoint_secret.c.key_id == row.key_id)
                .values(kek_id=sealed.kek_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)
            )
    return len(rows)


async def _active(connection: AsyncConnection, endpoint_id: str) -> list[sa.Row[tuple[object, ...]]]:
    now = sa.func.now()
    query = sa.select(endpoint_secret).where(
        endpoint_secret.c.endpoint_id == endpoint_id,
        sa.or_(endpoint_secret.c.expires_at.is_(None), endpoint_secret.c.expires_at > now),
    )
    newest_first = query.order_by(endpoint_secret.c.created_at.desc(), endpoint_secret.c.key_id)
    return list(await connection.execute(newest_first))


async def _expire(connection: AsyncConnection, endpoint_id: str, overlap: timedelta) -> datetime:
    """Let the active keys end after the overlap, none later than it would have; forget those long gone."""
    end = (await connection.execute(sa.select(sa.func.now() + overlap))).scalar_one()
    mine = endpoint_secret.c.endpoint_id == endpoint_id
    await connection.execute(
        endpoint_secret.update().where(mine).values(expires_at=sa.func.least(endpoint_secret.c.expires_at, end))
    )
    await connection.execute(endpoint_secret.delete().where(mine, endpoint_secret.c.expires_at <= sa.func.now()))
    until: datetime = end
    return until


async def _changed(connection: AsyncConnection, endpoint_id: str) -> None:
    await connection.execute(
        endpoint.update().where(endpoint.c.endpoint_id == endpoint_id).values(version=endpoint.c.version + 1)
    )


def _opened(desk: Administration, row: sa.Row[tuple[object, ...]]) -> HmacKey | Ed25519Key:
    return load_key(desk.vault.open(row.endpoint_id, row.key_id, Sealed(row.kek_id, row.nonce, row.ciphertext)))


def _shown(desk: Administration, row: sa.Row[tuple[object, ...]]) -> SecretShown:
    scheme = Scheme(row.scheme)
    key = _opened(desk, row) if scheme is Scheme.V1A else None
    public = key.public() if isinstance(key, Ed25519Key) else None
    return SecretShown(row.key_id, scheme, row.fingerprint, public, row.created_at, row.expires_at)
