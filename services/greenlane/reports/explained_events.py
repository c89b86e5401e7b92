"""One event with its explanation: as one line, as a document for machines, and as text for people."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from greenlane.contracts.declarations import ScoredEvent, declaration_of
from greenlane.methodology.assessment import Assessed
from greenlane.methodology.explaining.account_text import effect_line
from greenlane.methodology.explaining.effects import Effect, effects_of
from greenlane.methodology.explaining.explain import Explanation, explain, explanation_text, parcel_score
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.account import Judged, assess
from greenlane.methodology.seller.score import delivery_points, packaging_points
from greenlane.methodology.sums import ReturnSums, Totals
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import Dimension

_CO2E = ("packaging_co2e_mg", "delivery_co2e_mg", "return_co2e_mg")


@dataclass(frozen=True, slots=True)
class ScoredParcel:
    """An event and what it came to; `score` is the parcel's own, without the prior, or None."""

    event_id: str
    parcel_id: str
    dimension: Dimension
    assessed: Assessed
    score: Decimal | None

    @property
    def co2e_mg(self) -> int:
        """CO2e that the parcel adds to the account, in milligrams."""
        sums = self.assessed.sums._asdict()
        return sum(sums.get(name, 0) for name in _CO2E)

    def summary(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            "event_id": self.event_id,
            "parcel_id": self.parcel_id,
            "dimension": self.dimension,
            "score": None if self.score is None else float(self.score),
            "co2e_mg": self.co2e_mg,
            "data_category": self.assessed.data_category,
            "defaults": self.assessed.defaults,
            "implausible": self.assessed.implausible,
            "method_version": METHOD_VERSION,
        }


@dataclass(frozen=True, slots=True)
class ExplainedEvent:
    """A scored event, why it scored as it did, and what declaring each default would change."""

    scored: ScoredParcel
    explanation: Explanation
    effects: tuple[Effect, ...]

    def document(self) -> dict[str, Any]:
        """Everything: the sums, each step, each factor with its source and licence, each default with its effect."""
        return {
            **self.scored.summary(),
            "sums": self.scored.assessed.sums._asdict(),
            "steps": [asdict(step) for step in self.explanation.steps],
            "factors": [asdict(factor) for factor in self.explanation.factors],
            "effects": [effect_document(effect) for effect in self.effects],
        }

    def text(self) -> str:
        """The explanation for people."""
        lines = [f"{self.scored.parcel_id}: {explanation_text(self.explanation)}"]
        if self.effects:
            lines += [
                "",
                "What declaring each would change by itself",
                *(f"  {effect.default} {effect_line(effect)}" for effect in self.effects),
            ]
        return "\n".join(lines)


def score_event(event: ScoredEvent, method: Method) -> ScoredParcel:
    """Assess one event by the very functions the scorers call."""
    declaration = declaration_of(event)
    assessed = assess(declaration, method)
    return ScoredParcel(event.id, event.data.parcel_id, declaration.dimension, assessed, parcel_score(assessed.sums))


def explain_event(event: ScoredEvent, method: Method) -> ExplainedEvent:
    """Assess one event with its steps written down, and again as if each default had been declared."""
    scored = score_event(event, method)
    declaration = declaration_of(event)
    explanation = explain(declaration, method)
    effects = effects_of((Judged(declaration, scored.assessed),), method, _own_points)
    return ExplainedEvent(scored, explanation, effects)


def effect_document(effect: Effect) -> dict[str, Any]:
    """An effect as plain values; what cannot be computed is null."""
    computed = effect.supposed is not None
    return {
        **effect._asdict(),
        "co2e_change_mg": effect.co2e_change_mg if computed else None,
        "points": float(round(effect.points, 4)) if computed else None,
    }


def _own_points(totals: Totals) -> Decimal:
    """The parcel's own points, whichever dimension it is in; a return or recovery has none."""
    if totals.packaging.parcels:
        return packaging_points(totals.packaging, 0)
    return delivery_points(totals.delivery, ReturnSums(), 0)
