"""What every adapter returns: events, refusals, the paths that no event uses, and what the document does not say."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from greenlane.contracts.events import (
    FulfilmentEvent,
    PackagingRecovered,
    ParcelCancelled,
    ParcelDelivered,
    ParcelPacked,
    ParcelReturned,
)
from greenlane.contracts.reading.problems import problems_of
from greenlane.publishing.adapters.document import Field, PartRefused, Sheet
from greenlane.publishing.adapters.sender import Sender
from greenlane.publishing.adapters.undeclared import Together, Undeclared
from greenlane.publishing.adapters.versions import event_id, in_edition
from greenlane.publishing.sdk.envelope import Address, Data, enveloped

What = Literal["packed", "delivered", "returned", "recovered", "cancelled"]
_WORDS: dict[type[Data], What] = {
    ParcelPacked: "packed",
    ParcelDelivered: "delivered",
    ParcelReturned: "returned",
    PackagingRecovered: "recovered",
    ParcelCancelled: "cancelled",
}

MAX_ATTEMPTS = 2_000
"""Most events that one document may tell of: so many take about a second."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of the document that becomes no event: where (a dotted path), why, and what to do. Never a value."""

    path: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """One document, converted. There is always an event or a refusal."""

    events: tuple[FulfilmentEvent, ...]
    refusals: tuple[Refused, ...]
    unused: tuple[str, ...]
    undeclared: tuple[Undeclared, ...] = ()
    together: tuple[Together, ...] = ()

    def report(self) -> dict[str, Any]:
        """Everything but the events, as plain values."""
        return {
            "events": len(self.events),
            "refusals": [{"path": item.path, "problem": item.problem, "remedy": item.remedy} for item in self.refusals],
            "unused": list(self.unused),
            "undeclared": [item.document() for item in self.undeclared],
            "together": [item.document() for item in self.together],
        }


class Draft:
    """A conversion in the making: knows which values the events use, and gives them their ids."""

    def __init__(self, document: Any, sender: Sender) -> None:
        self.sender = sender
        self._sheet = Sheet(document)
        self._attempts = 0
        self._events: dict[str, FulfilmentEvent] = {}
        self._refusals: dict[Refused, None] = {}

    @property
    def root(self) -> Field:
        """The document."""
        return self._sheet.root

    @property
    def refused(self) -> bool:
        """Whether some part was refused."""
        return bool(self._refusals)

    def refuse(self, part: Field | str, problem: str, remedy: str) -> None:
        """Say why a part becomes no event."""
        path = part if isinstance(part, str) else part.path
        self._refusals[Refused(path, problem, remedy)] = None

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Say why the part that is read inside becomes no event, and go on after it."""
        try:
            yield
        except PartRefused as refused:
            self.refuse(refused.path, refused.problem, refused.remedy)

    def attempt(self, part: Field, build: Callable[[], tuple[Data, datetime] | None]) -> bool:
        """Make an event of what `build` returns; False if it returns None or refuses. What it read is used then."""
        self._attempts += 1
        if self._attempts > MAX_ATTEMPTS:
            self.refuse("", f"tells of more than {MAX_ATTEMPTS:,} events", "split it into several documents")
            return False
        self._sheet.forget()
        try:
            built = build()
            if built is None:
                return False
            body, happened = built
            event = self._event(body, happened)
        except PartRefused as refused:
            self.refuse(refused.path, refused.problem, refused.remedy)
            return False
        except ValidationError as error:
            for item in problems_of(error):
                self.refuse(part, f"makes an event whose {item.path or 'body'} is refused", f"it {item.message}")
            return False
        self._events[event.id] = event
        self._sheet.keep()
        return True

    def done(self) -> Conversion:
        """The result, without costs."""
        if not self._events and not self._refusals:
            self.refuse(
                "", "says nothing that an event of ours carries", "send the documents of parcels that were sent"
            )
        return Conversion(tuple(self._events.values()), tuple(self._refusals), self._sheet.unused())

    def _event(self, body: Data, happened: datetime) -> FulfilmentEvent:
        body = in_edition(body, self.sender.known.edition)
        address = Address(self.sender.marketplace, self.sender.seller_id)
        return enveloped(address, event_id(address, _WORDS[type(body)], body, happened), happened, body)


def refused_whole(problem: str, remedy: str, path: str = "") -> Conversion:
    """A document that cannot be read at all."""
    return Conversion((), (Refused(path, problem, remedy),), ())
