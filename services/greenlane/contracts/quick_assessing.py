"""The scorers' hot path: from a record to the bytes of its assessment, the same as by `assess_record`."""

from typing import Any, NamedTuple

import msgspec

from greenlane.contracts.assessing import ASSESSORS, Owner, assess_record, output_key, owner_of
from greenlane.contracts.assessments import SUM_LIMIT, Assessment, SourcePosition, account_key
from greenlane.contracts.derived import struct_of
from greenlane.contracts.quick_reading import QuickEvent, quick_event
from greenlane.contracts.reading import KafkaRecord, declared_type
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.tables import Method

_ASSESSMENT, _POSITION = struct_of(Assessment), struct_of(SourcePosition)
_ENCODER = msgspec.json.Encoder()


class Finding(NamedTuple):
    """What a scorer says about a record, under which key; `assessment` has the fields of one, None when it retracts."""

    key: bytes
    value: bytes
    assessment: Any


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
    message = assess_record(record, owner, method)
    if message is None:
        return None
    assessment = message if isinstance(message, Assessment) else None
    return Finding(output_key(message), message.model_dump_json().encode(), assessment)


def _assessed(record: KafkaRecord, event: QuickEvent, method: Method) -> Finding | None:
    """The assessment; None for what has none and for sums out of their bounds."""
    known = ASSESSORS.get(event.type)
    if known is None:
        return None
    dimension, assess = known
    time, data = event.time, event.data
    sums, data_category, factor_ids, defaults, implausible = assess(data.to_facts(time.date()), method)
    if min(sums) < 0 or max(sums) >= SUM_LIMIT:
        return None
    assessment = _ASSESSMENT(
        marketplace=event.marketplace,
        seller_id=event.subject,
        parcel_id=data.parcel_id,
        revision=data.revision,
        occurred_at=f"{time.isoformat()[:19]}.{time.microsecond:06}Z",
        event_id=event.id,
        origin=_POSITION(
            topic=record.topic, partition=record.partition, offset=record.offset, appended_ms=record.timestamp
        ),
        dimension=dimension,
        contribution={name: value for name, value in zip(sums._fields, sums, strict=True) if value},
        data_category=data_category,
        factor_ids=factor_ids,
        defaults=defaults,
        implausible=implausible,
        method_version=METHOD_VERSION,
    )
    return Finding(account_key(event.marketplace, event.subject), _ENCODER.encode(assessment), assessment)
