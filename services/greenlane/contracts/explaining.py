"""One event explained factor by factor: the steps of its assessment and every factor with its source."""

from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any

from greenlane.contracts.assessing import ASSESSORS
from greenlane.contracts.events import (
    DeliveredEvent,
    PackedEvent,
    RecoveredEvent,
    ReturnedEvent,
)
from greenlane.methodology.assessment import Assessed, Step
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.score import parcel_delivery_score, parcel_packaging_score
from greenlane.methodology.sums import DeliverySums, PackagingSums, Sums
from greenlane.methodology.tables import Factor, Method
from greenlane.methodology.vocabulary import Dimension

_CO2E = ("packaging_co2e_mg", "delivery_co2e_mg", "return_co2e_mg")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One event's assessment with everything behind it; `score` is the parcel's own, without the prior, or None."""

    event_id: str
    parcel_id: str
    dimension: Dimension
    score: Decimal | None
    assessed: Assessed
    steps: tuple[Step, ...]
    factors: tuple[Factor, ...]

    @property
    def co2e_mg(self) -> int:
        """CO2e that the parcel adds to the account, in milligrams."""
        sums = self.assessed.sums._asdict()
        return sum(sums.get(name, 0) for name in _CO2E)

    def summary(self) -> dict[str, Any]:
        """The result in one line of JSON."""
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

    def document(self) -> dict[str, Any]:
        """Everything: the sums, each step, and each factor with its source."""
        return {
            **self.summary(),
            "sums": self.assessed.sums._asdict(),
            "steps": [_step(step) for step in self.steps],
            "factors": [_factor(factor) for factor in self.factors],
        }

    def text(self) -> str:
        """The explanation for people."""
        shown = "no score of its own" if self.score is None else f"{self.score}/100 on its own"
        lines = [f"{self.parcel_id}: {self.dimension}, {shown}, {self.assessed.data_category} data"]
        lines += [f"  {step.label}: {step.formula} = {_amount(step)}{_cited(step)}" for step in self.steps]
        lines += [f"  default used: {code}" for code in self.assessed.defaults]
        lines += [f"  implausible, so counted as undeclared: {code}" for code in self.assessed.implausible]
        for factor in self.factors:
            source = factor.source
            where = f", {factor.where}" if factor.where else ""
            derived = f" = {factor.formula}" if factor.formula else ""
            lines.append(
                f"  [{factor.id}] {factor.value} {factor.unit}, {factor.boundary}, {factor.region}, grade {factor.grade}"
                f"{derived}; {source.document} ({source.publisher}, {source.year}{where}), {source.licence}"
            )
        return "\n".join([*lines, f"  method {METHOD_VERSION}"])


def explain_event(event: PackedEvent | DeliveredEvent | ReturnedEvent | RecoveredEvent, method: Method) -> Explanation:
    """Assess one event with its steps written down: the very functions the scorers call, so the two cannot drift."""
    dimension, assess = ASSESSORS[event.type]
    steps: list[Step] = []
    assessed = assess(event.data.to_facts(event.time.astimezone(UTC).date()), method, steps)
    return Explanation(
        event_id=event.id,
        parcel_id=event.data.parcel_id,
        dimension=dimension,
        score=_score(assessed.sums),
        assessed=assessed,
        steps=tuple(steps),
        factors=tuple(method.factors[name] for name in assessed.factor_ids),
    )


def _score(sums: Sums) -> Decimal | None:
    if isinstance(sums, PackagingSums):
        return parcel_packaging_score(sums)
    return parcel_delivery_score(sums) if isinstance(sums, DeliverySums) else None


def _amount(step: Step) -> str:
    return f"{step.value / 1000:,.3f} g" if step.unit == "mg" else f"{step.value:,} {step.unit}"


def _cited(step: Step) -> str:
    notes = [*(f"[{name}]" for name in step.factor_ids), *([str(step.category)] if step.category else [])]
    return f"  {' '.join(notes)}" if notes else ""


def _step(step: Step) -> dict[str, Any]:
    return {
        "label": step.label,
        "formula": step.formula,
        "value": step.value,
        "unit": step.unit,
        "factor_ids": step.factor_ids,
        "category": step.category,
    }


def _factor(factor: Factor) -> dict[str, Any]:
    source = factor.source
    return {
        "id": factor.id,
        "value": str(factor.value),
        "unit": factor.unit,
        "boundary": factor.boundary,
        "region": factor.region,
        "grade": factor.grade,
        "where": factor.where,
        "formula": factor.formula,
        "source": {"document": source.document, "publisher": source.publisher, "year": source.year},
        "licence": source.licence,
    }
