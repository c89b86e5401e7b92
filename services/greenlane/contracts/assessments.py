"""What the scorers and the clock tell the aggregator: assessments, retractions and closed days."""

import hashlib
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from greenlane.methodology.sums import SUMS, Sums
from greenlane.methodology.vocabulary import DataCategory, Dimension

FINAL_REVISION = 2**31 - 1
"""A cancellation outranks every revision a marketplace may publish: a cancelled parcel stays cancelled."""

Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", description="UTC, microseconds")]
"""An instant of fixed width in UTC, so that comparing the texts compares the instants."""


FIRST_CLOSED_YEAR = 1970
"""A day before this year is closed by nobody: no marketplace has events of it."""

MOST_DAYS_CLOSED = 3_660
"""Days that one record may name. Ten years in one run is a mistyped year, not a marketplace's history."""

SUM_LIMIT = 2**44
Sum = Annotated[int, Field(ge=0, lt=SUM_LIMIT)]
"""No honest parcel adds as much to any sum: in mg it is 17,600 tonnes. Keeps the sums of a window below 2**63."""


class Record(BaseModel):
    """Base of the aggregator's input records."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SourcePosition(Record):
    """Where the event stood; a scorer that repeats itself after a crash repeats this position too."""

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    appended_ms: int = Field(description="append time of the event, milliseconds since 1970 UTC")


class Versioned(Record):
    """Identity and version of what is said about a parcel; the greatest version wins in any order of arrival."""

    marketplace: str
    seller_id: str
    parcel_id: str
    revision: int = Field(ge=0, le=FINAL_REVISION)
    occurred_at: Instant
    event_id: str
    origin: SourcePosition

    @property
    def version(self) -> tuple[int, str, str]:
        """(revision, occurred_at, event_id): comparing these decides which version stands."""
        return (self.revision, self.occurred_at, self.event_id)

    @property
    def day(self) -> date:
        """The UTC day to which the contribution belongs."""
        return date.fromisoformat(self.occurred_at[:10])


class Assessment(Versioned):
    """One parcel judged in one dimension: the integers it adds to the account, and what they rest on."""

    type: Literal["greenlane.assessment.v1"] = "greenlane.assessment.v1"
    dimension: Dimension
    contribution: dict[str, Sum] = Field(description="the dimension's sums by name; what is 0 may be absent")
    data_category: DataCategory
    factor_ids: tuple[str, ...]
    defaults: tuple[str, ...] = ()
    implausible: tuple[str, ...] = ()
    method_version: str
    factors: str | None = Field(
        default=None, description="fingerprint of the tables it was made with; absent in records of earlier releases"
    )

    def sums(self) -> Sums:
        """The contribution as the dimension's tuple. Raises TypeError for a name the dimension does not know."""
        return SUMS[self.dimension](**self.contribution)


class Retraction(Versioned):
    """The parcel was cancelled: every contribution of it, in every dimension, leaves the account."""

    type: Literal["greenlane.retraction.v1"] = "greenlane.retraction.v1"
    revision: int = Field(default=FINAL_REVISION, ge=FINAL_REVISION, le=FINAL_REVISION)


class DayClosed(Record):
    """A run of days of one marketplace is over: written once into every partition, in order, without gaps.

    `first_day` is the day after the last closed one; for a marketplace's first closing it is where its history begins.
    A record that was appended before its last day was over (in UTC, by the broker's clock) is refused.
    """

    type: Literal["greenlane.day-closed.v1"] = "greenlane.day-closed.v1"
    marketplace: str
    first_day: date
    last_day: date

    @property
    def id(self) -> str:
        """The same run always has the same id."""
        text = f"day-closed\n{self.marketplace}\n{self.first_day}\n{self.last_day}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


class SellerErased(Record):
    """A seller is forgotten: its account ends here with all its entries and its badge.

    It has the key of the seller's other records, so it stands in their partition and order. What comes after it begins
    a new and empty account.
    """

    type: Literal["greenlane.seller-erased.v1"] = "greenlane.seller-erased.v1"
    marketplace: str
    seller_id: str


def account_key(marketplace: str, seller_id: str) -> bytes:
    """Key of everything about one seller on the derived topics."""
    return f"{marketplace}/{seller_id}".encode()
