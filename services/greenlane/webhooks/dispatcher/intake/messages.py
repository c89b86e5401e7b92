"""From a Kafka record to a message that can be dispatched, or the reason why not."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Protocol

from pydantic import Field, TypeAdapter, ValidationError

from greenlane.contracts.assessing import HEARTBEAT
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.reading.problems import code_of, problems_of
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.contracts.unreadable import refuse_unreadable
from greenlane.webhooks.dispatcher.intake.positions import SourcePartition
from greenlane.webhooks.identity import webhook_id
from greenlane.webhooks.states import ENDPOINT_TEST, MODES, Mode

_STATEMENT: TypeAdapter[SellerScore | BadgeDecision] = TypeAdapter(
    Annotated[SellerScore | BadgeDecision, Field(discriminator="type")]
)
_SEQUENCES_PER_DAY = 2**32


class StatementRecord(Protocol):
    """What is needed of a record of the scores or decisions topic; `timestamp` is its append time in milliseconds."""

    @property
    def key(self) -> bytes | None:
        """The record's key."""
        ...

    @property
    def value(self) -> bytes | None:
        """The record's value; None for a tombstone."""
        ...

    @property
    def timestamp(self) -> int:
        """Append time, milliseconds since 1970 UTC."""
        ...

    @property
    def topic(self) -> str:
        """The topic it stands in."""
        ...

    @property
    def partition(self) -> int:
        """The partition it stands in."""
        ...

    @property
    def offset(self) -> int:
        """Its offset there."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One statement on its way to endpoints; `body` is sent as it stands, `appended_ms` since 1970 UTC.

    `place` and `offset` say where it stands in Kafka; without a place it is accepted wherever reading has got to.
    """

    webhook_id: str
    day: date
    type: str
    mode: Mode
    order_key: str
    seq: int
    marketplace: str
    seller_id: str
    body: bytes
    appended_ms: int
    place: SourcePartition | None = None
    offset: int = -1


def sequence_number(day: date, sequence: int) -> int:
    """(day, sequence within the day) as one number of 63 bits that orders like the pair."""
    return day.toordinal() * _SEQUENCES_PER_DAY + sequence


def read_message(record: StatementRecord) -> Message | None:
    """The record's message, None for a tombstone; raises Refusal with the closed reason if it is neither."""
    if record.value is None:
        return None
    refuse_unreadable(record.value)
    if len(record.value) > MAX_EVENT_BYTES:
        raise Refusal.because(DeadLetterCode.TOO_LARGE, "", f"the value is over {MAX_EVENT_BYTES} bytes; shorten it")
    statement = _statement(record.value)
    _check_origin(record, statement)
    data = statement.data
    mode = MODES[statement.type]
    return Message(
        webhook_id=webhook_id(statement.source, statement.id),
        day=data.day,
        type=statement.type,
        mode=mode,
        order_key=f"{'score' if mode is Mode.LATEST else 'badge'}:{data.marketplace}/{data.seller_id}",
        seq=sequence_number(data.day, data.sequence),
        marketplace=data.marketplace,
        seller_id=data.seller_id,
        body=record.value,
        appended_ms=record.timestamp,
        place=SourcePartition(record.topic, record.partition),
        offset=record.offset,
    )


def is_heartbeat(value: bytes) -> bool:
    """Whether the bytes are a heartbeat of the clock, which tells time and is nobody's to receive."""
    if HEARTBEAT.encode() not in value:
        return False
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and parsed.get("type") == HEARTBEAT


def _statement(value: bytes) -> SellerScore | BadgeDecision:
    try:
        return _STATEMENT.validate_json(value)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> Refusal:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    kind = first["type"]
    if kind == "json_invalid":
        return Refusal.because(DeadLetterCode.NOT_JSON, "", "not JSON in UTF-8; correct the syntax")
    if kind == "union_tag_invalid":
        types = ", ".join(name for name in MODES if name != ENDPOINT_TEST)
        return Refusal.because(DeadLetterCode.UNKNOWN_TYPE, "type", f"must be one of {types}")
    if not first["loc"]:
        message = "a structured CloudEvent is a JSON object with specversion, type, source, id, time, subject and data"
        return Refusal.because(DeadLetterCode.NOT_A_CLOUD_EVENT, "", message)
    problems = problems_of(error, skip=tuple(MODES))
    return Refusal(code_of(problems), problems)


def _check_origin(record: StatementRecord, statement: SellerScore | BadgeDecision) -> None:
    data = statement.data
    if statement.source != f"/marketplaces/{data.marketplace}":
        message = "must be /marketplaces/ followed by data.marketplace"
        raise Refusal.because(DeadLetterCode.SOURCE_MISMATCH, "source", message)
    if record.key != f"{data.marketplace}/{data.seller_id}".encode() or statement.subject != data.seller_id:
        message = "the record's key must be data.marketplace, a slash and data.seller_id, and subject the seller id"
        raise Refusal.because(DeadLetterCode.KEY_MISMATCH, "subject", message)
    if data.sequence >= _SEQUENCES_PER_DAY:
        message = f"must be less than {_SEQUENCES_PER_DAY}"
        raise Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, "data.sequence", message)
