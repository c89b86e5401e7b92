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


class Fate(StrEnum):
    """What the pipeline does with a record in the end."""

    ASSESSED = "assessed"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    LATE = "late"
    DEAD_LETTER = "dead_letter"


FATES: dict[Kind, Fate] = {
    Kind.ORDINARY: Fate.ASSESSED,
    Kind.DELAYED: Fate.ASSESSED,
    Kind.OUT_OF_ORDER: Fate.ASSESSED,
    Kind.CORRECTION: Fate.ASSESSED,
    Kind.CANCELLATION: Fate.ASSESSED,
    Kind.DUPLICATE: Fate.DUPLICATE,
    Kind.SUPERSEDED: Fate.SUPERSEDED,
    Kind.LATE: Fate.LATE,
    Kind.MALFORMED: Fate.DEAD_LETTER,
}
"""What becomes of each kind."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Bytes to be published unchecked."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event or raw record, and when its marketplace publishes it (aware UTC); histories are sorted by `at`."""

    at: datetime
    payload: FulfilmentEvent | RawRecord
    kind: Kind = Kind.ORDINARY
