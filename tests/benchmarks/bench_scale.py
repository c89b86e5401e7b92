"""How a scorer and the aggregator scale over partitions and workers: the same records on a fresh broker each time.

`make bench-scale`; the last line is one JSON object. Workers are ready before the records are published; the broker and
the publisher share the machine's cores with them, so two workers cannot be twice as fast on two cores.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

from confluent_kafka import Producer
from tests.benchmarks.bench_streams import close_first_day, counted
from tests.benchmarks.stream_contenders import SOURCE, Bench, Service, Speed, measured, progress
from tests.benchmarks.stream_history import MARKETPLACE, History, history, insist, publish, publisher
from tests.benchmarks.usual_work import METHOD, Record

from greenlane.contracts.assessing import Owner
from greenlane.contracts.quick.assessing import find
from greenlane.contracts.topics import ASSESSMENTS, declared_topics
from greenlane.operations import topic_provisioning
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.streaming.kafka.partitioner import partition_of

PARTITIONS_TRIED = (1, 4, 16)
WORKERS_TRIED = (1, 2)
ALMOST = 0.999
Keyed = tuple[bytes, bytes]


def assessments(past: History) -> list[Keyed]:
    """Key and value of what both scorers say of the history."""
    appended_ms = int(time.time() * 1000)
    records = [Record(SOURCE, 0, 0, appended_ms, item.key, item.value, item.headers) for item in past.records]
    found = [find(record, owner, METHOD) for record in records for owner in get_args(Owner)]
    return [(item.key, item.value) for item in found if item is not None]


def scorer_speed(bench: Bench, workers: int, copies: int) -> Speed:
    """Events a second of so many packaging scorers together."""
    with ExitStack() as running:
        services = started(running, bench, "packaging_scorer", workers)
        done, producer = counted(bench, ASSESSMENTS, bench.packaging_share), publisher(bench.servers)
        events = sum(publish(producer, SOURCE, bench.past.copy(number)) for number in range(copies))
        return measured(services, done, ALMOST * events)


def aggregator_speed(bench: Bench, workers: int, said: Iterable[Keyed], copies: int) -> Speed:
    """Assessments a second of so many aggregators together."""
    close_first_day(bench)
    with ExitStack() as running:
        services = started(running, bench, "aggregator", workers)
        before = sum(service.done() for service in services)
        events = append(publisher(bench.servers), bench.partitions, said, copies)
        return measured(services, lambda: sum(service.done() for service in services) - before, ALMOST * events)


def append(producer: Producer, partitions: int, said: Iterable[Keyed], copies: int) -> int:
    """Append the assessments so many times, each time of other parcels."""
    count = 0
    for number in range(copies):
        for key, value in said:
            renamed = value.replace(b'"parcel_id":"', b'"parcel_id":"c%d-' % number)
            producer.produce(
                ASSESSMENTS, key=key, value=renamed, partition=partition_of(key, partitions), on_delivery=insist
            )
            count += 1
            if not count % 1000:
                producer.poll(0)
    producer.flush()
    return count


def started(running: ExitStack, bench: Bench, name: str, workers: int) -> list[Service]:
    """So many workers of a service, all of them ready."""
    services = [
        running.enter_context(bench.service(name, GREENLANE_INSTANCE=str(number), GREENLANE_LOG_LEVEL="WARNING"))
        for number in range(workers)
    ]
    for service in services:
        service.wait_ready()
    return services


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--distinct", type=int, default=25_000)
    arguments = parser.parse_args()
    past, figures = history(arguments.distinct, 2_000), dict[str, float]()
    said, copies = assessments(past), max(1, arguments.events // arguments.distinct)
    for partitions in PARTITIONS_TRIED:
        for workers in WORKERS_TRIED:
            if workers > partitions:
                continue
            with (
                tempfile.TemporaryDirectory(prefix="greenlane-bench-", ignore_cleanup_errors=True) as folder,
                EmbeddedKafka(Path(folder)) as kafka,
            ):
                topic_provisioning.apply(kafka.bootstrap_servers, declared_topics([MARKETPLACE]), partitions, 1)
                bench = Bench(kafka.bootstrap_servers, Path(folder), past, None, partitions)
                speeds = {"aggregator": aggregator_speed(bench, workers, said, copies)}
                speeds["scorer"] = scorer_speed(bench, workers, copies)
            for stage, speed in speeds.items():
                place = f"{stage}_{partitions}_partitions_{workers}_workers"
                progress(f"{place}: {speed.per_second:,.0f} events/s, {speed.cpu:.1f} CPU s per million")
                figures[f"{place}_events_per_second"] = round(speed.per_second)
                figures[f"{place}_cpu_seconds_per_million"] = round(speed.cpu, 1)
    sys.stdout.write(json.dumps(figures | {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}) + "\n")


if __name__ == "__main__":
    main()
