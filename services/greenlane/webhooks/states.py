"""The closed lists of webhooks: modes, types, and the states of deliveries and endpoints."""

from collections.abc import Mapping
from enum import StrEnum
from typing import get_args

from greenlane.methodology.vocabulary import DecisionKind

ENDPOINT_TEST = "endpoint.test"


class Mode(StrEnum):
    """How messages of one order key relate to each other."""

    LATEST = "latest"
    """A newer state replaces a waiting one."""
    FIFO = "fifo"
    """Every one, in order, never dropped."""
    UNORDERED = "unordered"
    """Each on its own."""


MODES: Mapping[str, Mode] = {
    "seller.score.updated": Mode.LATEST,
    **dict.fromkeys(get_args(DecisionKind), Mode.FIFO),
    ENDPOINT_TEST: Mode.UNORDERED,
}
"""Every webhook type with its mode; an endpoint may choose any of them but the test."""


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    LEASED = "leased"
    HELD = "held"
    QUARANTINED = "quarantined"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


OPEN = (State.PENDING, State.LEASED, State.HELD, State.QUARANTINED)
"""States in which a delivery still stands before its successors."""


class EndpointState(StrEnum):
    """Whether an endpoint receives anything but tests: only an active one does."""

    UNCONFIRMED = "unconfirmed"
    ACTIVE = "active"
    DISABLED = "disabled"
    NEEDS_ATTENTION = "needs_attention"
    REMOVED = "removed"


class Failure(StrEnum):
    """Why there was no complete answer; the closed list is also a column of the attempt log."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNUSABLE_URL = "unusable_url"
    UNEXPECTED = "unexpected"
    LEASE_LOST = "lease_lost"


UNDIALLED = (Failure.FORBIDDEN_ADDRESS, Failure.UNUSABLE_URL)
"""Nothing was sent because of the endpoint's URL: its owner must change it, and no attempt is charged."""
