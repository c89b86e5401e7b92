"""A history to be published: events and raw records, each with the moment at which its marketplace publishes it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenlane.contracts.events import FulfilmentEvent


class Kind(StrEnum):
    """Why a record of a history is there; what becomes of it follows from this."""

    ORDINARY = "ordinary"
    DELAYED = "delayed"
    OUT_OF_ORDER = "out_of_order"
    CORRECTION = "correction"
    CANCELLATION = "cancellation"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    LATE = "late"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Bytes to be published unchecked."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event or raw record, and when its marketplace publishes it (aware UTC); histories are sorted by `at`.

    A history that knows the truth says whether the record `counts`, and from when on another one counts instead or the
    parcel is cancelled (`until`).
    """

    at: datetime
    payload: FulfilmentEvent | RawRecord
    kind: Kind = Kind.ORDINARY
    counts: bool = False
    until: datetime | None = None
