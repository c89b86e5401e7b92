"""The bytes of a score statement without its models: the same as `score_statement(...).model_dump_json()`."""

import orjson

from greenlane.contracts.scores import statement_id
from greenlane.contracts.statements import StatedAccount, claim_of, next_level, score_statement, streak_towards
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import RuleResult, evaluate

MOST_POINTS = 100
"""Sums that yield more contradict each other; the model refuses them."""


def score_bytes(account: StatedAccount, time: str) -> bytes:
    """A score as JSON; `time` as in `score_statement`. Raises ValidationError as it does."""
    totals, scores, badge = account.totals, account.scores, account.badge
    if max(scores.green, scores.packaging, scores.delivery) > MOST_POINTS:
        return score_statement(account, time).model_dump_json().encode()
    packaging, delivery, returns, circularity, active_days = totals
    following = next_level(badge.level)
    rules = () if following is None else evaluate(following, totals, scores, account.policy)
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": statement_id("score", account.marketplace, account.seller_id, account.day, account.sequence),
            "source": f"/marketplaces/{account.marketplace}",
            "subject": account.seller_id,
            "time": time,
            "datacontenttype": "application/json",
            "type": "seller.score.updated",
            "data": {
                "marketplace": account.marketplace,
                "seller_id": account.seller_id,
                "day": account.day,
                "sequence": account.sequence,
                "as_of": "open_day" if account.last_day is None else "closed_day",
                "window": {"first_day": account.first_day, "last_day": account.last_day},
                "score": {
                    "green": float(scores.green),
                    "packaging": float(scores.packaging),
                    "delivery": float(scores.delivery),
                    "grade": scores.grade.value,
                    "primary_data_percent": scores.measured_share_permille / 10,
                    "proven_green": float(scores.proven.green),
                    "proven_packaging": float(scores.proven.packaging),
                    "proven_delivery": float(scores.proven.delivery),
                    "measured_percent": scores.measured_share_permille / 10,
                    "complete_percent": scores.complete_share_permille / 10,
                },
                "sums": {
                    "packaging": packaging._asdict(),
                    "delivery": delivery._asdict(),
                    "returns": returns._asdict(),
                    "circularity": circularity._asdict(),
                    "active_days": active_days,
                },
                "standing": {
                    "level": badge.level.value,
                    "warned_on": badge.warned_on,
                    "days_above": streak_towards(following, badge),
                    "days_below": badge.days_below,
                    "next_level": None if following is None else following.value,
                    "rules": [] if following is None else [_rule(following.value, result) for result in rules],
                },
                "claim": claim_of(account),
                "scheme_status": "self_declared",
                "method_version": METHOD_VERSION,
                "policy_version": account.policy.version,
            },
        }
    )


def _rule(level: str, result: RuleResult) -> dict[str, object]:
    rule, passed, value, threshold, distance, unit = result
    return {
        "rule": rule,
        "level": level,
        "passed": passed,
        "value": float(value),
        "threshold": float(threshold),
        "distance": float(distance),
        "unit": unit,
    }
