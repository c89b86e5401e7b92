"""A parcel's transport chain, well to wheel, beside the usual delivery between the same places."""

from greenlane.methodology.assessment import Assessed, Notes, Step
from greenlane.methodology.facts import DeliveredFacts
from greenlane.methodology.parcel.chain import carry
from greenlane.methodology.parcel.words import PICKUP
from greenlane.methodology.sums import DeliverySums, ReturnSums
from greenlane.methodology.tables import Method


def assess_delivered(facts: DeliveredFacts, method: Method, steps: list[Step] | None = None) -> Assessed:
    """The contribution of one delivered parcel (method section 3); `steps` collects the explanation when given."""
    notes = Notes(steps)
    carried = carry(facts, method, notes, returning=False)
    end = carried.destination
    sums = DeliverySums(
        1,
        carried.total_mg,
        carried.line_haul_mg,
        carried.last_mile_mg,
        carried.hub_mg,
        carried.measured_mg,
        carried.declared_mg,
        carried.modelled_mg,
        carried.ratio,
        1 if carried.complete else 0,
        1 if carried.measured else 0,
        carried.ratio if carried.measured else 0,
        facts.attempts,
        1 if facts.attempts == 1 else 0,
        1 if carried.air else 0,
        1 if facts.destination.kind in PICKUP else 0,
        1 if carried.zero_tailpipe else 0,
        1 if end is not None and end.outside_two_cities_63 else 0,
        1 if end is not None and end.outside_two_cities_34 else 0,
    )
    return notes.assessed(sums, carried.category)


def assess_returned(facts: DeliveredFacts, method: Method, steps: list[Step] | None = None) -> Assessed:
    """The contribution of one returned parcel: its ratio joins those of the deliveries, and no parcel does."""
    notes = Notes(steps)
    carried = carry(facts, method, notes, returning=True)
    sums = ReturnSums(
        1,
        carried.total_mg,
        carried.measured_mg,
        carried.declared_mg,
        carried.modelled_mg,
        carried.ratio,
        1 if carried.measured else 0,
        carried.ratio if carried.measured else 0,
    )
    return notes.assessed(sums, carried.category)
