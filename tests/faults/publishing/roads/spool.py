"""The SDK's road by a spool: accepted is what stands on the client's disk."""

import random
from pathlib import Path
from typing import Any

from tests.faults.publishing.events import MARKETPLACE
from tests.faults.publishing.journal import Verdict
from tests.faults.publishing.roads.sdk import DEADLINE, NEW_SHARE

from greenlane.contracts.dead_letters import Refusal
from greenlane.publishing import Options, Publisher
from greenlane.publishing.sdk.receipts import PublisherBusy, ReceiptOutcome


class Spool:
    """Never waits for Kafka, and never sends again what has its receipt `spooled`."""

    def __init__(self, file: Path, servers: str) -> None:
        self._file, self._servers = file, servers
        self._publisher = self._opened()

    def send(self, events: list[tuple[int, dict[str, Any]]]) -> dict[int, Verdict]:
        """Publish each and wait for the receipts of the disk."""
        found, sent = {}, []
        for number, event in events:
            try:
                sent.append((number, self._publisher.publish(event, wait=1.0)))
            except Refusal:
                found[number] = Verdict("refused")
            except PublisherBusy:
                continue
        for number, future in sent:
            outcome = future.result(30).outcome
            if outcome in {ReceiptOutcome.SPOOLED, ReceiptOutcome.DELIVERED}:
                found[number] = Verdict("accepted")
        if random.random() < NEW_SHARE:  # noqa: S311 - no secret
            self._publisher.close()
            self._publisher = self._opened()
        return found

    def finish(self) -> bool:
        """Wait until Kafka has all that is in the file."""
        tally = self._publisher.flush()
        if tally.pending or tally.spooled:
            return False
        self._publisher.close()
        return True

    def _opened(self) -> Publisher:
        return Publisher(self._servers, MARKETPLACE, Options(deadline=DEADLINE, spool=self._file))


def road(own: Path, servers: str) -> Spool:
    """From the words of a command."""
    return Spool(own.with_suffix(".spool"), servers)
