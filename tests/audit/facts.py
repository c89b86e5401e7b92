"""What both dimensions read of an event, and the arithmetic they share (section 1)."""

import base64
import datetime as dt
import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

Sums = dict[str, int]
Facts = Mapping[str, Any]

MILLION = 1_000_000
MOST_RATIO = 2_000_000


def data_of(event: Facts) -> dict[str, Any]:
    """The event's data, plain or as base64."""
    if event.get("data") is not None:
        return dict(event["data"])
    return dict(json.loads(base64.b64decode(event["data_base64"])))


def instant(event: Facts) -> dt.datetime:
    """When it happened, in UTC."""
    return dt.datetime.fromisoformat(event["time"].upper()).astimezone(dt.UTC)


def day_of(event: Facts) -> dt.date:
    """The UTC day of an event (section 1)."""
    return instant(event).date()


def thousandths(number: Any) -> int:
    """A decimal times 1,000, rounded (section 1)."""
    return round(Fraction(str(number)) * 1000)


def by_others(facts: Facts) -> bool:
    """Whether somebody else than the seller states these facts."""
    return (facts.get("stated_by") or "seller") != "seller"


def ratio(what: int, beside: int) -> int:
    """In millionths, at most 2,000,000."""
    return min(MOST_RATIO, round(Fraction(MILLION * what, beside)))
