"""From a row to the record that Kafka takes, or the reason why it is refused; pure, but for the time that is given."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import orjson

from greenlane.contracts.dead_letters import DeadLetterCode, Problem, Refusal
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.contracts.reading.json_text import load
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.outbox.table import Row
from greenlane.publishing.sdk.encoding import encode, size_of
from greenlane.publishing.sdk.own_bytes import in_own_bytes

LARGEST_RECORD = MAX_EVENT_BYTES - 2_048
"""Bytes of key, value and headers together: a fulfilment topic takes no larger batch than the largest event."""

_LONGEST_REASON = 4_000
_COLUMNS = {"subject": "aggregateid", "data": "payload", "source": "aggregatetype"}
"""The columns that attributes of the event come from, where the names differ."""

_ATTRIBUTES = ("id", "type", "time")
_ONE_VALUE = msgspec.json.Decoder(msgspec.Raw)


class Ready(NamedTuple):
    """A row that keeps the contract, as the record that carries it."""

    position: int
    record: RawRecord


def checked(row: Row, marketplace: str, now_ms: int) -> Ready:
    """The record of the row, checked at `now_ms` (milliseconds since 1970) as the SDK checks an event.

    The same row always gives the same bytes. Raises Refusal, whose paths are columns.
    """
    try:
        record = _record(row, marketplace, now_ms)
    except Refusal as refusal:
        raise Refusal(refusal.code, [_of_a_column(problem) for problem in refusal.problems]) from None
    if size_of(record) > LARGEST_RECORD:
        raise _too_large()
    return Ready(row.position, record)


def reason_of(refusal: Refusal) -> str:
    """What is written beside a refused row: the code, then column, problem and remedy; never a value."""
    problems = "; ".join(f"{item.path or 'row'}: {item.message}" for item in refusal.problems)
    return f"{refusal.code}: {problems}"[:_LONGEST_REASON]


def _record(row: Row, marketplace: str, now_ms: int) -> RawRecord:
    if row.aggregatetype != marketplace:
        message = f"must be {marketplace}, the marketplace of this relay; each marketplace has a table of its own"
        raise Refusal.because(DeadLetterCode.SOURCE_MISMATCH, "aggregatetype", message)
    event = _event(row)
    given = in_own_bytes(event, marketplace, now_ms, "binary")
    if given is not None:
        return given.record
    return encode(read_document(event, datetime.fromtimestamp(now_ms / 1000, UTC)), "binary")


def _event(row: Row) -> bytes:
    """The structured event that the row stands for: its payload in its own bytes, known to be one JSON value."""
    if row.payload is None:
        raise _too_large()
    payload = row.payload.encode("utf-8", "surrogatepass")
    try:
        _ONE_VALUE.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        load(payload, "data")
        message = "is not one JSON object; write the event's data as its schema has it"
        raise Refusal.because(DeadLetterCode.NOT_JSON, "data", message) from None
    named = {name: getattr(row, name) for name in _ATTRIBUTES}
    attributes = {"specversion": "1.0", "source": f"/marketplaces/{row.aggregatetype}", "subject": row.aggregateid}
    return orjson.dumps(attributes | named)[:-1] + b',"data":' + payload + b"}"


def _too_large() -> Refusal:
    message = f"the row is over {LARGEST_RECORD} bytes; write one event a row"
    return Refusal.because(DeadLetterCode.TOO_LARGE, "payload", message)


def _of_a_column(problem: Problem) -> Problem:
    head, dot, rest = problem.path.partition(".")
    return problem.model_copy(update={"path": f"{_COLUMNS.get(head, head)}{dot}{rest}"})
