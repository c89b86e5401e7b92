"""One event with its explanation: as one line, as a document for machines, and as text for people."""

from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any

from greenlane.contracts.events import DeliveredEvent, PackedEvent, RecoveredEvent, ReturnedEvent
from greenlane.methodology.explain import (
    Explanation,
    explain_delivered,
    explain_packed,
    explain_recovered,
    explain_returned,
    explanation_text,
)
from greenlane.methodology.tables import Method

ScoredEvent = PackedEvent | DeliveredEvent | ReturnedEvent | RecoveredEvent
"""Every event but a cancellation, which has nothing to explain."""

_CO2E = ("packaging_co2e_mg", "delivery_co2e_mg", "return_co2e_mg")


@dataclass(frozen=True, slots=True)
class ExplainedEvent:
    """An event and why it scored as it did."""

    event_id: str
    parcel_id: str
    explanation: Explanation

    @property
    def co2e_mg(self) -> int:
        """CO2e that the parcel adds to the account, in milligrams."""
        sums = self.explanation.assessed.sums._asdict()
        return sum(sums.get(name, 0) for name in _CO2E)

    def summary(self) -> dict[str, Any]:
        """The result as plain values; `score` is the parcel's own, without the prior, or None."""
        explanation = self.explanation
        return {
            "event_id": self.event_id,
            "parcel_id": self.parcel_id,
            "dimension": explanation.dimension,
            "score": None if explanation.score is None else float(explanation.score),
            "co2e_mg": self.co2e_mg,
            "data_category": explanation.assessed.data_category,
            "defaults": explanation.assessed.defaults,
            "implausible": explanation.assessed.implausible,
            "method_version": explanation.method_version,
        }

    def document(self) -> dict[str, Any]:
        """Everything: the sums, each step, and each factor with its source and licence."""
        return {
            **self.summary(),
            "sums": self.explanation.assessed.sums._asdict(),
            "steps": [asdict(step) for step in self.explanation.steps],
            "factors": [asdict(factor) for factor in self.explanation.factors],
        }

    def text(self) -> str:
        """The explanation for people."""
        return f"{self.parcel_id}: {explanation_text(self.explanation)}"


def explain_event(event: ScoredEvent, method: Method) -> ExplainedEvent:
    """Assess one event with its steps written down, by the very functions the scorers call."""
    day = event.time.astimezone(UTC).date()
    match event:
        case PackedEvent():
            explanation = explain_packed(event.data.to_facts(day), method)
        case DeliveredEvent():
            explanation = explain_delivered(event.data.to_facts(day), method)
        case ReturnedEvent():
            explanation = explain_returned(event.data.to_facts(day), method)
        case RecoveredEvent():
            explanation = explain_recovered(event.data.to_facts(day), method)
    return ExplainedEvent(event.id, event.data.parcel_id, explanation)
