"""Builds what the aggregator states from plain values: the one place where scores and decisions get their form."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from greenlane.contracts.scores import (
    AccountData,
    AccountSums,
    BadgeDecision,
    DecisionData,
    Rule,
    ScoreFigures,
    SellerScore,
    Standing,
    Window,
    statement_id,
)
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import Policy, evaluate
from greenlane.methodology.seller.score import Scores
from greenlane.methodology.sums import Totals
from greenlane.methodology.vocabulary import BadgeLevel, DecisionKind


@dataclass(frozen=True, slots=True)
class BadgeState:
    """Where a seller's badge stands after a closed day; `streaks` counts days in a row that met each level."""

    level: BadgeLevel = BadgeLevel.NONE
    streaks: tuple[int, int, int] = (0, 0, 0)
    days_below: int = 0
    warned_on: date | None = None


@dataclass(frozen=True, slots=True)
class StatedAccount:
    """One seller's figures at one moment: everything a statement is made of."""

    marketplace: str
    seller_id: str
    day: date
    sequence: int
    first_day: date
    last_day: date | None
    totals: Totals
    scores: Scores
    badge: BadgeState
    policy: Policy


def end_of_day(day: date) -> str:
    """The instant at which a UTC day ends, RFC 3339."""
    return f"{day + timedelta(days=1)}T00:00:00Z"


def score_statement(account: StatedAccount, time: str) -> SellerScore:
    """The score as it stands: of a closed day when the window has a last day, else of the open day.

    `time` is when the last event counted happened (open day) or `end_of_day` (closed day).
    """
    return SellerScore(
        id=statement_id("score", account.marketplace, account.seller_id, account.day, account.sequence),
        source=f"/marketplaces/{account.marketplace}",
        subject=account.seller_id,
        time=time,
        data=AccountData(
            as_of="open_day" if account.last_day is None else "closed_day",
            **_common(account),
        ),
    )


def decision_statement(
    account: StatedAccount, kind: DecisionKind, previous_level: BadgeLevel, reason: str, day_closed_id: str
) -> BadgeDecision:
    """A badge decision of the closed day `account.day`, with its account; `account.badge` is the new state."""
    return BadgeDecision(
        type=kind,
        id=statement_id("badge", account.marketplace, account.seller_id, account.day, account.sequence),
        source=f"/marketplaces/{account.marketplace}",
        subject=account.seller_id,
        time=end_of_day(account.day),
        data=DecisionData(
            previous_level=previous_level,
            level=account.badge.level,
            reason=reason,
            day_closed_id=day_closed_id,
            **_common(account),
        ),
    )


def _common(account: StatedAccount) -> dict[str, Any]:
    totals, scores = account.totals, account.scores
    return {
        "marketplace": account.marketplace,
        "seller_id": account.seller_id,
        "day": account.day,
        "sequence": account.sequence,
        "window": Window(first_day=account.first_day, last_day=account.last_day),
        "score": ScoreFigures(
            green=scores.green,
            packaging=scores.packaging,
            delivery=scores.delivery,
            grade=scores.grade,
            primary_data_percent=_percent(scores),
            proven_green=scores.proven.green,
            proven_packaging=scores.proven.packaging,
            proven_delivery=scores.proven.delivery,
            measured_percent=_percent(scores),
            complete_percent=Decimal(scores.complete_share_permille) / 10,
        ),
        "sums": AccountSums.of(*totals),
        "standing": standing_of(account),
        "claim": claim_of(account),
        "method_version": METHOD_VERSION,
        "policy_version": account.policy.version,
    }


def standing_of(account: StatedAccount) -> Standing:
    """The badge as it stands, with every rule of the next level and how far the account is from it."""
    badge = account.badge
    following = next_level(badge.level)
    return Standing(
        level=badge.level,
        warned_on=badge.warned_on,
        days_above=streak_towards(following, badge),
        days_below=badge.days_below,
        next_level=following,
        rules=() if following is None else rules_of(following, account.totals, account.scores, account.policy),
    )


def streak_towards(level: BadgeLevel | None, badge: BadgeState) -> int:
    """Closed days in a row that met a level; 0 when there is none above."""
    return 0 if level is None else badge.streaks[_LEVELS.index(level) - 1]


def rules_of(level: BadgeLevel, totals: Totals, scores: Scores, policy: Policy) -> tuple[Rule, ...]:
    """Every rule of one level against an account, in the policy's order."""
    return tuple(Rule(level=level, **result._asdict()) for result in evaluate(level, totals, scores, policy))


_LEVELS = tuple(BadgeLevel)


def next_level(level: BadgeLevel) -> BadgeLevel | None:
    """The level above; None above gold."""
    position = _LEVELS.index(level) + 1
    return _LEVELS[position] if position < len(_LEVELS) else None


def claim_of(account: StatedAccount) -> str:
    """The bounded wording of methodology section 4: figures, period, method and measured share, and nothing green."""
    scores = account.scores
    last = "open day" if account.last_day is None else account.last_day.isoformat()
    return (
        f"packaging {scores.packaging}/100, delivery {scores.delivery}/100, {account.first_day.isoformat()} to {last}, "
        f"method {METHOD_VERSION}, {_percent(scores)} % of the parcels measured by others"
    )


def _percent(scores: Scores) -> Decimal:
    return Decimal(scores.measured_share_permille) / 10
