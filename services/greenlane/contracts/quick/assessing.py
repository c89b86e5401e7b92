"""The scorers' hot path: from a record to the bytes of its assessment, the same as by `assess_record`."""

from datetime import datetime
from typing import Any

import msgspec
import orjson

from greenlane.contracts.assessing import ASSESSORS, Owner, assess_record, output_key, owner_of
from greenlane.contracts.assessments import SUM_LIMIT, Assessment, SourcePosition, account_key
from greenlane.contracts.quick.derived import struct_of
from greenlane.contracts.quick.reading import QuickEvent, quick_event
from greenlane.contracts.reading.fulfilment import KafkaRecord, declared_type
from greenlane.methodology.assessment import Assessed
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.sums import SUMS
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import Dimension

_ASSESSMENT, _POSITION = struct_of(Assessment), struct_of(SourcePosition)
_CONTRIBUTIONS: dict[Dimension, Any] = {
    dimension: msgspec.defstruct(sums.__name__, [(name, int, 0) for name in sums._fields], omit_defaults=True, gc=False)
    for dimension, sums in SUMS.items()
}
"""Encode a dimension's sums by name without those that are 0."""

_ENCODER = msgspec.json.Encoder()


class Finding(msgspec.Struct, gc=False):
    """What a scorer says about a record of this marketplace, under which key; `assessed` is None when it retracts.

    `unknown` counts the fields of the record that the contract lacks and of which nothing is written.
    """

    key: bytes
    value: bytes
    marketplace: str
    assessed: Assessed | None
    unknown: int = 0


def find(record: KafkaRecord, owner: Owner, method: Method) -> Finding | None:
    """What `owner` writes about this record; None when it is not its own. Raises Refusal as `assess_record` does."""
    declared = declared_type(record)
    if declared is not None and owner_of(declared) != owner:
        return None
    event = quick_event(record)
    if event is not None:
        if owner_of(event.type) != owner:
            return None
        found = _assessed(record, event, method)
        if found is not None:
            return found
    answer = assess_record(record, owner, method)
    if answer is None:
        return None
    message, unknown = answer
    assessed = assessed_of(message) if isinstance(message, Assessment) else None
    return Finding(output_key(message), message.model_dump_json().encode(), message.marketplace, assessed, unknown)


def _assessed(record: KafkaRecord, event: QuickEvent, method: Method) -> Finding | None:
    """The assessment; None for what has none and for sums that may be out of their bounds."""
    known = ASSESSORS.get(event.type)
    if known is None:
        return None
    dimension, assess = known
    time, data = event.time, event.data
    assessed = assess(data.to_facts(time), method)
    sums = assessed.sums
    if sum(sums) >= SUM_LIMIT or min(sums) < 0:
        return None
    assessment = _ASSESSMENT(
        marketplace=event.marketplace,
        seller_id=event.subject,
        parcel_id=data.parcel_id,
        revision=data.revision,
        occurred_at=_instant(time),
        event_id=event.id,
        origin=_POSITION(
            topic=record.topic, partition=record.partition, offset=record.offset, appended_ms=record.timestamp
        ),
        dimension=dimension,
        contribution=_CONTRIBUTIONS[dimension](*sums),
        data_category=assessed.data_category,
        factor_ids=assessed.factor_ids,
        defaults=assessed.defaults,
        implausible=assessed.implausible,
        method_version=METHOD_VERSION,
        factors=method.fingerprint,
    )
    key = account_key(event.marketplace, event.subject)
    return Finding(key, _ENCODER.encode(assessment), event.marketplace, assessed)


def _instant(time: datetime) -> str:
    """A time in UTC as the contract's `Instant`. orjson writes it six times as fast as the time itself does."""
    return f"{orjson.dumps(time)[1:20].decode()}.{time.microsecond:06}Z"


def assessed_of(assessment: Assessment) -> Assessed:
    """What an assessment rests on, as the method gave it."""
    return Assessed(
        assessment.sums(),
        assessment.data_category,
        assessment.factor_ids,
        assessment.defaults,
        assessment.implausible,
    )
