"""Scorer, aggregator and the whole stream on a real Kafka, beside the same work written the usual way.

`make bench-streams`; the last line is one JSON object. Every contender reads the same records with one worker. Figures
are events read per second of the clock, from a contender's first output to its last, and its own CPU seconds per
million of them. All share this machine with the broker and with whatever else runs there: ratios within one run mean
something elsewhere, those of CPU seconds (`..._cpu_...`) even when the machine is busy.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.stream_contenders import (
    PARTITIONS,
    PATIENCE,
    SOURCE,
    TICK,
    Bench,
    Service,
    Speed,
    progress,
    quix_python,
)
from tests.benchmarks.stream_history import MARKETPLACE, history, publish, publisher
from tests.benchmarks.stream_latency import latencies
from tests.benchmarks.stream_plot import draw

from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, ASSESSMENTS, declared_topics
from greenlane.operations import topic_provisioning
from greenlane.operations.embedded import EmbeddedKafka

SERVICES = ("packaging_scorer", "delivery_scorer", "aggregator")
FEED_AHEAD = 60_000
LATENCY_RATE = 2_000


def scorers(bench: Bench, events: int, slow: int) -> dict[str, Speed]:
    """The packaging scorer and its contenders on the whole history, the slow ones on a part of it."""
    speeds: dict[str, Speed] = {}
    with bench.service("packaging_scorer") as service:
        speeds["greenlane"] = service.measured(counted(bench, ASSESSMENTS, bench.packaging_share), 0.999 * events)
    show("scorer", "greenlane", speeds["greenlane"])
    for kind, most in (
        ("faust", slow),
        ("faust_unacknowledged", slow),
        ("quix", events),
        ("confluent", events),
        ("aiokafka", events),
    ):
        output = f"bench-scorer-{kind}"
        with bench.usual(f"{kind}_scorer", SOURCE, output) as usual:
            done = counted(bench, output, bench.packaging_share)
            speeds[kind] = usual.measured(done, 0.999 * most)
        show("scorer", kind, speeds[kind])
    return speeds


def aggregators(bench: Bench, events: int, slow: int) -> dict[str, Speed]:
    """The aggregator and its contenders on the assessments that both scorers made of the history."""
    with bench.service("delivery_scorer") as service:
        service.measured(service.done, events)
    speeds: dict[str, Speed] = {}
    with bench.service("aggregator") as service:
        speeds["greenlane"] = service.measured(service.done, events)
    show("aggregator", "greenlane", speeds["greenlane"])
    for kind, most in (("faust", slow), ("quix", min(events, 10 * slow))):
        output = f"bench-aggregator-{kind}"
        with bench.usual(f"{kind}_aggregator", ASSESSMENTS, output) as usual:
            speeds[kind] = usual.measured(counted(bench, output, 1.0), 0.999 * most)
        show("aggregator", kind, speeds[kind])
    return speeds


def counted(bench: Bench, output: str, share: float) -> Callable[[], float]:
    """Events done from now on, told from the outputs: the given share of all events has one."""
    before = bench.end(output)
    return lambda: (bench.end(output) - before) / share


def show(stage: str, kind: str, speed: Speed) -> None:
    progress(f"{stage} {kind}: {speed.per_second:,.0f} events/s, {speed.cpu:.1f} CPU s per million")


def close_first_day(bench: Bench) -> None:
    """Close the day before the history in every partition, so that from now on open scores are stated."""
    day = bench.past.start - timedelta(days=1)
    value = DayClosed(marketplace=MARKETPLACE, first_day=day, last_day=day).model_dump_json().encode()
    producer = publisher(bench.servers)
    for partition in range(bench.partitions):
        producer.produce(ASSESSMENTS, key=b"close", value=value, partition=partition)
    producer.flush()


def end_to_end(bench: Bench, services: dict[str, Service], seconds: float) -> float:
    """Events a second through both scorers and the aggregator while a publisher stays ahead of them."""
    stop, appended = threading.Event(), [bench.end(SOURCE)]
    aggregator = services["aggregator"]
    base = aggregator.done()

    def feed() -> None:
        producer, number = publisher(bench.servers), 100
        published = 0
        while not stop.is_set():
            for record in bench.past.copy(number):
                while published - (aggregator_done[0] - base) > FEED_AHEAD and not stop.is_set():
                    producer.poll(TICK)
                producer.produce(SOURCE, key=record.key, value=record.value, headers=list(record.headers))
                published += 1
                if not published % 1000:
                    producer.poll(0)
                if stop.is_set():
                    break
            number += 1
        producer.flush()
        appended[0] += published

    aggregator_done = [base]
    feeder = threading.Thread(target=feed)
    feeder.start()
    while aggregator_done[0] - base < FEED_AHEAD / 4:
        time.sleep(0.1)
        aggregator_done[0] = aggregator.done()
    started, first = time.monotonic(), aggregator_done[0]
    while time.monotonic() - started < seconds:
        time.sleep(0.1)
        aggregator_done[0] = aggregator.done()
    rate = (aggregator_done[0] - first) / (time.monotonic() - started)
    stop.set()
    feeder.join()
    drained(services, appended[0])
    progress(f"end to end: {rate:,.0f} events/s over {seconds:.0f} s")
    return rate


def drained(services: dict[str, Service], appended: int) -> None:
    """Wait until everything that was appended has been assessed and accounted for."""
    deadline = time.monotonic() + PATIENCE
    while any(service.metric("next_offset") < appended for name, service in services.items() if name != "aggregator"):
        if time.monotonic() > deadline:
            raise RuntimeError("the scorers did not get to the end in time")
        time.sleep(0.1)
    last = -1.0
    while (now := services["aggregator"].done()) != last:
        last = now
        time.sleep(1.0)


def recovery(bench: Bench) -> dict[str, float]:
    """Read the aggregator's state back from its changelog alone."""
    records = bench.end(AGGREGATOR_CHANGELOG)
    with bench.service("aggregator") as service:
        service.wait_ready()
        seconds = service.metric("recovery_seconds_sum")  # partitions are loaded one after the other
        memory = service.memory_mb()
    progress(f"recovery: {records:,} records in {seconds:.2f} s, then {memory:.0f} MB")
    return {
        "recovery_records_per_second": round(records / seconds),
        "recovery_seconds": round(seconds, 2),
        "aggregator_memory_mb": round(memory),
    }


def measured(bench: Bench, arguments: argparse.Namespace) -> dict[str, Any]:
    """Every figure."""
    copies = max(1, arguments.events // len(bench.past.records))
    producer = publisher(bench.servers)
    events = sum(publish(producer, SOURCE, bench.past.copy(number)) for number in range(copies))
    close_first_day(bench)
    progress(f"{events:,} events of {len({record.key for record in bench.past.records}):,} sellers published")
    score = scorers(bench, events, arguments.slow)
    account = aggregators(bench, events, arguments.slow)
    figures: dict[str, Any] = {
        "events": events,
        "events_of_the_slowest": arguments.slow,
        "scorer_vs_faust": round(score["greenlane"].per_second / score["faust"].per_second, 1),
        "scorer_vs_faust_unacknowledged": round(
            score["greenlane"].per_second / score["faust_unacknowledged"].per_second, 1
        ),
        "scorer_vs_quix": round(score["greenlane"].per_second / score["quix"].per_second, 2),
        "aggregator_vs_faust": round(account["greenlane"].per_second / account["faust"].per_second, 1),
        "aggregator_vs_quix": round(account["greenlane"].per_second / account["quix"].per_second, 2),
        "scorer_cpu_vs_faust": round(score["faust"].cpu / score["greenlane"].cpu, 1),
        "scorer_cpu_vs_quix": round(score["quix"].cpu / score["greenlane"].cpu, 2),
        "aggregator_cpu_vs_faust": round(account["faust"].cpu / account["greenlane"].cpu, 1),
        "aggregator_cpu_vs_quix": round(account["quix"].cpu / account["greenlane"].cpu, 2),
        "scorer_cpu_vs_librdkafka": round(score["greenlane"].cpu / score["confluent"].cpu, 2),
    }
    for stage, speeds in (("scorer", score), ("aggregator", account)):
        for kind, speed in speeds.items():
            figures[f"{stage}_{kind}_events_per_second"] = round(speed.per_second)
            figures[f"{stage}_{kind}_cpu_seconds_per_million"] = round(speed.cpu, 1)
    with (
        bench.service(SERVICES[0]) as packaging,
        bench.service(SERVICES[1]) as delivery,
        bench.service(SERVICES[2]) as aggregator,
    ):
        services = dict(zip(SERVICES, (packaging, delivery, aggregator), strict=True))
        while not all(
            service.metric("next_offset") or '"ready": true' in service.get("/healthz/ready").replace(":true", ": true")
            for service in services.values()
        ):
            time.sleep(0.2)
        figures["end_to_end_events_per_second"] = round(end_to_end(bench, services, arguments.seconds))
        took = latencies(bench.servers, SOURCE, bench.past, LATENCY_RATE, arguments.latency_seconds)
        figures |= {f"latency_p{share}_ms": round(took[int(len(took) * share / 100)], 1) for share in (50, 99)}
        progress(f"latency at {LATENCY_RATE}/s: {figures['latency_p50_ms']} ms p50, {figures['latency_p99_ms']} ms p99")
        figures["scorer_memory_mb"] = round(packaging.memory_mb())
        figures["aggregator_running_memory_mb"] = round(aggregator.memory_mb())
    return figures | recovery(bench) | {"load": round(os.getloadavg()[0], 1), "cores": os.cpu_count()}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="events published beforehand")
    parser.add_argument("--distinct", type=int, default=25_000, help="distinct ones among them; the rest repeats them")
    parser.add_argument("--sellers", type=int, default=2_000)
    parser.add_argument("--slow", type=int, default=8_000, help="events for the slowest contenders")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the end-to-end run; 300 is the promise")
    parser.add_argument("--latency-seconds", type=float, default=15.0)
    parser.add_argument("--json", type=Path, help="file for the figures too; the plot is drawn beside it")
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    past = history(min(arguments.distinct, arguments.events), arguments.sellers)
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-bench-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as kafka,
    ):
        topic_provisioning.apply(kafka.bootstrap_servers, declared_topics([MARKETPLACE]), PARTITIONS, 1)
        figures = measured(Bench(kafka.bootstrap_servers, Path(folder), past, quix_python()), arguments)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        draw(figures, arguments.json)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
