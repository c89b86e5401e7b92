"""The batch engine on a real Kafka, without a state: everything arrives; what is committed was processed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.streaming.harness import Log, Worker, until

from greenlane.contracts.dead_letters import DeadLetter
from greenlane.contracts.topics import DEAD_LETTERS

Start = Callable[..., Worker]


@pytest.fixture
def options(log: Log, topics: Callable[..., str]) -> dict[str, Any]:
    source = topics("source", 1)
    return {
        "kind": "double",
        "group_id": f"group-{source}",
        "bootstrap_servers": log.bootstrap_servers,
        "topics": [source],
        "partitions": 1,
        "effects": topics("effects", 2),
        "session_timeout": 10,
        "commit_interval": 0.1,
        "max_batch": 100,
    }


def numbers(first: int, last: int) -> list[tuple[bytes, bytes]]:
    return [(b"k%d" % (number % 7), b"%d" % number) for number in range(first, last)]


def values(log: Log, topic: str) -> list[int]:
    return sorted(int(record.value) for record in log.read(topic))


def is_committed(log: Log, options: dict[str, Any], offset: int) -> Callable[[], bool]:
    return lambda: log.committed(options["group_id"], options["topics"][0]) == offset


def test_every_record_leads_to_its_output_and_the_commit_reaches_the_end(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    log.append(options["topics"][0], numbers(0, 1000))
    worker = start(options)
    worker.until(is_committed(log, options, 1000), "1000 committed")
    log.append(options["topics"][0], numbers(1000, 1500))
    worker.until(is_committed(log, options, 1500), "1500 committed")
    assert worker.terminate() == 0
    assert values(log, options["effects"]) == [2 * number for number in range(1500)]
    by_key: dict[bytes, list[int]] = {record.key: [] for record in log.read(options["effects"])}
    for record in log.read(options["effects"]):
        by_key[record.key].append(int(record.value))
    assert all(in_order == sorted(in_order) for in_order in by_key.values())


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_partition_that_starts_with_few_records_still_commits(
    log: Log, start: Start, options: dict[str, Any], first: int
) -> None:
    worker = start(options)
    worker.until(lambda: worker.said("ready") != [], "ready")
    log.append(options["topics"][0], numbers(0, first))
    worker.until(is_committed(log, options, first), "the first records committed")
    log.append(options["topics"][0], numbers(first, 300))
    worker.until(is_committed(log, options, 300), "all committed")


def test_sigterm_commits_exactly_what_was_processed_and_the_next_worker_continues_there(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    log.append(options["topics"][0], numbers(0, 20_000))
    slow = options | {"commit_interval": 60}
    worker = start(slow)
    worker.until(lambda: len(worker.said("done")) > 3, "a few batches")
    assert worker.terminate() == 0
    assert log.committed(options["group_id"], options["topics"][0]) == worker.said("done")[-1]["next"]
    worker = start(options)
    worker.until(is_committed(log, options, 20_000), "all committed")
    assert worker.terminate() == 0
    assert values(log, options["effects"]) == [2 * number for number in range(20_000)]


def test_transaction_markers_are_counted_as_holes_and_aborted_records_never_arrive(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    source = options["topics"][0]
    log.append_transaction(source, [b"1", b"2", b"3"])
    log.append_transaction(source, [b"1000", b"2000"], commit=False)
    log.append_transaction(source, [b"4"])
    log.append(source, numbers(5, 7))
    worker = start(options)
    worker.until(is_committed(log, options, log.end(source)), "committed past the holes")
    log.append_transaction(source, [b"7"])
    worker.until(is_committed(log, options, log.end(source) - 1), "committed up to the last marker")
    assert worker.terminate() == 0
    again = start(options)
    log.append_transaction(source, [b"8"])
    again.until(is_committed(log, options, log.end(source) - 1), "committed past the marker it started at")
    assert again.terminate() == 0
    assert values(log, options["effects"]) == [2, 4, 6, 8, 10, 12, 14, 16]
    assert sum(hole["count"] for hole in worker.said("hole") + again.said("hole")) > 0


@pytest.mark.parametrize("aborted", [0, 3])
def test_a_source_that_begins_with_one_record_and_a_marker_is_committed(
    log: Log, start: Start, options: dict[str, Any], aborted: int
) -> None:
    source = options["topics"][0]
    log.append_transaction(source, [b"1"])
    if aborted:
        log.append_transaction(source, [b"1000"] * aborted, commit=False)
    log.append(source, numbers(2, 50))
    worker = start(options)
    worker.until(is_committed(log, options, log.end(source)), "committed past the marker behind offset 0")
    assert worker.terminate() == 0
    assert values(log, options["effects"]) == [2 * number for number in range(1, 50)]


def test_a_poison_record_and_one_with_too_large_an_output_become_dead_letters_and_their_neighbours_stay_whole(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    source = options["topics"][0]
    records = [(b"k", b"1"), (b"k", b"poison"), (b"k", b"2"), (b"k", b"huge"), (b"k", b"not a number"), (b"k", b"3")]
    log.append(source, records)
    worker = start(options)
    worker.until(is_committed(log, options, 6), "all committed")
    assert worker.terminate() == 0
    assert values(log, options["effects"]) == [2, 4, 6]
    letters = [DeadLetter.model_validate_json(record.value).data for record in log.read(DEAD_LETTERS)]
    ours = {item.origin.offset: item for item in letters if item.origin.topic == source}
    assert {offset: item.failure.code for offset, item in ours.items()} == {
        1: "not_json",
        3: "output_too_large",
        4: "unexpected_error",
    }
    assert ours[1].raw() == b"poison"
    assert "not a number" not in worker.text()


def test_partitions_move_between_workers_and_every_record_is_processed_once(
    log: Log, start: Start, options: dict[str, Any], topics: Callable[..., str]
) -> None:
    source = topics("source", 4)
    options |= {"topics": [source], "partitions": 4}

    def committed_everywhere(count: int) -> Callable[[], bool]:
        return lambda: all(log.committed(options["group_id"], source, number) == count for number in range(4))

    def feed(first: int, last: int) -> None:
        for number in range(4):
            log.append(source, [(b"k", b"%d" % (4 * n + number)) for n in range(first, last)], number)

    feed(0, 100)
    one = start(options)
    one.until(committed_everywhere(100), "the first worker has all")
    two = start(options)
    two.until(lambda: [len(given) for given in two.said("assigned")][-1:] == [2], "the second has two partitions")
    feed(100, 200)
    two.until(committed_everywhere(200), "both go on")
    assert one.terminate() == 0
    two.until(lambda: len(two.said("assigned")[-1]) == 4, "the second has all partitions")
    feed(200, 300)
    two.until(committed_everywhere(300), "the second has all")
    assert two.terminate() == 0
    assert values(log, options["effects"]) == [2 * number for number in range(1200)]


def test_a_third_scorer_takes_forty_lines(log: Log, topics: Callable[..., str]) -> None:
    source, scores = topics("source"), topics("scores")
    scorer = Path(__file__).with_name("toy_scorer.py")
    assert len([line for line in scorer.read_text().splitlines() if line.strip()]) <= 40
    log.append(source, [(b"seller", b"250"), (b"seller", b"heavy"), (b"seller", b"1200")])
    process = subprocess.Popen([sys.executable, str(scorer), log.bootstrap_servers, source, scores])
    try:
        until(lambda: log.committed(f"weight-{source}", source) == 3, "all three committed")
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert [json.loads(record.value) for record in log.read(scores)] == [{"g": 250}, {"g": 1200}]
