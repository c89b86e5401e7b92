"""From Kafka append of an event to the arrival of the score that contains it, at a fixed rate."""

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from itertools import chain, count, islice
from typing import Self

import orjson
from confluent_kafka import Consumer, TopicPartition
from tests.benchmarks.stream_history import History, publisher

from greenlane.contracts.topics import SELLER_SCORES

_NEW_SELLERS = "new-"
_PATIENCE = 120.0
_POLL_SECONDS = 0.002


class Arrivals:
    """The scores of new sellers as a committed reader gets them: per seller (sequence, milliseconds).

    They are only read while events are published, and looked into afterwards, lest the measuring costs time.
    """

    def __init__(self, servers: str) -> None:
        self._fetched: list[tuple[float, bytes, bytes]] = []
        self._read_until = 0
        self._seen: defaultdict[bytes, list[tuple[int, float]]] = defaultdict(list)
        self._stop = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": "bench-latency",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10,
            }
        )
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        partitions = self._consumer.list_topics(SELLER_SCORES).topics[SELLER_SCORES].partitions
        places = [TopicPartition(SELLER_SCORES, number) for number in partitions]
        ends = [self._consumer.get_watermark_offsets(place)[1] for place in places]
        self._consumer.assign(
            [TopicPartition(SELLER_SCORES, number, end) for number, end in zip(partitions, ends, strict=True)]
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def scores(self) -> dict[bytes, list[tuple[int, float]]]:
        """What has come so far."""
        end = len(self._fetched)
        for moment, key, value in self._fetched[self._read_until : end]:
            seller = key.rpartition(b"/")[2]
            if seller.startswith(_NEW_SELLERS.encode()):
                self._seen[seller].append((orjson.loads(value)["data"]["sequence"], moment))
        self._read_until = end
        return self._seen

    def _read(self) -> None:
        while not self._stop.is_set():
            messages = self._consumer.consume(1000, _POLL_SECONDS)
            now = time.time() * 1000
            self._fetched += [(now, message.key(), message.value()) for message in messages if not message.error()]


def latencies(servers: str, topic: str, past: History, rate: int, seconds: float) -> list[float]:
    """Milliseconds for each event, sorted; a seller's n-th event is in the first score of sequence n or more."""
    appended: defaultdict[bytes, list[float]] = defaultdict(list)
    producer = publisher(servers)

    def note(error: object, message: object) -> None:
        if error is None:
            appended[message.key()].append(float(message.timestamp()[1]))  # type: ignore[attr-defined] # untyped client

    copies = chain.from_iterable(past.copy(10_000 + n, sellers=_NEW_SELLERS) for n in count())
    records = list(islice(copies, int(rate * seconds)))
    with Arrivals(servers) as arrivals:
        started, sent = time.monotonic(), 0
        while sent < len(records):
            due = min(len(records), int(rate * (time.monotonic() - started)))
            for record in records[sent:due]:
                producer.produce(
                    topic, key=record.key, value=record.value, headers=list(record.headers), on_delivery=note
                )
            sent = max(sent, due)
            producer.poll(_POLL_SECONDS)
            time.sleep(_POLL_SECONDS)
        producer.flush()
        deadline = time.monotonic() + _PATIENCE
        while any(_latest(arrivals.scores()[seller]) < len(moments) for seller, moments in appended.items()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not every event was in a score {_PATIENCE:.0f} s after the last")
            time.sleep(0.1)
        scores = arrivals.scores()
    took: list[float] = []
    for seller, moments in appended.items():
        stated = sorted(scores[seller])
        for number, moment in enumerate(sorted(moments), 1):
            took.append(stated[bisect_left(stated, (number, 0.0))][1] - moment)
    return sorted(took)


def _latest(scores: list[tuple[int, float]]) -> int:
    return max((sequence for sequence, _ in scores), default=0)
