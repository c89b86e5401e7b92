"""What became of each published event, and what can go wrong before one is even sent.

PublisherError
├── PublisherUnavailable   no broker, or no topic: correct the address or create the topic
├── PublisherBusy          too much is waiting: publish later or slower
│   └── SpoolFull          the spool or its disk is full (spool.faults)
├── SpoolError             the spool cannot be used; SpoolInUse, SpoolDamaged (spool.faults)
└── NotDelivered           closed with events that failed or whose outcome is unknown: publish those again
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from greenlane.errors import GreenlaneError

CLOSED = "the publisher is closed; make a new one"


class ReceiptOutcome(StrEnum):
    """How an event ended.

    `unknown`: it may or may not be in the topic. Publish it again with the same id: the second one changes nothing.
    `spooled`: it is on this machine's disk and will be sent; another receipt follows, to `on_receipt` alone.
    """

    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SPOOLED = "spooled"


class Receipt(NamedTuple):
    """The end of one event: its id, and where it stands or why it does not."""

    event_id: str
    outcome: ReceiptOutcome
    partition: int | None = None
    offset: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events ended how; `pending` ones have no receipt yet, `spooled` ones wait on the disk for Kafka.

    The five add up to those published, and those that the spool held before.
    """

    delivered: int
    failed: int
    unknown: int
    pending: int
    spooled: int = 0


class PublisherError(GreenlaneError):
    """Publishing did not work; the text names the remedy."""


class PublisherUnavailable(PublisherError):  # noqa: N818 - named for what the caller meets
    """There is no broker at the address, or it lacks the marketplace's topic."""


class PublisherBusy(PublisherError):  # noqa: N818 - named for what the caller meets
    """The bound on events on their way was reached and no room came free in time; the event was not taken."""


class NotDelivered(PublisherError):  # noqa: N818 - named for what the caller meets
    """The publisher closed with events that failed or whose outcome is unknown; `receipts` names them."""

    def __init__(self, receipts: tuple[Receipt, ...], count: int) -> None:
        """`receipts` may name fewer than `count` when very many were lost."""
        first = receipts[0]
        super().__init__(
            f"{count} events were not delivered, the first {first.event_id}: {first.reason}. Publish them again with "
            "the same ids once the cause is removed; one that did arrive counts as a duplicate and changes nothing."
        )
        self.receipts = receipts
        self.count = count
