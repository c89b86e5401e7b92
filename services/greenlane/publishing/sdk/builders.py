"""The five events by named arguments: `packed(...)` gives a checked event, or a Refusal before anything is sent."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypedDict, Unpack

import orjson
from pydantic import BaseModel

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.events import CANCELLED, DELIVERED, PACKED, RECOVERED, RETURNED, FulfilmentEvent
from greenlane.contracts.reading.fulfilment import read_document

Part = BaseModel | Mapping[str, Any]
"""A part of an event: its model of `contracts/events.py`, or a mapping with the same fields."""

_NO_FUTURE = datetime(9998, 1, 1, tzinfo=UTC)
"""A builder reads no clock: whether an event lies in the future is asked when it is published."""


class About(NamedTuple):
    """What every event says: who publishes it, whose parcel it is, its own lasting id, and when it happened.

    `time` is an aware datetime, or RFC 3339 text with an offset.
    """

    marketplace: str
    seller_id: str
    event_id: str
    time: datetime | str


class Correction(TypedDict, total=False):
    """What a correction adds: a higher revision and its reason."""

    revision: int
    correction_reason: str


class Transport(Correction, total=False):
    """What a delivery and a return have in common; `attempts` are at least 1."""

    mass_g: float
    origin: Part
    destination: Part
    attempts: int
    transport_chain: Sequence[Part]
    hubs: Sequence[Part]


class Packing(Correction, total=False):
    """What is in a parcel and around it."""

    items: Sequence[Part]
    outer: Part
    components: Sequence[Part]
    order: Part


def packed(about: About, *, parcel_id: str, country: str, **more: Unpack[Packing]) -> FulfilmentEvent:
    """A parcel was packed in that country. Raises Refusal with field, problem and remedy."""
    return _checked(PACKED, about, {"parcel_id": parcel_id, "country": country, **more})


def delivered(about: About, *, parcel_id: str, **more: Unpack[Transport]) -> FulfilmentEvent:
    """A parcel reached its buyer, a pickup point or a locker. Raises Refusal."""
    return _checked(DELIVERED, about, {"parcel_id": parcel_id, **more})


def returned(about: About, *, parcel_id: str, **more: Unpack[Transport]) -> FulfilmentEvent:
    """A parcel went back to its seller. Raises Refusal."""
    return _checked(RETURNED, about, {"parcel_id": parcel_id, **more})


def recovered(
    about: About, *, parcel_id: str, kind: str, mass_g: float, asset_id: str | None = None, **more: Unpack[Correction]
) -> FulfilmentEvent:
    """A reusable asset or used packaging was taken back. Raises Refusal."""
    return _checked(
        RECOVERED, about, {"parcel_id": parcel_id, "kind": kind, "mass_g": mass_g, "asset_id": asset_id, **more}
    )


def cancelled(about: About, *, parcel_id: str) -> FulfilmentEvent:
    """The parcel never counted. Raises Refusal."""
    return _checked(CANCELLED, about, {"parcel_id": parcel_id})


def _checked(event_type: str, about: About, data: Mapping[str, Any]) -> FulfilmentEvent:
    time = about.time.isoformat() if isinstance(about.time, datetime) else about.time
    document = {
        "specversion": "1.0",
        "type": event_type,
        "source": f"/marketplaces/{about.marketplace}",
        "id": about.event_id,
        "subject": about.seller_id,
        "time": time,
        "data": {name: value for name, value in data.items() if value is not None},
    }
    not_finite = _not_finite(document, "")
    if not_finite is not None:
        raise Refusal.because(DeadLetterCode.NOT_JSON, not_finite, "must be a finite number, not NaN or Infinity")
    try:
        raw = orjson.dumps(document, default=_plain)
    except (TypeError, ValueError) as error:
        message = f"cannot be written as JSON: {error}; use texts, numbers, lists, mappings and models"
        raise Refusal.because(DeadLetterCode.NOT_JSON, "data", message) from error
    return read_document(raw, _NO_FUTURE)


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no part of an event")


def _not_finite(value: object, path: str) -> str | None:
    """The path of a number that JSON cannot say: it would be written as null and read as undeclared."""
    if isinstance(value, float):
        return path if value - value != 0 else None
    parts: Any = ()
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    for name, part in parts:
        found = _not_finite(part, f"{path}.{name}".lstrip("."))
        if found is not None:
            return found
    return None
