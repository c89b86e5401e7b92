"""From Kafka append of an event to the arrival of the score that contains it, at a fixed rate."""

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from itertools import chain, count
from typing import Self

import orjson
from kafka import KafkaConsumer
from tests.benchmarks.stream_history import History, publisher

from greenlane.contracts.topics import SELLER_SCORES

_NEW_SELLERS = "new-"
_PATIENCE = 120.0


class Arrivals:
    """The scores of new sellers as a committed reader gets them: per seller (sequence, milliseconds)."""

    def __init__(self, servers: str) -> None:
        self.seen: defaultdict[bytes, list[tuple[int, float]]] = defaultdict(list)
        self.ready, self._stop = threading.Event(), threading.Event()
        self._servers = servers
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        self.ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        consumer = KafkaConsumer(
            SELLER_SCORES,
            bootstrap_servers=self._servers,
            group_id=None,
            auto_offset_reset="latest",
            isolation_level="read_committed",
        )
        while not consumer.assignment():
            consumer.poll(timeout_ms=50)
        for place in consumer.assignment():
            consumer.position(place)
        self.ready.set()
        while not self._stop.is_set():
            fetched = consumer.poll(timeout_ms=20)
            now = time.time() * 1000
            for record in chain.from_iterable(fetched.values()):
                seller = record.key.rpartition(b"/")[2]
                if seller.startswith(_NEW_SELLERS.encode()):
                    self.seen[seller].append((orjson.loads(record.value)["data"]["sequence"], now))
        consumer.close()


def latencies(servers: str, topic: str, past: History, rate: int, seconds: float) -> list[float]:
    """Milliseconds for each event, sorted; a seller's n-th event is in the first score of sequence n or more."""
    appended: defaultdict[bytes, list[float]] = defaultdict(list)
    producer = publisher(servers)

    def note(error: object, message: object) -> None:
        if error is None:
            appended[message.key()].append(float(message.timestamp()[1]))  # type: ignore[attr-defined] # untyped client

    records = chain.from_iterable(past.copy(10_000 + n, sellers=_NEW_SELLERS) for n in count())
    with Arrivals(servers) as arrivals:
        started, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - started) < seconds:
            while sent < rate * elapsed:
                record = next(records)
                producer.produce(
                    topic, key=record.key, value=record.value, headers=list(record.headers), on_delivery=note
                )
                sent += 1
            producer.poll(0.005)
        producer.flush()
        deadline = time.monotonic() + _PATIENCE
        while any(_latest(arrivals.seen[seller]) < len(moments) for seller, moments in appended.items()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not every event was in a score {_PATIENCE:.0f} s after the last")
            time.sleep(0.1)
    took: list[float] = []
    for seller, moments in appended.items():
        scores = sorted(arrivals.seen[seller])
        for number, moment in enumerate(sorted(moments), 1):
            took.append(scores[bisect_left(scores, (number, 0.0))][1] - moment)
    return sorted(took)


def _latest(scores: list[tuple[int, float]]) -> int:
    return max((sequence for sequence, _ in scores), default=0)
