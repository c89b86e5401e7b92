"""What people do with endpoints: add, list, change, test, disable, remove, and look at what was dispatched to them."""

import asyncio
import contextlib
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from greenlane.database.connection import migrate, open_database
from greenlane.errors import ConflictError, UnknownError, WrongUseError
from greenlane.settings import Settings
from greenlane.webhooks.endpoint_states import change_state
from greenlane.webhooks.identity import shard_of
from greenlane.webhooks.identity import webhook_id as identity_of
from greenlane.webhooks.management.scope import Quotas, Scope, count_of, lock_rows, owned
from greenlane.webhooks.management.views import (
    AttemptMade,
    Dispatch,
    Endpoint,
    NewEndpoint,
    attempt_of,
    attempts_of,
    dispatch_of,
    dispatches,
    endpoint_of,
    endpoints,
)
from greenlane.webhooks.signing import Scheme, load_key, new_secret, shown_once
from greenlane.webhooks.states import ENDPOINT_TEST, MODES, OPEN, EndpointState, Mode, State
from greenlane.webhooks.tables import delivery, endpoint, endpoint_secret, event
from greenlane.webhooks.targets import check_url
from greenlane.webhooks.vault import Vault, fingerprint, vault_from
from greenlane.webhooks.wakeups import tell_due

OFFERED = tuple(name for name in MODES if name != ENDPOINT_TEST)
"""The types that an endpoint may choose."""

ENDPOINTS_PER_OWNER = 20
"""For whoever has a key: each event of a seller costs a delivery to each of its endpoints and its marketplace's."""

DISABLED_BY_OWNER = "by_owner"
_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Listing:
    """Which deliveries are wanted: the latest `limit`, newest first, that match everything given.

    `before` is the (created_at, webhook id) of the last one already seen.
    """

    endpoint_id: str | None = None
    state: State | None = None
    type: str | None = None
    seller_id: str | None = None
    since: datetime | None = None
    before: tuple[datetime, str] | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Administration:
    """Works on the dispatcher's tables from any process, within a scope; the dispatcher is told at once.

    What lies outside the scope is answered like what does not exist: with UnknownError.
    """

    engine: AsyncEngine
    vault: Vault
    allow_private: bool
    marketplaces: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)
    quotas: Quotas = field(default_factory=Quotas)
    clock: Callable[[], float] = field(default=time.time)
    random_bytes: Callable[[int], bytes] = field(default=os.urandom)

    def within(self, scope: Scope) -> "Administration":
        """The same desk for somebody who may see and touch nothing outside `scope`."""
        return replace(self, scope=scope)

    async def add_endpoint(  # noqa: PLR0913, PLR0917 - an endpoint is these things; all but two have defaults
        self,
        url: str,
        marketplace: str,
        seller: str | None = None,
        types: Sequence[str] | None = None,
        scheme: Scheme = Scheme.V1,
        sellers: Sequence[str] | None = None,
    ) -> NewEndpoint:
        """Add an endpoint, unconfirmed until it answers the signed test event that is sent at once.

        `seller` makes it that seller's own; `sellers` is a filter. Raises TargetError for a URL that may not be one,
        WrongUseError for an unknown type or marketplace or one outside the scope, ConflictError for one too many.
        """
        self.check_owner(marketplace, seller)
        target = check_url(url, allow_private=self.allow_private)
        values = {
            "endpoint_id": f"ep_{self.random_bytes(12).hex()}",
            "marketplace": marketplace,
            "seller_id": seller,
            "url": target,
            "types": list(_types(types)),
            "sellers": None if sellers is None else list(dict.fromkeys(sellers)),
            "state": EndpointState.UNCONFIRMED.value,
        }
        secret = new_secret(scheme, self.random_bytes)
        async with self.engine.begin() as connection:
            await self._leave_room(connection, marketplace, seller)
            shard = shard_of(str(values["endpoint_id"]))
            await connection.execute(endpoint.insert().values(**values, shard=shard))
            added = await self.found(connection, str(values["endpoint_id"]))
            await self.keep_secret(connection, added.endpoint_id, scheme, secret)
            await self._enqueue_test(connection, added)
            added = await self.found(connection, added.endpoint_id)
        return NewEndpoint(added, shown_once(load_key(secret), secret))

    async def list_endpoints(self, marketplace: str | None = None, limit: int | None = None) -> list[Endpoint]:
        """The endpoints of the scope that were not removed, oldest first; at most `limit` of them."""
        query = endpoints().where(self.visible())
        if marketplace is not None:
            query = query.where(endpoint.c.marketplace == marketplace)
        async with self.engine.connect() as connection:
            query = query.order_by(endpoint.c.created_at, endpoint.c.endpoint_id).limit(limit)
            return [endpoint_of(row) for row in await connection.execute(query)]

    async def known_marketplaces(self) -> set[str]:
        """Those that are configured or have an endpoint within the scope."""
        async with self.engine.connect() as connection:
            found = await connection.execute(sa.select(endpoint.c.marketplace).where(self.visible()).distinct())
            return {*self.marketplaces, *found.scalars()}

    async def endpoint(self, endpoint_id: str) -> Endpoint:
        """One endpoint; UnknownError outside the scope."""
        async with self.engine.connect() as connection:
            return await self.found(connection, endpoint_id)

    async def change_endpoint(
        self,
        endpoint_id: str,
        url: str | None = None,
        types: Sequence[str] | None = None,
        sellers: Sequence[str] | None = None,
    ) -> Endpoint:
        """Change what is given; a new URL must confirm itself again, and what comes meanwhile is held.

        An empty `sellers` lifts the filter. Filters apply to what is accepted from now on.
        """
        values: dict[str, object] = {}
        if types is not None:
            values["types"] = list(_types(types))
        if sellers is not None:
            values["sellers"] = list(dict.fromkeys(sellers)) or None
        if url is not None:
            values["url"] = check_url(url, allow_private=self.allow_private)
        async with self.engine.begin() as connection:
            before = await self.locked(connection, endpoint_id)
            moved = values.get("url", before.url) != before.url
            if moved:
                values |= {"origin_granted": False, "granted_rate": None, "confirmed_at": None}
            if values:
                await connection.execute(endpoint.update().where(endpoint.c.endpoint_id == endpoint_id).values(values))
            if moved:
                await change_state(connection, endpoint_id, EndpointState.UNCONFIRMED, "new_url")
                await self._enqueue_test(connection, before)
            return await self.found(connection, endpoint_id)

    async def disable_endpoint(self, endpoint_id: str) -> Endpoint:
        """Send nothing more; what comes is held until a test is answered 2xx."""
        async with self.engine.begin() as connection:
            await self.locked(connection, endpoint_id)
            await change_state(connection, endpoint_id, EndpointState.DISABLED, DISABLED_BY_OWNER)
            return await self.found(connection, endpoint_id)

    async def remove_endpoint(self, endpoint_id: str) -> Endpoint:
        """Remove an endpoint with its secrets; what still waits for it is cancelled."""
        async with self.engine.begin() as connection:
            gone = await self.locked(connection, endpoint_id)
            await connection.execute(
                endpoint.update()
                .where(endpoint.c.endpoint_id == endpoint_id)
                .values(state=EndpointState.REMOVED.value, version=endpoint.c.version + 1)
            )
            await connection.execute(endpoint_secret.delete().where(endpoint_secret.c.endpoint_id == endpoint_id))
            await connection.execute(
                delivery.update()
                .where(delivery.c.endpoint_id == endpoint_id, delivery.c.state.in_(_waiting()))
                .values(state=State.CANCELLED.value, reason=EndpointState.REMOVED.value, finished_at=sa.func.now())
            )
        return gone

    async def send_test(self, endpoint_id: str, wait_seconds: float = 0.0) -> Dispatch:
        """Send a signed test event; a 2xx answer confirms the endpoint, or activates it again when it was disabled.

        Waits up to `wait_seconds` for the outcome; what comes back then may still be pending.
        """
        async with self.engine.begin() as connection:
            sent = await self._enqueue_test(connection, await self.locked(connection, endpoint_id))
        until = asyncio.get_running_loop().time() + wait_seconds
        while True:
            dispatch = await self.dispatch(endpoint_id, sent)
            answered = dispatch.state not in OPEN or (dispatch.state is State.PENDING and dispatch.attempts > 0)
            if answered or asyncio.get_running_loop().time() >= until:
                return dispatch
            await asyncio.sleep(_POLL)

    async def deliveries(
        self, endpoint_id: str | None = None, state: State | None = None, limit: int = 100
    ) -> list[Dispatch]:
        """The latest deliveries of the scope, newest first, of one endpoint or of all, in one state or in any."""
        return await self.listed(Listing(endpoint_id, state, limit=limit))

    async def listed(self, wanted: Listing) -> list[Dispatch]:
        """The deliveries of the scope that match; those of removed endpoints too."""
        query = dispatches().where(self.scope.within(endpoint), *_matching(wanted))
        query = query.order_by(delivery.c.created_at.desc(), delivery.c.event_id.desc()).limit(wanted.limit)
        async with self.engine.connect() as connection:
            return [dispatch_of(row) for row in await connection.execute(query)]

    async def dispatch(self, endpoint_id: str, webhook_id: str) -> Dispatch:
        """One delivery; UnknownError outside the scope."""
        query = dispatches().where(
            self.scope.within(endpoint), delivery.c.endpoint_id == endpoint_id, delivery.c.event_id == webhook_id
        )
        async with self.engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise UnknownError("webhook_id", f"{webhook_id} is not known at {endpoint_id}", "list the deliveries")
        return dispatch_of(row)

    async def attempts(self, endpoint_id: str, webhook_id: str) -> list[AttemptMade]:
        """Every attempt at one delivery, the first one first; UnknownError outside the scope."""
        await self.dispatch(endpoint_id, webhook_id)
        async with self.engine.connect() as connection:
            return [attempt_of(row) for row in await connection.execute(attempts_of(endpoint_id, webhook_id))]

    async def found(self, connection: AsyncConnection, endpoint_id: str, *, lock: bool = False) -> Endpoint:
        """The endpoint within the scope, or UnknownError."""
        query = endpoints().where(endpoint.c.endpoint_id == endpoint_id, self.visible())
        row = (await connection.execute(query.with_for_update(of=endpoint) if lock else query)).one_or_none()
        if row is None:
            raise UnknownError("endpoint_id", f"{endpoint_id} is not known", "list the endpoints to find it")
        return endpoint_of(row)

    async def locked(self, connection: AsyncConnection, endpoint_id: str) -> Endpoint:
        """The endpoint within the scope, locked until the transaction ends, or UnknownError.

        Its dispatcher looks for what became due when the transaction commits.
        """
        target = await self.found(connection, endpoint_id, lock=True)
        await tell_due(connection, [endpoint_id])
        return target

    async def keep_secret(self, connection: AsyncConnection, endpoint_id: str, scheme: Scheme, secret: str) -> str:
        """Seal a signing secret and store it; the id of the new key."""
        key_id = f"key_{self.random_bytes(6).hex()}"
        sealed = self.vault.seal(endpoint_id, key_id, secret)
        await connection.execute(
            endpoint_secret.insert().values(
                endpoint_id=endpoint_id,
                key_id=key_id,
                scheme=scheme.value,
                kek_id=sealed.kek_id,
                nonce=sealed.nonce,
                ciphertext=sealed.ciphertext,
                fingerprint=fingerprint(secret),
            )
        )
        return key_id

    def visible(self) -> sa.ColumnElement[bool]:
        """The endpoints of the scope that were not removed, as a condition."""
        return sa.and_(self.scope.within(endpoint), endpoint.c.state != EndpointState.REMOVED.value)

    def check_owner(self, marketplace: str, seller: str | None) -> None:
        """WrongUseError when this owner is not configured or lies outside the scope."""
        if not self.scope.covers(marketplace, seller):
            own = "/".join(part for part in (self.scope.marketplace, self.scope.seller_id) if part)
            raise WrongUseError("marketplace", "is not within the key's scope", f"leave it out or use {own}")
        if self.marketplaces and marketplace not in self.marketplaces:
            known = ", ".join(self.marketplaces)
            raise WrongUseError("marketplace", f"{marketplace} is not configured", f"choose from {known}")

    async def _leave_room(self, connection: AsyncConnection, marketplace: str, seller: str | None) -> None:
        """ConflictError when the owner or its marketplace has as many endpoints as it may; operators add any number."""
        if self.scope == Scope():
            return
        await lock_rows(connection, endpoint, marketplace)
        kept = endpoint.c.state != EndpointState.REMOVED.value
        if await count_of(connection, endpoint, owned(endpoint, marketplace, seller), kept) >= ENDPOINTS_PER_OWNER:
            problem = f"one owner may have at most {ENDPOINTS_PER_OWNER} endpoints"
            raise ConflictError("url", problem, "remove one first")
        if await count_of(connection, endpoint, endpoint.c.marketplace == marketplace, kept) >= self.quotas.endpoints:
            problem = f"{marketplace} and its sellers may have at most {self.quotas.endpoints} endpoints"
            remedy = "remove one first, or ask the operators to raise GREENLANE_WEBHOOK_ENDPOINTS_PER_MARKETPLACE"
            raise ConflictError("url", problem, remedy)

    async def _enqueue_test(self, connection: AsyncConnection, target: Endpoint) -> str:
        now = datetime.fromtimestamp(self.clock(), UTC)
        source, event_id = f"/marketplaces/{target.marketplace}", uuid.UUID(bytes=self.random_bytes(16), version=4).hex
        body = {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": ENDPOINT_TEST,
            "subject": target.endpoint_id,
            "time": now.isoformat(),
            "datacontenttype": "application/json",
            "data": {"marketplace": target.marketplace, "message": "Answer with any 2xx to confirm this endpoint."},
        }
        identity = identity_of(source, event_id)
        row = {"event_day": now.date(), "event_id": identity, "seq": 0}
        raw = json.dumps(body, separators=(",", ":")).encode()
        await connection.execute(event.insert().values(**row, type=ENDPOINT_TEST, body=raw))
        await connection.execute(
            delivery.insert().values(
                **row,
                endpoint_id=target.endpoint_id,
                shard=shard_of(target.endpoint_id),
                mode=Mode.UNORDERED.value,
                state=State.PENDING.value,
                due_at=sa.func.now(),
            )
        )
        await tell_due(connection, [target.endpoint_id])
        return identity


@contextlib.asynccontextmanager
async def administration(settings: Settings, *, connections: int = 2) -> AsyncIterator[Administration]:
    """The management functions on the configured database, its tables brought up to date.

    Raises SettingsError when the database or the encryption key is missing or cannot be used.
    """
    vault = vault_from(settings.webhook_encryption_key, settings.webhook_older_encryption_keys)
    await migrate(settings.database_url)
    engine = open_database(settings.database_url, connections=connections)
    try:
        quotas = Quotas(settings.webhook_endpoints_per_marketplace, settings.webhook_keys_per_marketplace)
        private = settings.webhook_allow_private_networks
        yield Administration(engine, vault, private, settings.marketplaces, quotas=quotas)
    finally:
        await engine.dispose()


def _types(chosen: Sequence[str] | None) -> tuple[str, ...]:
    unknown = sorted(set(chosen or ()) - set(OFFERED))
    if unknown:
        raise WrongUseError("types", f"{', '.join(unknown)} is not offered", f"choose from {', '.join(OFFERED)}")
    return tuple(dict.fromkeys(chosen or OFFERED))


def _waiting() -> list[str]:
    return [state.value for state in OPEN if state is not State.LEASED]


def _matching(wanted: Listing) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.endpoint_id is not None:
        conditions.append(delivery.c.endpoint_id == wanted.endpoint_id)
    if wanted.state is not None:
        conditions.append(delivery.c.state == wanted.state.value)
    if wanted.type is not None:
        conditions.append(event.c.type == wanted.type)
    if wanted.seller_id is not None:
        owner = sa.func.concat(endpoint.c.marketplace, "/", wanted.seller_id)
        keys = [sa.func.concat(family, ":", owner) for family in ("score", "badge")]
        conditions.append(delivery.c.order_key.in_(keys))
    if wanted.since is not None:
        conditions.append(delivery.c.created_at >= wanted.since)
    if wanted.before is not None:
        conditions.append(sa.tuple_(delivery.c.created_at, delivery.c.event_id) < sa.tuple_(*wanted.before))
    return conditions
