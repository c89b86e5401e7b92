"""One closed day of very many sellers: the memory it takes beyond the accounts, and the longest standstill of the loop.

`make bench-closing`; the last line is one JSON object. Each seller has one parcel. The aggregator is at rest with all
accounts in memory; then the day is closed in every partition. `memory_growth_mb` is the highest resident memory until
everything is stated, less that at rest. `longest_stall_ms` is the longest silence of the event loop, which tells its
health server ten times a second that it turns: the true stall is at most that, and at least 100 ms less.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_year import closings, published, templates
from tests.benchmarks.stream_contenders import PARTITIONS, PATIENCE, TICK, Bench, Service, progress
from tests.benchmarks.stream_history import MARKETPLACE, history, publisher

from greenlane.contracts.assessments import account_key
from greenlane.contracts.topics import SELLER_SCORES, declared_topics
from greenlane.operations import topic_provisioning
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.streaming.kafka.partitioner import partition_of

SOME_DAY = date(2026, 7, 1)
REST_SECONDS = 5.0


class Watch(threading.Thread):
    """Asks again and again how long the event loop has been silent, and how much memory is resident."""

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self.silence, self.memory_mb = 0.0, 0.0
        self._service, self._enough = service, threading.Event()

    def run(self) -> None:
        while not self._enough.wait(TICK):
            told = json.loads(self._service.get("/healthz/live") or "{}")
            self.silence = max(self.silence, told.get("event_loop_silent_seconds", 0.0))
            self.memory_mb = max(self.memory_mb, self._service.memory_mb())

    def finish(self) -> None:
        """Watch no more."""
        self._enough.set()
        self.join()


def parcels(sellers: int) -> Iterator[tuple[int, bytes, bytes]]:
    """One packed parcel of each seller."""
    packed = templates()[0].replace(b"@day@", str(SOME_DAY).encode())
    for number in range(sellers):
        seller = b"seller-%06d" % number
        key = account_key(MARKETPLACE, seller.decode())
        yield partition_of(key, PARTITIONS), key, packed.replace(b"@seller@", seller).replace(b"@parcel@", b"p1")


def _wait(service: Service, records: int) -> None:
    deadline = time.monotonic() + 10 * PATIENCE
    while service.done() < records:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{service.done():.0f} of {records} records in time")
        service.alive()
        time.sleep(TICK)


def measured(bench: Bench, sellers: int) -> dict[str, Any]:
    """Every figure."""
    producer = publisher(bench.servers)
    published(producer, closings(SOME_DAY - timedelta(days=1)))
    published(producer, parcels(sellers))
    with bench.service("aggregator") as service:
        _wait(service, sellers + PARTITIONS)
        time.sleep(REST_SECONDS)
        at_rest, stated = service.memory_mb(), bench.end(SELLER_SCORES)
        progress(f"{sellers:,} sellers at rest: {at_rest:.0f} MB; closing the day")
        watch = Watch(service)
        watch.start()
        began = time.monotonic()
        published(producer, closings(SOME_DAY))
        _wait(service, sellers + 2 * PARTITIONS)
        seconds = time.monotonic() - began
        watch.finish()
    scores = bench.end(SELLER_SCORES) - stated
    if scores < sellers:
        raise RuntimeError(f"only {scores} of {sellers} scores were stated")
    return {
        "sellers": sellers,
        "memory_at_rest_mb": round(at_rest),
        "memory_growth_mb": round(watch.memory_mb - at_rest),
        "longest_stall_ms": round(watch.silence * 1000),
        "seconds": round(seconds, 1),
        "scores_stated": scores,
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sellers", type=int, default=320_000)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-bench-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as kafka,
    ):
        topic_provisioning.apply(kafka.bootstrap_servers, declared_topics([MARKETPLACE]), PARTITIONS, 1)
        figures = measured(Bench(kafka.bootstrap_servers, Path(folder), history(100, 10), None), arguments.sellers)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
