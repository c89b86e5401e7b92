"""A seller's account from declared facts: every parcel assessed in its dimension and summed to what is scored."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from greenlane.methodology.assessment import Assessed, Step
from greenlane.methodology.facts import DeliveredFacts, PackedFacts, RecoveredFacts
from greenlane.methodology.parcel.circularity import assess_recovered
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.sums import CircularitySums, DeliverySums, PackagingSums, ReturnSums, Sums, Totals
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import Dimension

Facts = PackedFacts | DeliveredFacts | RecoveredFacts

_S = TypeVar("_S", PackagingSums, DeliverySums, ReturnSums, CircularitySums)


class Declaration(NamedTuple):
    """What was declared of one parcel in one dimension; a return has a delivery's facts."""

    parcel_id: str
    dimension: Dimension
    facts: Facts


class Judged(NamedTuple):
    """A declaration with its assessment."""

    declaration: Declaration
    assessed: Assessed


def assess(declaration: Declaration, method: Method, steps: list[Step] | None = None) -> Assessed:
    """The contribution of one declaration, by the function of its dimension."""
    facts = declaration.facts
    match facts:
        case PackedFacts():
            return assess_packed(facts, method, steps)
        case RecoveredFacts():
            return assess_recovered(facts, method, steps)
        case DeliveredFacts():
            returned = declaration.dimension is Dimension.RETURN
            return assess_returned(facts, method, steps) if returned else assess_delivered(facts, method, steps)


def assess_all(declarations: Iterable[Declaration], method: Method) -> tuple[Judged, ...]:
    """Every declaration with its assessment, in the order given."""
    return tuple(Judged(declaration, assess(declaration, method)) for declaration in declarations)


def totals_of(judged: Iterable[Judged]) -> Totals:
    """The sums of an account; a day is active when a parcel was packed or delivered on it."""
    rows = tuple(judged)
    sums = [row.assessed.sums for row in rows]
    active = {
        row.declaration.facts.day
        for row in rows
        if row.declaration.dimension in {Dimension.PACKAGING, Dimension.DELIVERY}
    }
    return Totals(
        _added(PackagingSums, sums),
        _added(DeliverySums, sums),
        _added(ReturnSums, sums),
        _added(CircularitySums, sums),
        len(active),
    )


def co2e_mg(totals: Totals) -> int:
    """CO2e of packaging, deliveries and returns together, in mg."""
    packaging, delivery, returns = totals.packaging, totals.delivery, totals.returns
    return packaging.packaging_co2e_mg + delivery.delivery_co2e_mg + returns.return_co2e_mg


def _added(kind: type[_S], sums: Iterable[Sums]) -> _S:
    rows = [row for row in sums if isinstance(row, kind)]
    return kind(*map(sum, zip(*rows, strict=True))) if rows else kind()
