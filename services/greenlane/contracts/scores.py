"""What sellers and marketplaces receive: scores and badge decisions, each a structured CloudEvent that stands alone."""

import hashlib
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from greenlane.methodology.sums import CircularitySums, DeliverySums, PackagingSums, ReturnSums
from greenlane.methodology.vocabulary import BadgeLevel, DecisionKind, Grade

Points = Annotated[
    Decimal,
    Field(ge=0, le=100, max_digits=4, decimal_places=1),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""0 to 100 with one decimal; greener is higher."""

Figure = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


class Part(BaseModel):
    """Base of every part."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AccountSums(Part):
    """The window's integers, from which the score can be recomputed."""

    packaging: dict[str, int]
    delivery: dict[str, int]
    returns: dict[str, int]
    circularity: dict[str, int]
    active_days: int

    @classmethod
    def of(
        cls,
        packaging: PackagingSums,
        delivery: DeliverySums,
        returns: ReturnSums,
        circularity: CircularitySums,
        active_days: int,
    ) -> "AccountSums":
        """The sums by name."""
        return cls(
            packaging=packaging._asdict(),
            delivery=delivery._asdict(),
            returns=returns._asdict(),
            circularity=circularity._asdict(),
            active_days=active_days,
        )


class Rule(Part):
    """One rule of the badge policy against this account."""

    rule: str
    level: BadgeLevel
    passed: bool
    value: Figure
    threshold: Figure
    distance: Figure = Field(description="how much is missing; 0 when passed")
    unit: str


class Standing(Part):
    """Where the seller stands with the badge."""

    level: BadgeLevel
    warned_on: date | None = Field(default=None, description="first day below the level, while it is still held")
    days_above: int = Field(default=0, description="closed days in a row that met a higher level")
    days_below: int = Field(default=0, description="closed days in a row below the level held")
    next_level: BadgeLevel | None = Field(default=None, description="the level the rules below are about")
    rules: tuple[Rule, ...] = ()


class ScoreFigures(Part):
    """The score and what qualifies it."""

    green: Points
    packaging: Points
    delivery: Points
    grade: Grade
    primary_data_percent: Figure = Field(
        description="since method 2.0.0 the same as measured_percent; before, the share of CO2e from declared facts"
    )
    proven_green: Points | None = Field(
        default=None, description="the score when every parcel that only the seller states counts as undeclared"
    )
    proven_packaging: Points | None = None
    proven_delivery: Points | None = None
    measured_percent: Figure | None = Field(
        default=None, description="share of the parcels stated by somebody else than the seller"
    )
    complete_percent: Figure | None = Field(default=None, description="share of the parcels declared in every part")


class Window(Part):
    """The days a figure rests on, both included; None where the account is open at that end."""

    first_day: date | None
    last_day: date | None


class AccountData(Part):
    """What a score and a decision have in common."""

    marketplace: str
    seller_id: str
    day: date = Field(description="the closed day, or the open day after the last closed one")
    sequence: int = Field(ge=0, description="orders what was said within the day; (day, sequence) orders everything")
    as_of: Literal["open_day", "closed_day"]
    window: Window
    score: ScoreFigures
    sums: AccountSums
    standing: Standing
    claim: str = Field(description="the only wording a seller may show for this figure")
    scheme_status: Literal["self_declared", "verified"] = "self_declared"
    method_version: str
    policy_version: str


class DecisionData(AccountData):
    """A change of the badge, with every rule that led to it."""

    as_of: Literal["closed_day"] = "closed_day"
    previous_level: BadgeLevel
    level: BadgeLevel
    reason: str = Field(description="stable word for why: rules_met_in_a_row, below_level, days_below_used_up …")
    day_closed_id: str = Field(description="id of the day.closed record at which the decision was made")


class Statement(Part):
    """CloudEvents attributes of what the aggregator says."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str = Field(description="/marketplaces/<marketplace>")
    subject: str = Field(description="the seller")
    time: str = Field(
        description="end of the closed day, else the time of the event that led to the statement (for a correction the "
        "time of its parcel), RFC 3339 UTC; no clock is read. Order by (day, sequence), not by time"
    )
    datacontenttype: Literal["application/json"] = "application/json"


class SellerScore(Statement):
    """A seller's current score; a newer one replaces it."""

    type: Literal["seller.score.updated"] = "seller.score.updated"
    data: AccountData


class BadgeDecision(Statement):
    """A badge was granted, changed its level, is in danger, or was revoked; every one counts, in order."""

    type: DecisionKind
    data: DecisionData


def statement_id(kind: Literal["score", "badge"], marketplace: str, seller_id: str, day: date, sequence: int) -> str:
    """The id of a statement: the same (kind, seller, day, sequence) always gives the same 32 hexadecimal digits."""
    return hashlib.sha256(f"{kind}\n{marketplace}\n{seller_id}\n{day}\n{sequence}".encode()).hexdigest()[:32]
