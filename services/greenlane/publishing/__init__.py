"""How events get in: the publishing SDK, files, adapters for other vocabularies, and the simulator."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from greenlane.contracts.dead_letters import Refusal
    from greenlane.publishing.sdk.async_publisher import AsyncPublisher
    from greenlane.publishing.sdk.builders import About, cancelled, delivered, packed, recovered, returned
    from greenlane.publishing.sdk.publisher import Options, Publisher
    from greenlane.publishing.sdk.receipts import (
        NotDelivered,
        PublisherBusy,
        PublisherError,
        PublisherUnavailable,
        Receipt,
        ReceiptOutcome,
        Tally,
    )
    from greenlane.publishing.sdk.spool.faults import SpoolDamaged, SpoolError, SpoolFull, SpoolInUse

_MODULES = {
    "contracts.dead_letters": ("Refusal",),
    "publishing.sdk.async_publisher": ("AsyncPublisher",),
    "publishing.sdk.builders": ("About", "cancelled", "delivered", "packed", "recovered", "returned"),
    "publishing.sdk.publisher": ("Options", "Publisher"),
    "publishing.sdk.receipts": (
        "NotDelivered",
        "PublisherBusy",
        "PublisherError",
        "PublisherUnavailable",
        "Receipt",
        "ReceiptOutcome",
        "Tally",
    ),
    "publishing.sdk.spool.faults": ("SpoolDamaged", "SpoolError", "SpoolFull", "SpoolInUse"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "About",
    "AsyncPublisher",
    "NotDelivered",
    "Options",
    "Publisher",
    "PublisherBusy",
    "PublisherError",
    "PublisherUnavailable",
    "Receipt",
    "ReceiptOutcome",
    "Refusal",
    "SpoolDamaged",
    "SpoolError",
    "SpoolFull",
    "SpoolInUse",
    "Tally",
    "cancelled",
    "delivered",
    "packed",
    "recovered",
    "returned",
]


def __getattr__(name: str) -> Any:
    """The SDK when it is asked for: reading a file of events needs no Kafka client."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"greenlane.{_HOMES[name]}"), name)
