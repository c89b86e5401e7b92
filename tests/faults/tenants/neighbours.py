"""The three marketplaces that do nothing wrong, in a process of their own: a steady rate of good events.

`python -m tests.faults.tenants.neighbours OPTIONS`, OPTIONS one JSON object: bootstrap_servers, marketplaces, rate
(events a second of all of them together), sellers (of each), day (the open day). It publishes until `{"stop": true}`
comes on standard input, then writes every event as [webhook id of the score it leads to, marketplace, seller, sequence,
published at (seconds)], and how many were not acknowledged.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from kafka import KafkaProducer

from greenlane.contracts.scores import statement_id
from greenlane.contracts.topics import fulfilment_topic
from greenlane.webhooks.identity import webhook_id

EXAMPLE = Path(__file__).parents[3] / "schemas/examples/greenlane.parcel.packed.v1/average-vietnamese-parcel.json"
TOGETHER_SECONDS = 0.02
HEADERS = [("content-type", b"application/cloudevents+json")]


def event_bytes(marketplace: str, seller: str, parcel: str, at: float) -> bytes:
    """A good event of this seller and parcel that happened at `at` (seconds since 1970)."""
    document = _example() | {
        "source": f"/marketplaces/{marketplace}",
        "subject": seller,
        "id": f"{parcel}.packed",
        "time": datetime.fromtimestamp(at, UTC).isoformat(),
        "data": _example()["data"] | {"parcel_id": parcel},
    }
    return json.dumps(document).encode()


@cache
def _example() -> dict[str, Any]:
    """Read once: what the neighbours cost is taken from the processes that are watched."""
    document: dict[str, Any] = json.loads(EXAMPLE.read_bytes())
    return document


class Neighbours:
    """Publishes in turn for each marketplace, one seller after the other: each event leads to a score of its own."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._producer = KafkaProducer(bootstrap_servers=options["bootstrap_servers"], acks="all", linger_ms=20)
        self._day = date.fromisoformat(options["day"])
        self.events: list[tuple[str, str, str, int, float]] = []
        self.failed = 0

    def publish_until(self, enough: threading.Event) -> None:
        """Keep the rate until told that it is enough; a late event is published at once.

        Those that are due within `TOGETHER_SECONDS` are published together: each waking costs the machine, and what
        publishing costs is taken from the processes that are watched.
        """
        pause = 1.0 / self._options["rate"]
        began = time.monotonic()
        for number, (marketplace, seller, sequence) in enumerate(self._turns()):
            ahead = began + number * pause - time.monotonic()
            if enough.wait(ahead) if ahead > TOGETHER_SECONDS else enough.is_set():
                break
            self._publish(marketplace, seller, sequence)
        self._producer.flush(60)
        self._producer.close()

    def _turns(self) -> Iterator[tuple[str, str, int]]:
        sequence = 0
        while True:
            sequence += 1
            for seller in range(self._options["sellers"]):
                for marketplace in self._options["marketplaces"]:
                    yield marketplace, f"seller-{seller}", sequence

    def _publish(self, marketplace: str, seller: str, sequence: int) -> None:
        at = time.time()
        value = event_bytes(marketplace, seller, f"{seller}.{sequence}", at)
        stated = statement_id("score", marketplace, seller, self._day, sequence)
        identity = webhook_id(f"/marketplaces/{marketplace}", stated)
        sent = self._producer.send(fulfilment_topic(marketplace), key=seller.encode(), value=value, headers=HEADERS)
        sent.add_errback(self._count_failure)
        self.events.append((identity, marketplace, seller, sequence, at))

    def _count_failure(self, _error: BaseException) -> None:
        self.failed += 1


def main() -> None:
    neighbours = Neighbours(json.loads(sys.argv[1]))
    enough = threading.Event()
    thread = threading.Thread(target=neighbours.publish_until, args=(enough,))
    thread.start()
    for line in sys.stdin:
        if "stop" in json.loads(line):
            break
    enough.set()
    thread.join()
    sys.stdout.write(json.dumps({"events": neighbours.events, "failed": neighbours.failed}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
