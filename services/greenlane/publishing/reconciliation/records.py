"""One record of the topic: the event that stands, or why it is refused and which parcel it was about as far as told.

The reason is found by the function that the scorers refuse with, so it needs no right to read the dead letters.
"""

import hashlib
import re
from typing import Any, NamedTuple

import msgspec
import orjson

from greenlane.contracts.assessing import HEARTBEAT
from greenlane.contracts.dead_letters import Problem
from greenlane.contracts.quick.reading import QuickEvent, quick_event
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.contracts.unreadable import Unreadable
from greenlane.publishing.reconciliation.steps import CANCELLED_STEP, STEP_OF, WHOLE_PARCEL, WORDS

_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"
_SOUND = re.compile(_ID)
_IN_BYTES = {
    name: re.compile(rb'"%b"\s*:\s*"([A-Za-z0-9][A-Za-z0-9._:/-]{0,127})"' % name.encode())
    for name in ("parcel_id", "id", "type", "subject")
}
_OWN_ID = re.compile(rf"({_ID})\.({'|'.join(WORDS)})(?:\.r[0-9]+)?")
"""The form of ids that the importers give: parcel and step stand in it."""


class Stands(NamedTuple):
    """An accepted event; times are milliseconds since 1970 UTC. `content` tells two events of one id apart."""

    parcel: str
    step: int
    seller: str
    at: int
    revision: int
    event_id: str
    content: bytes


class Refused(NamedTuple):
    """A record that is refused. Parcel, step, seller and id are what can be made out of it; "" or -1 where nothing."""

    parcel: str
    step: int
    seller: str
    event_id: str
    code: str
    problems: tuple[Problem, ...]


class Unread(NamedTuple):
    """So many offsets that nobody can read."""

    offsets: int
    problem: str


def look(record: KafkaRecord) -> Stands | Refused | Unread | None:
    """What a record is; None for what the contract has no part in (heartbeats)."""
    value = record.value
    if isinstance(value, Unreadable):
        return Unread(value.offsets, value.reason)
    event: Any = quick_event(record)
    if event is None:
        reading = read_event(record)
        event = reading.event
        if reading.type == HEARTBEAT:
            return None
        if reading.refusal is not None:
            parcel, step, seller, event_id = _made_out(record, reading.type)
            return Refused(parcel, step, seller, event_id, str(reading.refusal.code), reading.refusal.problems)
    return stands(event)


def stands(event: Any) -> Stands:
    """An accepted event, of either reader, as it is compared."""
    step = STEP_OF[event.type]
    revision = 0 if step == CANCELLED_STEP else event.data.revision
    at = round(event.time.timestamp() * 1000)
    text = f"{event.type}\n{event.subject}\n{event.time.timestamp()}\n".encode()
    content = hashlib.blake2b(text + _body(event), digest_size=12).digest()
    return Stands(event.data.parcel_id, step, event.subject, at, revision, event.id, content)


def _body(event: Any) -> bytes:
    """The body in one form, however it was written and whichever of the two readers read it."""
    quick = isinstance(event, QuickEvent)
    plain = msgspec.to_builtins(event.data) if quick else event.data.model_dump(mode="json")
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def _made_out(record: KafkaRecord, event_type: str) -> tuple[str, int, str, str]:
    """Parcel, step, seller and event id of a refused record, as far as its bytes and headers say them."""
    headers = {name: value for name, value in record.headers if value is not None}
    told = {name.removeprefix("ce_"): value.decode("utf-8", "replace") for name, value in headers.items()}
    raw = (record.value or b"")[:MAX_EVENT_BYTES]
    told |= _from_json(raw) or {name: found for name in _IN_BYTES if (found := _from_bytes(name, raw))}
    parcel, event_id = told.get("parcel_id", ""), told.get("id", "")
    step = STEP_OF.get(event_type or told.get("type", ""), WHOLE_PARCEL)
    own = _OWN_ID.fullmatch(event_id)
    if not _SOUND.fullmatch(parcel):
        parcel = own[1] if own else ""
    if step == WHOLE_PARCEL and own and own[1] == parcel:
        step = WORDS.index(own[2])
    seller = told.get("subject", "") or (record.key or b"").decode("utf-8", "replace")
    return parcel, step, seller if _SOUND.fullmatch(seller) else "", event_id[:128]


def _from_json(raw: bytes) -> dict[str, str]:
    """The texts of a JSON object that say what it is about; empty where it is none."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(document, dict):
        return {}
    data = document.get("data", document)
    parts = document | (data if isinstance(data, dict) else {})
    return {name: value for name in _IN_BYTES if isinstance(value := parts.get(name), str)}


def _from_bytes(name: str, raw: bytes) -> str:
    found = _IN_BYTES[name].search(raw)
    return "" if found is None else found[1].decode()
