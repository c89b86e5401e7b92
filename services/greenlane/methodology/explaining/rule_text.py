"""Rules and reasons of the badge policy in words for people."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from greenlane.methodology.vocabulary import BadgeLevel

REASON_MEANING = {
    "rules_met_in_a_row": "met all rules on enough days in a row",
    "below_level": "below the level since this day",
    "days_below_used_up": "below the level for too many days",
}
"""What the stable word for the reason of a badge decision says."""


class JudgedRule(Protocol):
    """One rule of a level against an account; see `eligibility.RuleResult`."""

    @property
    def rule(self) -> str:
        """Its name."""
        ...

    @property
    def passed(self) -> bool:
        """Whether the account meets it."""
        ...

    @property
    def value(self) -> Decimal | int:
        """The account's figure."""
        ...

    @property
    def threshold(self) -> Decimal | int:
        """The figure that is needed."""
        ...


_NEEDS = {
    "green_score": "needs {threshold:.1f} points; you have {value:.1f}",
    "packaging_score": "needs {threshold:.1f} points for packaging; you have {value:.1f}",
    "delivery_score": "needs {threshold:.1f} points for delivery; you have {value:.1f}",
    "proven_green_score": "needs {threshold:.1f} proven points; you have {value:.1f}",
    "proven_packaging_score": "needs {threshold:.1f} proven points for packaging; you have {value:.1f}",
    "proven_delivery_score": "needs {threshold:.1f} proven points for delivery; you have {value:.1f}",
    "complete_share": "needs {threshold:.0f} % of the parcels completely declared; you have {value:.1f} %",
    "measured_share": "needs {threshold:.0f} % of the parcels stated by somebody else than you; you have {value:.1f} %",
    "parcels_packed": "needs {threshold} parcels packed; you have {value}",
    "parcels_delivered": "needs {threshold} parcels delivered; you have {value}",
    "measured_packed": "needs {threshold} packed parcels stated by somebody else than you; you have {value}",
    "measured_delivered": "needs {threshold} delivered parcels stated by somebody else than you; you have {value}",
    "active_days": "needs {threshold} active days; you have {value}",
    "thin_bags": "allows thin bags, or packaging that nobody knows, for {threshold} % of the parcels; you have "
    "{value} %",
}
"""Each rule as the rest of a sentence that begins with the level."""

_ALSO = {
    "green_score": "green score",
    "packaging_score": "packaging score",
    "delivery_score": "delivery score",
    "proven_green_score": "proven green score",
    "proven_packaging_score": "proven packaging score",
    "proven_delivery_score": "proven delivery score",
    "complete_share": "complete declarations",
    "measured_share": "statements by others",
    "parcels_packed": "parcels packed",
    "parcels_delivered": "parcels delivered",
    "measured_packed": "packed parcels stated by others",
    "measured_delivered": "delivered parcels stated by others",
    "active_days": "active days",
    "thin_bags": "thicker bags",
}


def missing_text(level: BadgeLevel | None, rules: Sequence[JudgedRule]) -> str:
    """What is missing for a level: the first reason with its figures, then the names of the others.

    The rule about thin bags comes first, since it lowers the scores of the others.
    """
    if level is None:
        return ""
    failed = sorted((rule for rule in rules if not rule.passed), key=lambda rule: rule.rule != "thin_bags")
    name = str(level).capitalize()
    if not failed:
        return f"{name}: all rules met; the days in a row are counted"
    first, *others = failed
    text = f"{name} {_NEEDS[first.rule].format(value=first.value, threshold=first.threshold)}."
    also = ", ".join(_ALSO[rule.rule] for rule in others)
    return f"{text} Also missing: {also}." if also else text
