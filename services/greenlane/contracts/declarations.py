"""From events to what stands of them: for each seller the newest declaration of every parcel and dimension."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC

from greenlane.contracts.assessments import FINAL_REVISION
from greenlane.contracts.events import (
    CancelledEvent,
    DeliveredEvent,
    FulfilmentEvent,
    PackedEvent,
    RecoveredEvent,
    ReturnedEvent,
)
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.vocabulary import Dimension

ScoredEvent = PackedEvent | DeliveredEvent | ReturnedEvent | RecoveredEvent
"""Every event but a cancellation, which declares nothing."""

Version = tuple[int, str, str]
"""Revision, instant in UTC and event id: the greatest stands."""

_DIMENSIONS = {
    PackedEvent: Dimension.PACKAGING,
    DeliveredEvent: Dimension.DELIVERY,
    ReturnedEvent: Dimension.RETURN,
    RecoveredEvent: Dimension.CIRCULARITY,
}


def declaration_of(event: ScoredEvent) -> Declaration:
    """What an event declares, on its UTC day."""
    moment = event.time.astimezone(UTC)
    return Declaration(event.data.parcel_id, _DIMENSIONS[type(event)], event.data.to_facts(moment))


def version_of(event: FulfilmentEvent) -> Version:
    """The version of an event, as its assessment carries it; a cancellation outranks every revision."""
    revision = FINAL_REVISION if isinstance(event, CancelledEvent) else event.data.revision
    return revision, event.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), event.id


def standing(events: Iterable[FulfilmentEvent]) -> dict[str, tuple[Declaration, ...]]:
    """For each `<marketplace>/<seller_id>` what stands after these events, whatever their order."""
    accounts: dict[str, dict[tuple[str, Dimension], tuple[Version, Declaration | None]]] = defaultdict(dict)
    for event in events:
        parts = accounts[f"{event.source.removeprefix('/marketplaces/')}/{event.subject}"]
        version = version_of(event)
        declaration = None if isinstance(event, CancelledEvent) else declaration_of(event)
        for dimension in Dimension if declaration is None else (declaration.dimension,):
            part = (event.data.parcel_id, dimension)
            if part not in parts or parts[part][0] < version:
                parts[part] = (version, declaration)
    return {
        seller: tuple(declaration for _, declaration in parts.values() if declaration is not None)
        for seller, parts in accounts.items()
    }
