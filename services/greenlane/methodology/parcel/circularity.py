"""What a seller takes back: counted by asset and mass, in no ratio yet."""

from greenlane.methodology.assessment import Assessed, Notes, Step
from greenlane.methodology.facts import RecoveredFacts
from greenlane.methodology.parcel.words import DECLARED
from greenlane.methodology.sums import CircularitySums
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import RecoveredKind


def assess_recovered(facts: RecoveredFacts, method: Method, steps: list[Step] | None = None) -> Assessed:  # noqa: ARG001 - one signature for every dimension
    """The contribution of one recovery: a count, whether it was a reusable asset, and its mass in mg."""
    notes = Notes(steps)
    assets = int(facts.kind is RecoveredKind.REUSABLE_ASSET)
    if steps is not None:
        steps.append(Step(f"taken back: {facts.kind}", "declared mass", facts.mass_mg, "mg"))
    return notes.assessed(CircularitySums(1, assets, facts.mass_mg), DECLARED)
