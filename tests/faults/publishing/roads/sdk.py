"""The SDK's road: a `Publisher` that is made anew now and then."""

import random
from pathlib import Path
from typing import Any

from tests.faults.publishing.events import MARKETPLACE
from tests.faults.publishing.journal import Verdict

from greenlane.contracts.dead_letters import Refusal
from greenlane.publishing import Options, Publisher
from greenlane.publishing.sdk.receipts import PublisherBusy, PublisherError, Receipt, ReceiptOutcome

DEADLINE = 4.0
NEW_SHARE = 0.1


class Sdk:
    """Believes receipts: `delivered` is accepted, `failed` is refused, `unknown` is sent again."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._publisher: Publisher | None = None

    def send(self, events: list[tuple[int, dict[str, Any]]]) -> dict[int, Verdict]:
        """Publish each and wait for the receipts."""
        try:
            publisher = self._publisher = self._publisher or self._connected()
        except PublisherError:
            return {}
        found, sent = {}, []
        for number, event in events:
            try:
                sent.append((number, publisher.publish(event, wait=1.0)))
            except Refusal:
                found[number] = Verdict("refused")
            except PublisherBusy:
                continue
        publisher.flush()
        for number, future in sent:
            if future.done() and (verdict := verdict_of(future.result())) is not None:
                found[number] = verdict
        if random.random() < NEW_SHARE:  # noqa: S311 - no secret
            publisher.close()
            self._publisher = None
        return found

    def finish(self) -> bool:
        """End the connection."""
        if self._publisher is not None:
            self._publisher.close()
        return True

    def _connected(self) -> Publisher:
        return Publisher(self._servers, MARKETPLACE, Options(deadline=DEADLINE))


def verdict_of(receipt: Receipt) -> Verdict | None:
    """What the receipt promises."""
    if receipt.outcome is ReceiptOutcome.DELIVERED:
        assert receipt.partition is not None
        assert receipt.offset is not None
        return Verdict("accepted", receipt.partition, receipt.offset)
    return Verdict("refused") if receipt.outcome is ReceiptOutcome.FAILED else None


def road(_own: Path, servers: str) -> Sdk:
    """From the words of a command."""
    return Sdk(servers)
