"""What people do with endpoints: add, list, remove, test, look at deliveries, redeliver or cancel a held one."""

import asyncio
import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from greenlane.settings import Settings
from greenlane.webhook_dispatcher.attempts import system_time
from greenlane.webhook_dispatcher.database import migrate, open_database
from greenlane.webhook_dispatcher.messages import webhook_id
from greenlane.webhook_dispatcher.policy import ENDPOINT_TEST, MODES, OPEN, EndpointState, Mode, State
from greenlane.webhook_dispatcher.shards import shard_of
from greenlane.webhook_dispatcher.signing import Scheme, new_secret
from greenlane.webhook_dispatcher.tables import delivery, endpoint, endpoint_secret, event
from greenlane.webhook_dispatcher.targets import check_url
from greenlane.webhook_dispatcher.vault import Vault, vault_from

_POLL = 0.1


class WebhookUseError(ValueError):
    """A wrong use of the management functions; the text names the argument and the remedy."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as its owner sees it; `seller_id` None means all sellers of the marketplace."""

    endpoint_id: str
    marketplace: str
    seller_id: str | None
    url: str
    types: tuple[str, ...]
    state: EndpointState
    reason: str | None
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class NewEndpoint:
    """A fresh endpoint with its signing secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One delivery to one endpoint."""

    webhook_id: str
    endpoint_id: str
    type: str
    order_key: str | None
    state: State
    reason: str | None
    attempts: int
    due_at: datetime | None
    finished_at: datetime | None
    superseded_by: str | None


@dataclass(frozen=True, slots=True)
class Administration:
    """Works on the dispatcher's tables from any process; the dispatcher notices within a second."""

    engine: AsyncEngine
    vault: Vault
    allow_private: bool
    marketplaces: tuple[str, ...] = ()
    clock: Callable[[], float] = field(default=system_time)
    random_bytes: Callable[[int], bytes] = field(default=os.urandom)

    async def add_endpoint(
        self,
        url: str,
        marketplace: str,
        seller: str | None = None,
        types: Sequence[str] | None = None,
        scheme: Scheme = Scheme.V1,
    ) -> NewEndpoint:
        """Add an endpoint, unconfirmed until it answers the signed test event that is sent at once.

        Raises TargetError for a URL that may not be one, WebhookUseError for an unknown type or marketplace.
        """
        if self.marketplaces and marketplace not in self.marketplaces:
            known = ", ".join(self.marketplaces)
            raise WebhookUseError(f"marketplace: {marketplace} is not configured; choose from {known}")
        target = check_url(url, allow_private=self.allow_private)
        chosen = _types(types)
        endpoint_id = f"ep_{self.random_bytes(12).hex()}"
        secret = new_secret(scheme, self.random_bytes)
        async with self.engine.begin() as connection:
            row = (
                await connection.execute(
                    endpoint.insert()
                    .values(
                        endpoint_id=endpoint_id,
                        marketplace=marketplace,
                        seller_id=seller,
                        url=target,
                        types=list(chosen),
                        state=EndpointState.UNCONFIRMED.value,
                        shard=shard_of(endpoint_id),
                    )
                    .returning(*endpoint.c)
                )
            ).one()
            await self._keep_secret(connection, endpoint_id, scheme, secret)
            await self._enqueue_test(connection, _endpoint(row))
        return NewEndpoint(_endpoint(row), secret)

    async def list_endpoints(self, marketplace: str | None = None) -> list[Endpoint]:
        """Every endpoint that was not removed, oldest first."""
        query = sa.select(endpoint).where(endpoint.c.state != EndpointState.REMOVED.value)
        if marketplace is not None:
            query = query.where(endpoint.c.marketplace == marketplace)
        async with self.engine.connect() as connection:
            found = await connection.execute(query.order_by(endpoint.c.created_at, endpoint.c.endpoint_id))
            return [_endpoint(row) for row in found]

    async def remove_endpoint(self, endpoint_id: str) -> Endpoint:
        """Remove an endpoint with its secrets; what still waits for it is cancelled."""
        async with self.engine.begin() as connection:
            found = await self._locked(connection, endpoint_id)
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
        return found

    async def send_test(self, endpoint_id: str, wait_seconds: float = 0.0) -> Dispatch:
        """Send a signed test event; a 2xx answer confirms the endpoint, or activates it again when it was disabled.

        Waits up to `wait_seconds` for the outcome; what comes back then may still be pending.
        """
        async with self.engine.begin() as connection:
            sent = await self._enqueue_test(connection, await self._locked(connection, endpoint_id))
        until = asyncio.get_running_loop().time() + wait_seconds
        while True:
            dispatch = await self._dispatch(endpoint_id, sent)
            answered = dispatch.state not in OPEN or (dispatch.state is State.PENDING and dispatch.attempts > 0)
            if answered or asyncio.get_running_loop().time() >= until:
                return dispatch
            await asyncio.sleep(_POLL)

    async def deliveries(
        self, endpoint_id: str | None = None, state: State | None = None, limit: int = 100
    ) -> list[Dispatch]:
        """The latest deliveries, newest first, of one endpoint or of all, in one state or in any."""
        query = _dispatches().order_by(delivery.c.created_at.desc(), delivery.c.seq.desc()).limit(limit)
        if endpoint_id is not None:
            query = query.where(delivery.c.endpoint_id == endpoint_id)
        if state is not None:
            query = query.where(delivery.c.state == state.value)
        async with self.engine.connect() as connection:
            return [_dispatch(row) for row in await connection.execute(query)]

    async def _locked(self, connection: AsyncConnection, endpoint_id: str) -> Endpoint:
        query = sa.select(endpoint).where(
            endpoint.c.endpoint_id == endpoint_id, endpoint.c.state != EndpointState.REMOVED.value
        )
        row = (await connection.execute(query.with_for_update())).one_or_none()
        if row is None:
            raise WebhookUseError(f"endpoint_id: {endpoint_id} is not known; list the endpoints to find it")
        return _endpoint(row)

    async def _keep_secret(self, connection: AsyncConnection, endpoint_id: str, scheme: Scheme, secret: str) -> None:
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
                fingerprint=hashlib.sha256(secret.encode()).hexdigest()[:12],
            )
        )

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
        identity = webhook_id(source, event_id)
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
        return identity

    async def _dispatch(self, endpoint_id: str, identity: str) -> Dispatch:
        query = _dispatches().where(delivery.c.endpoint_id == endpoint_id, delivery.c.event_id == identity)
        async with self.engine.connect() as connection:
            return _dispatch((await connection.execute(query)).one())


@contextlib.asynccontextmanager
async def administration(settings: Settings) -> AsyncIterator[Administration]:
    """The management functions on the configured database, its tables brought up to date.

    Raises SettingsError when the database or the encryption key is missing or cannot be used.
    """
    vault = vault_from(settings.webhook_encryption_key)
    await migrate(settings.database_url)
    engine = open_database(settings.database_url, connections=2)
    try:
        yield Administration(engine, vault, settings.webhook_allow_private_networks, settings.marketplaces)
    finally:
        await engine.dispose()


def _types(chosen: Sequence[str] | None) -> tuple[str, ...]:
    offered = tuple(name for name in MODES if name != ENDPOINT_TEST)
    unknown = sorted(set(chosen or ()) - set(offered))
    if unknown:
        raise WebhookUseError(f"types: {', '.join(unknown)} is not offered; choose from {', '.join(offered)}")
    return tuple(dict.fromkeys(chosen or offered))


def _waiting() -> list[str]:
    return [state.value for state in OPEN if state is not State.LEASED]


def _endpoint(row: sa.Row[tuple[object, ...]]) -> Endpoint:
    return Endpoint(
        row.endpoint_id,
        row.marketplace,
        row.seller_id,
        row.url,
        tuple(row.types),
        EndpointState(row.state),
        row.reason,
        row.created_at,
        row.confirmed_at,
    )


def _dispatches() -> sa.Select[tuple[object, ...]]:
    due = sa.func.nullif(delivery.c.due_at, sa.text("'infinity'::timestamptz")).label("due")
    joined = delivery.join(
        event, sa.and_(event.c.event_day == delivery.c.event_day, event.c.event_id == delivery.c.event_id)
    )
    return sa.select(delivery, event.c.type, due).select_from(joined)


def _dispatch(row: sa.Row[tuple[object, ...]]) -> Dispatch:
    return Dispatch(
        row.event_id,
        row.endpoint_id,
        row.type,
        row.order_key,
        State(row.state),
        row.reason,
        row.attempt_no,
        row.due if row.state == State.PENDING else None,
        row.finished_at,
        row.superseded_by,
    )
