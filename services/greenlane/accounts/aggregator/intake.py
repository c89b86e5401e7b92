"""Reads a record of the assessments topic, or refuses it with every reason."""

from datetime import date
from typing import NamedTuple

from pydantic import ValidationError

from greenlane.accounts.aggregator.ledger import Arrival
from greenlane.accounts.aggregator.rows import ordinal
from greenlane.accounts.aggregator.seller_days import RANKS, Contribution
from greenlane.contracts.assessments import (
    FIRST_CLOSED_YEAR,
    MOST_DAYS_CLOSED,
    Assessment,
    DayClosed,
    Retraction,
    SellerErased,
)
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.quick.derived import REFUSED, decoder_of
from greenlane.contracts.reading.problems import problems_of
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.rules import AGGREGATOR_RECORD, RulesAdopted
from greenlane.contracts.unreadable import refuse_unreadable
from greenlane.methodology.sums import SUMS

DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1).toordinal()
DAYS_AHEAD = 2
"""Days by which an assessment's day may lie ahead of the day it was appended on.

Scorers accept 24 hours; the other day leaves room for the clocks of two brokers around midnight.
"""

_ASSESSMENTS = decoder_of(Assessment, "type")
_TAGS = tuple(
    model.model_fields["type"].default for model in (Assessment, Retraction, DayClosed, SellerErased, RulesAdopted)
)

ControlRecord = DayClosed | SellerErased | RulesAdopted
"""What else a record can say: what is about no parcel."""


class ReadAssessment(NamedTuple):
    """A parcel's contribution to one dimension, given by its rank."""

    arrival: Arrival
    rank: int
    contribution: Contribution
    method_version: str
    factors: str | None


def read(record: KafkaRecord) -> ReadAssessment | Arrival | ControlRecord:
    """What the record says: an assessment, the arrival of a retraction, closed days, a forgotten seller, or rules.

    Raises Refusal. What lies in the future of the record's own append time is refused: that time stands in the log, so
    a repeated reading refuses the same records.
    """
    if record.value is None:
        message = "the value is null; only assessments, retractions, closed days and forgotten sellers belong here"
        raise Refusal.because(DeadLetterCode.NULL_VALUE, "", message)
    appended = EPOCH + record.timestamp // DAY_MS
    try:
        assessed = _assessed(_ASSESSMENTS.decode(record.value))
    except REFUSED:
        return _said(record.value, appended)
    _refuse_ahead(assessed.arrival, appended)
    return assessed


def _said(value: bytes, appended: int) -> ReadAssessment | Arrival | ControlRecord:
    """What the models read: all that is no ordinary assessment. Raises Refusal."""
    refuse_unreadable(value)
    try:
        said = AGGREGATOR_RECORD.validate_json(value)
    except ValidationError as error:
        raise _refusal(error) from None
    if isinstance(said, RulesAdopted | SellerErased):
        return said
    if isinstance(said, DayClosed):
        return _closing(said, appended)
    if isinstance(said, Assessment):
        assessed = _assessed(said)
        _refuse_ahead(assessed.arrival, appended)
        return assessed
    arrival = _arrival(said)
    _refuse_ahead(arrival, appended)
    return arrival


def _refuse_ahead(arrival: Arrival, appended: int) -> None:
    if arrival.day > appended + DAYS_AHEAD:
        message = "lies more than a day after the record was appended; correct the clock that wrote it"
        raise Refusal.because(DeadLetterCode.FUTURE_TIME, "occurred_at", message)


def _assessed(said: Assessment) -> ReadAssessment:
    return ReadAssessment(_arrival(said), RANKS[said.dimension], _contribution(said), said.method_version, said.factors)


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


def _closing(said: DayClosed, appended: int) -> DayClosed:
    if said.first_day.year < FIRST_CLOSED_YEAR:
        message = f"days are closed from the year {FIRST_CLOSED_YEAR} on"
        raise Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, "first_day", message)
    if not 0 <= (said.last_day - said.first_day).days < MOST_DAYS_CLOSED:
        message = f"must be first_day or later, and at most {MOST_DAYS_CLOSED} days in one record"
        raise Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, "last_day", message)
    if said.last_day.toordinal() >= appended:
        message = "was not over (in UTC) when the record was appended; close it after its midnight"
        raise Refusal.because(DeadLetterCode.DAY_NOT_OVER, "last_day", message)
    return said
