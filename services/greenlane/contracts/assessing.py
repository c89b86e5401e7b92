"""From one fulfilment record to what the aggregator is told about it: the mapping both scorers and the oracle use."""

from collections.abc import Callable
from datetime import UTC
from typing import Any, Literal

from greenlane.contracts.assessments import Assessment, Retraction, SourcePosition, account_key
from greenlane.contracts.events import (
    DELIVERED,
    PACKED,
    RECOVERED,
    RETURNED,
    CancelledEvent,
    FulfilmentEvent,
)
from greenlane.contracts.reading.fulfilment import KafkaRecord, declared_type, read_event
from greenlane.methodology.assessment import Assessed
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.parcel.circularity import assess_recovered
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import Dimension

Owner = Literal["packaging_scorer", "delivery_scorer"]
HEARTBEAT = "greenlane.heartbeat.v1"
_TRANSPORTED = frozenset({DELIVERED, RETURNED})


def owner_of(event_type: str) -> Owner | None:
    """The one scorer that answers for records of this type; None for those nobody scores.

    What cannot be read or is of an unknown type belongs to the packaging scorer, so that each bad record becomes
    one dead letter and not two.
    """
    if event_type == HEARTBEAT:
        return None
    return "delivery_scorer" if event_type in _TRANSPORTED else "packaging_scorer"


def assess_record(record: KafkaRecord, owner: Owner, method: Method) -> tuple[Assessment | Retraction, int] | None:
    """What `owner` has to say about this record, and how many of its fields the contract lacks; None if not its own.

    Raises Refusal when it is its own and cannot be accepted.
    """
    declared = declared_type(record)
    if declared is not None and owner_of(declared) != owner:
        return None
    reading = read_event(record)
    if owner_of(reading.type) != owner:
        return None
    if reading.event is None:
        assert reading.refusal is not None, "a reading has an event or a refusal"
        raise reading.refusal
    return assessment_of(record, reading.event, method), reading.unknown


def assessment_of(record: KafkaRecord, event: FulfilmentEvent, method: Method) -> Assessment | Retraction:
    """The assessment of an event, or the retraction that a cancellation is; depends on nothing but its arguments."""
    instant = event.time.astimezone(UTC)
    common: dict[str, Any] = {
        "marketplace": event.source.removeprefix("/marketplaces/"),
        "seller_id": event.subject,
        "parcel_id": event.data.parcel_id,
        "occurred_at": instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "event_id": event.id,
        "origin": SourcePosition(
            topic=record.topic, partition=record.partition, offset=record.offset, appended_ms=record.timestamp
        ),
    }
    if isinstance(event, CancelledEvent):
        return Retraction(**common)
    dimension, assess = ASSESSORS[event.type]
    assessed = assess(event.data.to_facts(instant), method)
    return Assessment(
        **common,
        revision=event.data.revision,
        dimension=dimension,
        contribution={name: value for name, value in assessed.sums._asdict().items() if value},
        data_category=assessed.data_category,
        factor_ids=assessed.factor_ids,
        defaults=assessed.defaults,
        implausible=assessed.implausible,
        method_version=METHOD_VERSION,
        factors=method.fingerprint,
    )


ASSESSORS: dict[str, tuple[Dimension, Callable[..., Assessed]]] = {
    PACKED: (Dimension.PACKAGING, assess_packed),
    DELIVERED: (Dimension.DELIVERY, assess_delivered),
    RETURNED: (Dimension.RETURN, assess_returned),
    RECOVERED: (Dimension.CIRCULARITY, assess_recovered),
}
"""Which dimension an event type is about, and the function that assesses its facts."""


def output_key(message: Assessment | Retraction) -> bytes:
    """Kafka key under which the aggregator finds everything about the seller in one partition."""
    return account_key(message.marketplace, message.seller_id)
