"""Which readable records of the assessments topic the account may not take, said from the rule and the record alone."""

from datetime import UTC, date, datetime, timedelta

from greenlane.contracts.assessments import (
    FIRST_CLOSED_YEAR,
    MOST_DAYS_CLOSED,
    Assessment,
    DayClosed,
    Retraction,
    SellerErased,
)
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.reading.fulfilment import KafkaRecord

MOST_AHEAD = timedelta(days=2)
"""How far ahead of the day of its append an assessed day may lie: 24 hours at the scorer, and two brokers' clocks."""


def refusal_of(
    record: KafkaRecord, message: Assessment | Retraction | DayClosed | SellerErased
) -> DeadLetterCode | None:
    """Why the record must have become a dead letter; None if it belongs into the account."""
    appended = datetime.fromtimestamp(record.timestamp / 1000, UTC).date()
    if isinstance(message, DayClosed):
        return _closing(message, appended)
    if isinstance(message, SellerErased):
        return None
    try:
        day = message.day
    except ValueError:
        return DeadLetterCode.SCHEMA_VIOLATION
    if day > appended + MOST_AHEAD:
        return DeadLetterCode.FUTURE_TIME
    if isinstance(message, Assessment):
        try:
            message.sums()
        except TypeError:
            return DeadLetterCode.SCHEMA_VIOLATION
    return None


def _closing(message: DayClosed, appended: date) -> DeadLetterCode | None:
    run = message.last_day - message.first_day
    if message.first_day.year < FIRST_CLOSED_YEAR or not timedelta() <= run < timedelta(days=MOST_DAYS_CLOSED):
        return DeadLetterCode.SCHEMA_VIOLATION
    return DeadLetterCode.DAY_NOT_OVER if message.last_day >= appended else None
