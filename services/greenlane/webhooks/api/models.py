"""What requests may say, and pages of answers; what is shown of things themselves is in `management_views`."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from greenlane.contracts.events import Identifier
from greenlane.database.api_keys import KeyScope
from greenlane.errors import WrongUseError
from greenlane.methodology.vocabulary import DecisionKind
from greenlane.webhooks.management.replay import Family
from greenlane.webhooks.management.views import AttemptMade, Dispatch, Endpoint
from greenlane.webhooks.signing import Scheme
from greenlane.webhooks.targets import MAX_URL

TypeName = Literal["seller.score.updated", DecisionKind]
AnyTypeName = Literal[TypeName, "endpoint.test"]
Url = Annotated[
    str,
    Field(
        max_length=MAX_URL,
        pattern=r"^https?://[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,20}"
        r"(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?$",
        description="https, on port 443; http and other ports only where private networks are allowed",
        examples=["https://shop.example/hooks"],
    ),
]
SellerId = Identifier
Sellers = Annotated[list[SellerId], Field(max_length=1000, description="only these sellers; empty: all of the scope")]
Types = Annotated[list[TypeName], Field(min_length=1, max_length=16, description="absent: every type")]
_DATE_FIRST = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
OverlapHours = Annotated[
    int, Field(ge=0, le=168, strict=True, description="hours for which the keys before it stay valid")
]


def _within_calendar(moment: datetime) -> datetime:
    """The same moment in UTC, kept inside the years that the database and Python share."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return datetime(moment.year, 1 if moment.year == 1 else 12, 1 if moment.year == 1 else 31, tzinfo=UTC)


def _written_out(given: object) -> object:
    """Only RFC 3339 texts: pydantic would read numbers as seconds, too."""
    if isinstance(given, str) and not _DATE_FIRST.match(given):
        raise ValueError("must be a moment such as 2026-07-01T00:00:00Z")
    if not isinstance(given, str | datetime):
        raise ValueError("must be a text such as 2026-07-01T00:00:00Z")  # noqa: TRY004 - pydantic reports these alone
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_within_calendar)]

Cursor = Annotated[str, Query(pattern=r"^[A-Za-z0-9_=-]{1,200}$")]
PageSize = Annotated[int, Query(ge=1, le=500)]
EndpointId = Annotated[str, Path(pattern=r"^ep_[0-9a-f]{24}$")]
WebhookId = Annotated[str, Path(pattern=r"^msg_[0-9a-f]{32}$")]
SecretId = Annotated[str, Path(pattern=r"^key_[0-9a-f]{12}$")]
ApiKeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class EndpointWanted(_Body):
    """A new endpoint of the key's marketplace; `seller_id` makes it that seller's own."""

    url: Url
    seller_id: SellerId | None = None
    types: Types | None = None
    sellers: Sellers | None = None
    scheme: Scheme = Scheme.V1


class EndpointChange(_Body):
    """What is to change; what is absent stays."""

    url: Url | None = None
    types: Types | None = None
    sellers: Sellers | None = None


class Rotation(_Body):
    """A new signing key, of the newest one's scheme unless another is named."""

    scheme: Scheme | None = None
    overlap_hours: OverlapHours = 24


class ReplayWanted(_Body):
    """What to send again: everything since a moment, of one family or seller alone if given."""

    since: Moment
    family: Family | None = None
    seller_id: SellerId | None = None


class KeyWanted(_Body):
    """A new API key of the caller's scope, or for one seller within it; `scopes` are some of its own, or all.

    A seller's key publishes no events.
    """

    seller_id: SellerId | None = None
    label: Annotated[str, Field(max_length=100, pattern=r"^[ -~]*$")] = ""
    scopes: Annotated[tuple[KeyScope, ...], Field(min_length=1, max_length=10)] | None = None


class KeyRotation(_Body):
    """How long the old key goes on."""

    overlap_hours: OverlapHours = 24


class EndpointAdded(BaseModel):
    """The endpoint, with what its receiver verifies with: shown this once when it is a `whsec_` secret."""

    endpoint: Endpoint
    secret: str


class SecretAdded(BaseModel):
    """The key, with what the receiver verifies with: shown this once when it is a `whsec_` secret."""

    key_id: str
    scheme: Scheme
    secret: str
    others_until: datetime


class DeliveryWithAttempts(BaseModel):
    """One delivery with the timings of every attempt."""

    delivery: Dispatch
    attempts: list[AttemptMade]


class EndpointPage(BaseModel):
    """Endpoints, the oldest first; give `next` as `after` for those that follow."""

    items: list[Endpoint]
    next: str | None


class DeliveryPage(BaseModel):
    """Deliveries, the newest first; give `next` as `before` for those that follow."""

    items: list[Dispatch]
    next: str | None


class Changed(BaseModel):
    """How many deliveries were changed."""

    deliveries: int


class KeyShown(BaseModel):
    """An API key without itself."""

    key_id: str
    marketplace: str
    seller_id: str | None
    label: str
    created_at: datetime
    expires_at: datetime | None
    scopes: tuple[KeyScope, ...]


class KeyAdded(BaseModel):
    """A fresh API key: `token` is shown this once."""

    key: KeyShown
    token: str


class PublicKeys(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]


def hours(count: int) -> timedelta:
    """So many hours."""
    return timedelta(hours=count)


def cursor_of(created_at: datetime, identity: str) -> str:
    """Where the next page begins, from the last item of this one."""
    return base64.urlsafe_b64encode(f"{created_at.isoformat()}|{identity}".encode()).decode()


def position_of(cursor: str, parameter: str) -> tuple[datetime, str]:
    """The position behind a cursor of ours; WrongUseError, which names the parameter, for any other text."""
    try:
        moment, _, identity = base64.b64decode(cursor, b"-_", validate=True).decode().partition("|")
        position = datetime.fromisoformat(moment)
    except (binascii.Error, ValueError):
        raise WrongUseError(parameter, "is no cursor", "use `next` of the page before, unchanged") from None
    if position.tzinfo is None or not identity.isascii() or not identity.isprintable():
        raise WrongUseError(parameter, "is no cursor", "use `next` of the page before, unchanged")
    return _within_calendar(position), identity
