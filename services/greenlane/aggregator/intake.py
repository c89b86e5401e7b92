"""Reads a record of the assessments topic, or refuses it with every reason."""

from typing import NamedTuple

from pydantic import ValidationError

from greenlane.aggregator.account import RANKS, Contribution
from greenlane.aggregator.ledger import Arrival
from greenlane.aggregator.rows import ordinal
from greenlane.contracts.assessments import AGGREGATOR_RECORD, Assessment, DayClosed, Retraction
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.derived import REFUSED, decoder_of
from greenlane.contracts.problems import problems_of
from greenlane.methodology.sums import SUMS
from greenlane.streaming import SourceRecord

FIRST_YEAR, LAST_YEAR = 1970, 9998
"""A closed day outside these has no window or no end that a calendar date could name."""

_ASSESSMENTS = decoder_of(Assessment, "type")
_TAGS = tuple(model.model_fields["type"].default for model in (Assessment, Retraction, DayClosed))


class Assessed(NamedTuple):
    """A parcel's contribution to one dimension, given by its rank."""

    arrival: Arrival
    rank: int
    contribution: Contribution


def read(record: SourceRecord) -> Assessed | Arrival | DayClosed:
    """What the record says: an assessment, the arrival of a retraction, or closed days. Raises Refusal."""
    if record.value is None:
        message = "the value is null; only assessments, retractions and closed days belong on this topic"
        raise Refusal.because(DeadLetterCode.NULL_VALUE, "", message)
    try:
        return _assessed(_ASSESSMENTS.decode(record.value))
    except REFUSED:
        return _said(record.value)


def _said(value: bytes) -> Assessed | Arrival | DayClosed:
    """What the models read: all that is no ordinary assessment. Raises Refusal."""
    try:
        said = AGGREGATOR_RECORD.validate_json(value)
    except ValidationError as error:
        raise _refusal(error) from None
    if isinstance(said, Assessment):
        return _assessed(said)
    return _arrival(said) if isinstance(said, Retraction) else _closing(said)


def _assessed(said: Assessment) -> Assessed:
    return Assessed(_arrival(said), RANKS[said.dimension], _contribution(said))


def _refusal(error: ValidationError) -> Refusal:
    problems = problems_of(error, _TAGS)
    not_json = any(item.keyword == "json_invalid" for item in problems)
    return Refusal(DeadLetterCode.NOT_JSON if not_json else DeadLetterCode.SCHEMA_VIOLATION, problems)


def _arrival(said: Assessment | Retraction) -> Arrival:
    try:
        day = ordinal(said.occurred_at)
    except ValueError:
        message = "is no day of the calendar; write the instant at which it happened"
        raise Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, "occurred_at", message) from None
    return Arrival(said.marketplace, said.seller_id, said.parcel_id, said.version, day)


def _contribution(said: Assessment) -> Contribution:
    try:
        contribution = tuple(said.sums())
    except TypeError:
        message = f"names a sum that is none of {', '.join(SUMS[said.dimension]._fields)}"
        raise Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, "contribution", message) from None
    return contribution


def _closing(said: DayClosed) -> DayClosed:
    if said.first_day.year < FIRST_YEAR or said.last_day.year > LAST_YEAR:
        message = f"days are closed from {FIRST_YEAR} to {LAST_YEAR}"
        raise Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, "first_day", message)
    return said
