"""Endpoints, deliveries and attempts as their owner sees them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from greenlane.webhooks.states import EndpointState, Failure, Mode, State
from greenlane.webhooks.tables import attempt, delivery, endpoint, event


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint; `seller_id` None: it belongs to the marketplace, and `sellers` None: it hears about all of them.

    `granted_rate` is what its receiver allowed in the handshake, in messages per minute; None means no limit. Of one
    that gets no events, `last_test` tells how its test stands, such as `exhausted: status_500`, and `remedy` the cure.
    """

    endpoint_id: str
    marketplace: str
    seller_id: str | None
    url: str
    types: tuple[str, ...]
    sellers: tuple[str, ...] | None
    state: EndpointState
    reason: str | None
    granted_rate: int | None
    created_at: datetime
    confirmed_at: datetime | None
    last_test: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class NewEndpoint:
    """A fresh endpoint with what its receiver verifies with: a `whsec_` secret, shown this once, or a `whpk_` key."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One delivery to one endpoint; `due_at` None: not due, or behind another of its order key."""

    webhook_id: str
    endpoint_id: str
    type: str
    order_key: str | None
    state: State
    reason: str | None
    attempts: int
    created_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    superseded_by: str | None


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """One attempt: when it ended, what was answered, and how long it took from its start, in milliseconds."""

    attempt_no: int
    recorded_at: datetime
    status: int | None
    failure: str | None
    headers_ms: int | None
    total_ms: int
    fresh_try: bool


_CAUSES = {
    "": "correct the receiver so that it answers 2xx",
    Failure.DNS.value: "correct the host name in the URL, or its entry in the DNS",
    Failure.CONNECT.value: "start the receiver, or correct host and port of the URL",
    Failure.TLS.value: "renew the receiver's certificate, or correct the host name in the URL",
    Failure.TIMEOUT.value: "have the receiver answer 2xx first and work afterwards",
    Failure.FORBIDDEN_ADDRESS.value: "give a URL whose host has a public address",
    Failure.UNUSABLE_URL.value: "give a URL that can be used",
}
"""What to do first, by the reason why the latest test failed; the empty one is for every other reason."""


def endpoints() -> sa.Select[tuple[object, ...]]:
    """Endpoints, those that are not active with how their latest test stands."""
    stands = sa.func.concat_ws(": ", delivery.c.state, delivery.c.reason)
    latest = (
        sa.select(stands)
        .where(delivery.c.endpoint_id == endpoint.c.endpoint_id, delivery.c.mode == Mode.UNORDERED.value)
        .order_by(delivery.c.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(endpoint, sa.case((endpoint.c.state != EndpointState.ACTIVE.value, latest)).label("last_test"))


def endpoint_of(row: sa.Row[tuple[object, ...]]) -> Endpoint:
    """An endpoint from its row in `endpoints`."""
    state, last_test = EndpointState(row.state), row.last_test
    return Endpoint(
        row.endpoint_id,
        row.marketplace,
        row.seller_id,
        row.url,
        tuple(row.types),
        None if row.sellers is None else tuple(row.sellers),
        state,
        row.reason,
        row.granted_rate,
        row.created_at,
        row.confirmed_at,
        last_test,
        _remedy(state, last_test),
    )


def _remedy(state: EndpointState, last_test: str | None) -> str | None:
    if state in {EndpointState.ACTIVE, EndpointState.REMOVED}:
        return None
    if last_test in {State.PENDING.value, State.LEASED.value}:
        return "wait for the answer to the test that was sent"
    if state is EndpointState.DISABLED:
        return "send a test; answered 2xx, it enables the endpoint again"
    kind = (last_test or "").rpartition(": ")[2]
    return f"{_CAUSES.get(kind, _CAUSES[''])}, then send a test"


def dispatches() -> sa.Select[tuple[object, ...]]:
    """Deliveries with the type of their event, joined to their endpoint."""
    due = sa.func.nullif(delivery.c.due_at, sa.text("'infinity'::timestamptz")).label("due")
    joined = delivery.join(
        event, sa.and_(event.c.event_day == delivery.c.event_day, event.c.event_id == delivery.c.event_id)
    ).join(endpoint, endpoint.c.endpoint_id == delivery.c.endpoint_id)
    return sa.select(delivery, event.c.type, due).select_from(joined)


def dispatch_of(row: sa.Row[tuple[object, ...]]) -> Dispatch:
    """A delivery from its row in `dispatches`."""
    return Dispatch(
        row.event_id,
        row.endpoint_id,
        row.type,
        row.order_key,
        State(row.state),
        row.reason,
        row.attempt_no,
        row.created_at,
        row.due if row.state == State.PENDING else None,
        row.finished_at,
        row.superseded_by,
    )


def attempts_of(endpoint_id: str, webhook_id: str) -> sa.Select[tuple[object, ...]]:
    """The attempts of one delivery, the first one first."""
    return (
        sa.select(attempt)
        .where(attempt.c.endpoint_id == endpoint_id, attempt.c.event_id == webhook_id)
        .order_by(attempt.c.recorded_at, attempt.c.attempt_id)
    )


def attempt_of(row: sa.Row[tuple[object, ...]]) -> AttemptMade:
    """An attempt from its row."""
    return AttemptMade(
        row.attempt_no, row.recorded_at, row.status, row.failure, row.headers_ms, row.total_ms, row.fresh_try
    )
