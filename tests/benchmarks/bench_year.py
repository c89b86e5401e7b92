"""A simulated year of accounts kept on disk: whether speed and memory stay flat, and how long a restart takes.

`make bench-year`; the last line is one JSON object. A year of assessments, two for each seller and day, and the closing
of every day stand in the topic before the aggregator starts; it then reads them as fast as it can. A seller-day is a
day with contributions within the policy's window.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Producer
from tests.benchmarks.stream_contenders import PARTITIONS, PATIENCE, SOURCE, TICK, Bench, Service, progress
from tests.benchmarks.stream_history import MARKETPLACE, history, insist, publisher
from tests.benchmarks.usual_work import METHOD, POLICY, Record

from greenlane.contracts.assessing import Owner
from greenlane.contracts.assessments import DayClosed, account_key
from greenlane.contracts.quick.assessing import find
from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, ASSESSMENTS, declared_topics
from greenlane.operations import topic_provisioning
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.publishing.history.timeline import RawRecord
from greenlane.streaming.kafka.partitioner import partition_of

DAYS = 365
QUARTERS = 4
SOME_DAY = date(2025, 1, 1)
_DAY, _PARCEL, _SELLER = b"@day@", b"@parcel@", b"@seller@"


class Sample(NamedTuple):
    """Where the aggregator was at a moment: seconds, records done, resident megabytes."""

    seconds: float
    done: float
    memory_mb: float


def templates() -> list[bytes]:
    """A packed and a delivered parcel's assessment, to be dated and named."""
    raw = history(2_000, 50).records
    return [_template(raw, "packed", "packaging_scorer"), _template(raw, "delivered", "delivery_scorer")]


def _template(raw: Sequence[RawRecord], event: str, owner: Owner) -> bytes:
    chosen = next(record for record in raw if event.encode() in dict(record.headers)["ce_type"])
    appended_ms = int(time.time() * 1000)
    record = Record(SOURCE, 0, 0, appended_ms, chosen.key, chosen.value, chosen.headers)
    finding = find(record, owner, METHOD)
    assert finding is not None
    return orjson.dumps(
        orjson.loads(finding.value)
        | {
            "seller_id": _SELLER.decode(),
            "parcel_id": _PARCEL.decode(),
            "event_id": f"{_PARCEL.decode()}.{event}",
            "occurred_at": f"{_DAY.decode()}T03:00:00.000000Z",
        }
    )


def year(sellers: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Partition, key and value of every record, day after day, each day's closing behind it."""
    parcels = templates()
    keys = [account_key(MARKETPLACE, f"seller-{number:05}") for number in range(sellers)]
    owned = [
        (partition_of(key, PARTITIONS), key, [text.replace(_SELLER, key.rpartition(b"/")[2]) for text in parcels])
        for key in keys
    ]
    for number in range(DAYS):
        day = SOME_DAY + timedelta(days=number)
        name = b"p%d" % number
        for partition, key, texts in owned:
            for text in texts:
                yield partition, key, text.replace(_DAY, str(day).encode()).replace(_PARCEL, name)
        yield from closings(day)


def closings(day: date) -> Iterator[tuple[int, bytes, bytes]]:
    """One closed day, in every partition."""
    closing = DayClosed(marketplace=MARKETPLACE, first_day=day, last_day=day).model_dump_json().encode()
    for partition in range(PARTITIONS):
        yield partition, b"close", closing


def published(producer: Producer, records: Iterable[tuple[int, bytes, bytes]]) -> int:
    """Append records, given by partition, key and value; how many they are."""
    count = 0
    for count, (partition, key, value) in enumerate(records, 1):
        while True:
            try:
                producer.produce(ASSESSMENTS, key=key, value=value, partition=partition, on_delivery=insist)
                break
            except BufferError:
                producer.poll(TICK)
        if not count % 1000:
            producer.poll(0)
    producer.flush()
    return count


def followed(service: Service, records: int) -> list[Sample]:
    """What was seen while the aggregator read the year."""
    started, samples = time.monotonic(), list[Sample]()
    deadline = started + 10 * PATIENCE
    while not samples or samples[-1].done < records:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{samples[-1].done:.0f} of {records} records in time")
        samples.append(Sample(time.monotonic() - started, service.done(), service.memory_mb()))
        time.sleep(TICK)
    return samples


def by_quarter(samples: list[Sample], records: int) -> dict[str, list[int]]:
    """Records a second in each quarter of the year, and the memory at its end."""
    marks = [next(s for s in samples if s.done >= max(1, records * part / QUARTERS)) for part in range(QUARTERS + 1)]
    return {
        "records_per_second_by_quarter": [
            round((after.done - before.done) / (after.seconds - before.seconds)) for before, after in pairwise(marks)
        ],
        "memory_mb_by_quarter": [round(mark.memory_mb) for mark in marks[1:]],
    }


def ready_again(bench: Bench, **environment: str) -> tuple[float, float]:
    """Seconds from the start of the process until it is ready, and its megabytes then."""
    started = time.monotonic()
    with bench.service("aggregator", **environment) as service:
        service.wait_ready()
        return time.monotonic() - started, service.memory_mb()


def measured(bench: Bench, sellers: int) -> dict[str, Any]:
    """Every figure."""
    on_disk = {"GREENLANE_STATE_DIR": str(bench.folder / "accounts")}
    _, empty_mb = ready_again(bench)
    records = published(publisher(bench.servers), year(sellers))
    progress(f"a year of {sellers:,} sellers published: {records:,} records")
    with bench.service("aggregator", **on_disk) as service:
        quarters = by_quarter(followed(service, records), records)
    progress(f"read: {quarters}")
    with_disk, with_disk_mb = ready_again(bench, **on_disk)
    progress(f"ready again with its disk after {with_disk:.1f} s")
    without, in_memory_mb = ready_again(bench)
    progress(f"ready again in memory, from the changelog alone, after {without:.1f} s")
    seller_days = sellers * POLICY.window_days
    running_mb = quarters["memory_mb_by_quarter"][-1]
    return {
        "sellers": sellers,
        "records": records,
        "seller_days": seller_days,
        **quarters,
        "restart_with_disk_seconds": round(with_disk, 2),
        "restart_from_changelog_seconds": round(without, 2),
        "changelog_records": bench.end(AGGREGATOR_CHANGELOG),
        "memory_empty_mb": round(empty_mb),
        "memory_after_restart_with_disk_mb": round(with_disk_mb),
        "memory_after_restart_in_memory_mb": round(in_memory_mb),
        "bytes_per_seller_day_beyond_150_mb_with_disk": round((with_disk_mb - 150) * 1e6 / seller_days),
        "bytes_per_seller_day_beyond_150_mb_in_a_backlog": round((running_mb - 150) * 1e6 / seller_days),
        "bytes_per_seller_day_beyond_150_mb_in_memory": round((in_memory_mb - 150) * 1e6 / seller_days),
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sellers", type=int, default=2_000)
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
