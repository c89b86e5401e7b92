"""What events leave undeclared and what that costs: found by scoring them again as if it had been declared."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from greenlane.contracts.declarations import ScoredEvent, declaration_of
from greenlane.contracts.events import CancelledEvent, FulfilmentEvent
from greenlane.methodology.explaining.advice import rejudged
from greenlane.methodology.explaining.effects import Effect, effects_of
from greenlane.methodology.explaining.explain import DEFAULT_MEANING
from greenlane.methodology.explaining.suppositions import suppose_everything
from greenlane.methodology.seller.account import Declaration, Judged, assess, totals_of
from greenlane.methodology.seller.score import delivery_points, packaging_points
from greenlane.methodology.sums import ReturnSums, Totals
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import DefaultUsed, Dimension

MOST_EVENTS = 200
"""Most events of a dimension whose costs are found."""


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A fact that our events carry and the document does not say.

    `events` counts the events that lack it; `points` is the mean gain of their parcels if it alone was
    declared as `supposed` says. Both are None where only the seller knows what to declare.
    """

    default: DefaultUsed
    dimension: Dimension
    events: int
    meaning: str
    supposed: str | None
    points: Decimal | None
    co2e_change_mg: int | None

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "default": str(self.default),
            "dimension": str(self.dimension),
            "events": self.events,
            "meaning": self.meaning,
            "supposed": self.supposed,
            "points": None if self.points is None else float(round(self.points, 4)),
            "co2e_change_mg": self.co2e_change_mg,
        }


@dataclass(frozen=True, slots=True)
class Together:
    """The mean gain of the parcels of a dimension if everything was declared at once.

    It is no sum: a part that costs nothing alone may count once the others are declared.
    """

    dimension: Dimension
    events: int
    points: Decimal

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "dimension": str(self.dimension),
            "events": self.events,
            "points": float(round(self.points, 4)),
        }


def undeclared_in(
    events: Iterable[FulfilmentEvent], method: Method
) -> tuple[tuple[Undeclared, ...], tuple[Together, ...]]:
    """What these events leave undeclared, the dearest first, and what all of it costs together.

    Of each dimension the first 200 events are looked at: each is scored a dozen times.
    """
    groups: dict[Dimension, list[Judged]] = {}
    for event in events:
        if not isinstance(event, CancelledEvent):
            judged = _judged(event, method)
            group = groups.setdefault(judged.declaration.dimension, [])
            if len(group) < MOST_EVENTS:
                group.append(judged)
    found = [
        _undeclared(effect, dimension)
        for dimension, group in groups.items()
        for effect in effects_of(group, method, _points)
    ]
    ordered = sorted(found, key=lambda item: (-(item.points or Decimal(0)), item.dimension, item.default))
    return tuple(ordered), tuple(_together(dimension, group, method) for dimension, group in groups.items())


def _together(dimension: Dimension, group: list[Judged], method: Method) -> Together:
    after, _ = rejudged(group, method, _everything)
    return Together(dimension, len(group), _points(totals_of(after)) - _points(totals_of(group)))


def _everything(row: Judged, method: Method) -> Declaration | None:
    return suppose_everything(row.declaration, method)


def _judged(event: ScoredEvent, method: Method) -> Judged:
    declaration = declaration_of(event)
    return Judged(declaration, assess(declaration, method))


def _undeclared(effect: Effect, dimension: Dimension) -> Undeclared:
    computed = effect.supposed is not None
    return Undeclared(
        effect.default,
        dimension,
        effect.used,
        DEFAULT_MEANING[effect.default],
        effect.supposed,
        effect.points if computed else None,
        effect.co2e_change_mg if computed else None,
    )


def _points(totals: Totals) -> Decimal:
    if totals.packaging.parcels:
        return packaging_points(totals.packaging, 0)
    return delivery_points(totals.delivery, ReturnSums(), 0)
