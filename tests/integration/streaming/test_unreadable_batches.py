"""Compressed batches are read everywhere, and no batch that cannot be decoded stops the records behind it."""

import asyncio
import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from kafka import KafkaProducer
from tests.integration.streaming.hand_made_batches import (
    append,
    batch,
    compressed,
    lay_into_log,
    record,
    records,
    varint,
)
from tests.integration.streaming.harness import Log, Worker, workers

from greenlane.contracts.dead_letters import DeadLetter
from greenlane.contracts.topics import DEAD_LETTERS
from greenlane.contracts.unreadable import Unreadable
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.topics_reader import TopicsReader

BOMB = record(0, b"0" * (200 << 20))
MOST_MEMORY_KIB = 400_000

SENT = {
    "four codecs": [compressed([b"%d" % codec], codec) for codec in (1, 2, 3, 4)],
    "a gzip bomb": [batch(gzip.compress(BOMB), 1, 1)],
    "a zstd bomb": [batch(zstandard.compress(BOMB), 1, 4)],
    "a crowd": [batch(gzip.compress(b"".join(record(delta, b"") for delta in range(70_000))), 70_000, 1)],
    "a header name that is no text": [batch(record(0, b"5", [(b"\xff\xfe", b"x")]), 1)],
    "two gzip members and a trailer": [
        batch(gzip.compress(record(0, b"6")) + gzip.compress(record(1, b"7")) + b"x", 2, 1)
    ],
    "the last": [compressed([b"8"], 4)],
}
"""What a broker takes over the wire."""

SENT_VALUES = [1, 2, 3, 4, 5, 6, 7, 8]
SENT_LETTERS = [(4, 4), (5, 5), (6, 70_005)]
END = 70_010


def laid(base: int) -> list[bytes]:
    """What only a damaged disk or an older broker holds: one good batch before and behind it."""
    damaged = [
        compressed([b"1"], 4, base),
        batch(b"garbage garbage", 3, 4, base + 1),
        batch(b"garbage garbage", 1, 1, base + 4),
        batch(records([b"2"]), 1, 0, base + 5, spoil=1),
        batch(b"", 0, 0, base + 6),
        batch(records([b"3"]), 1, 6, base + 7),
        batch(records([b"4", b"5"]), 3, 0, base + 8),
        batch(records([b"6"]) + varint(9) + b"damaged..", 2, 0, base + 11),
    ]
    return [*damaged, compressed([b"7"], 3, base + 13)]


LAID_VALUES = [1, 4, 5, 6, 7]
LAID_LETTERS = [(1, 3), (4, 4), (5, 5), (7, 7), (10, 10), (12, 12)]
LAID_END = 14


@pytest.fixture(scope="module")
def broker() -> Iterator[tuple[EmbeddedKafka, Path]]:
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as server,
    ):
        yield server, Path(folder)


@pytest.fixture(scope="module")
def filled(broker: tuple[EmbeddedKafka, Path]) -> Iterator[Log]:
    """A broker with both kinds of batches in the topics `sent`, `laid` and `folded`, which are 0.25 MB at most each."""
    server, folder = broker
    log = Log(server.bootstrap_servers)
    for topic in ("sent", "laid", "folded", "effects-sent", "effects-laid", "effects-folded", DEAD_LETTERS, "rows"):
        log.create(topic, 1)
    for name, batches in SENT.items():
        for made in batches:
            assert asyncio.run(append(server.bootstrap_servers, "sent", made)) == "NoError", name
    log.append("laid", [(b"k", b"0")])
    log.append("folded", [(b"k", b"id0:1")])
    log.close()
    port = int(server.bootstrap_servers.rpartition(":")[2])
    server.stop()
    lay_into_log(folder, "laid", laid(1))
    good, bad = compressed([b"id1:10", b"id2:100"], 4, 1), batch(b"garbage garbage", 4, 1, 3)
    lay_into_log(folder, "folded", [good, bad, compressed([b"id3:1000"], 2, 7)])
    server._port = port
    server.start()
    log = Log(server.bootstrap_servers)
    yield log
    log.close()


def options(log: Log, topic: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "double",
        "group_id": f"group-{topic}",
        "bootstrap_servers": log.bootstrap_servers,
        "topics": [topic],
        "partitions": 1,
        "effects": f"effects-{topic}",
        "commit_interval": 0.1,
    } | more


def letters_of(log: Log, topic: str) -> list[DeadLetter]:
    letters = [DeadLetter.model_validate_json(item.value) for item in log.read(DEAD_LETTERS)]
    return [letter for letter in letters if letter.data.origin.topic == topic]


def worked(log: Log, start: Any, topic: str, end: int, **more: Any) -> Worker:
    chosen = options(log, topic, **more)
    worker: Worker = start(chosen)
    worker.until(lambda: log.committed(chosen["group_id"], topic) == end, f"{topic} committed up to {end}")
    assert most_memory_kib(worker) < MOST_MEMORY_KIB
    assert worker.terminate() == 0
    return worker


def most_memory_kib(worker: Worker) -> int:
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


@pytest.mark.parametrize(
    ("topic", "end", "first", "values", "lost"),
    [("sent", END, 0, SENT_VALUES, SENT_LETTERS), ("laid", 1 + LAID_END, 1, [0, *LAID_VALUES], LAID_LETTERS)],
)
def test_what_can_be_read_is_read_and_a_letter_names_the_rest(
    filled: Log, tmp_path: Path, topic: str, end: int, first: int, values: list[int], lost: list[tuple[int, int]]
) -> None:
    with workers(tmp_path) as start:
        worked(filled, start, topic, end)
    assert [int(item.value) for item in filled.read(f"effects-{topic}")] == [2 * value for value in values]
    letters = letters_of(filled, topic)
    assert {letter.data.failure.code for letter in letters} == {"unreadable_batch"}
    assert all(letter.data.raw_b64 is None for letter in letters)
    named = [f"offsets {first + low} to {first + high} " for low, high in lost]
    assert [
        next(iter(letter.data.failure.messages)).message[: len(name)]
        for letter, name in zip(letters, named, strict=True)
    ] == named
    assert [letter.data.origin.offset for letter in letters] == [first + high for _, high in lost]


def test_a_state_goes_on_behind_offsets_that_nobody_can_read(filled: Log, tmp_path: Path) -> None:
    with workers(tmp_path) as start:
        worked(filled, start, "folded", 8, kind="sums", changelog="rows")
    assert [letter.data.origin.offset for letter in letters_of(filled, "folded")] == [6]
    assert [item.value for item in filled.read("effects-folded")] == [b"1", b"10", b"100", b"1000"]


@pytest.mark.parametrize(("topic", "values"), [("sent", SENT_VALUES), ("laid", [0, 1, 2, 4, 5, 6, 7])])
def test_the_oracle_reads_the_same(filled: Log, topic: str, values: list[int]) -> None:
    with TopicsReader(filled.bootstrap_servers, [topic], lambda *_: None, stall_seconds=20) as reader:
        found = list(reader.records(topic))
    assert [int(item.value or b"") for item in found if not isinstance(item.value, Unreadable)] == values


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_plain_client_of_each_codec_is_read_by_a_worker_and_by_the_oracle(
    filled: Log, tmp_path: Path, codec: str
) -> None:
    filled.create(f"by-{codec}", 1)
    filled.create(f"effects-by-{codec}", 1)
    producer = KafkaProducer(bootstrap_servers=filled.bootstrap_servers, compression_type=codec, linger_ms=50)
    for number in range(200):
        producer.send(f"by-{codec}", b"%d" % number, key=b"k")
    producer.close()
    with workers(tmp_path) as start:
        worked(filled, start, f"by-{codec}", 200)
    assert [int(item.value) for item in filled.read(f"effects-by-{codec}")] == [2 * number for number in range(200)]
    with TopicsReader(filled.bootstrap_servers, [f"by-{codec}"], lambda *_: None, stall_seconds=20) as reader:
        assert len(list(reader.records(f"by-{codec}"))) == 200
