"""The partition store on a real Kafka: no kill, duplicate, rival or damage makes a state say anything but the truth."""

import json
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.streaming.harness import Log, Traffic, Worker, check, rows, until

from greenlane.streaming import EXIT_CODE

Start = Callable[..., Worker]
FAILPOINTS = [("before", 2), ("written", 3), ("committed", 2), ("written", 2), ("committed", 4)]


@pytest.fixture(params=["memory", "disk"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    return str(tmp_path / "states") if request.param == "disk" else None


@pytest.fixture
def options(log: Log, topics: Callable[..., str], folder: str | None) -> dict[str, Any]:
    source = topics("source", 1)
    return {
        "kind": "sums",
        "group_id": f"group-{source}",
        "bootstrap_servers": log.bootstrap_servers,
        "topics": [source],
        "partitions": 1,
        "effects": topics("effects", 2),
        "changelog": topics("changelog", 1, **{"cleanup.policy": "compact"}),
        "instance": "the-worker",
        "session_timeout": 10,
        "commit_interval": 0.1,
        "max_batch": 50,
        "folder": folder,
    }


def finish(log: Log, start: Start, options: dict[str, Any], traffic: Traffic) -> Worker:
    worker = start(options)
    worker.until(
        lambda: log.committed(options["group_id"], options["topics"][0]) == traffic.sent, "everything committed"
    )
    assert worker.terminate() == 0
    return worker


@pytest.mark.parametrize("seed", [7])
def test_killed_at_every_failpoint_and_at_random_the_state_and_the_effects_are_as_if_undisturbed(
    log: Log, start: Start, options: dict[str, Any], seed: int
) -> None:
    traffic, chance = Traffic(seed), random.Random(seed)  # noqa: S311 - a test's seed, not a secret
    for point in FAILPOINTS:
        log.append(options["topics"][0], traffic.records(400))
        assert start(options, die_at=point).ended() == -signal.SIGKILL
    for _ in range(2):
        log.append(options["topics"][0], traffic.records(2000))
        worker, batches = start(options), chance.randrange(1, 12)
        worker.until(lambda worker=worker, batches=batches: len(worker.said("done")) >= batches, "some batches")  # type: ignore[misc] # bound now, not at the end of the loop
        worker.signal(signal.SIGKILL)
        worker.ended()
    finish(log, start, options, traffic)
    check(log, options, traffic)


def test_a_state_that_takes_few_records_at_a_time_is_given_the_rest_and_kills_in_between_change_nothing(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    traffic, few = Traffic(5), options | {"takes": 7}
    log.append(options["topics"][0], traffic.records(400))
    for point in (("committed", 2), ("written", 3)):
        assert start(few, die_at=point).ended() == -signal.SIGKILL
    worker = finish(log, start, few, traffic)
    assert sum(done["count"] for done in worker.said("replayed")) > 0
    check(log, options, traffic)


def test_stopped_by_sigterm_again_and_again_it_commits_what_it_processed_and_replays_nothing(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    traffic = Traffic(11)
    for _ in range(3):
        log.append(options["topics"][0], traffic.records(3000))
        worker = start(options, commit_interval=60)
        worker.until(lambda worker=worker: len(worker.said("done")) > 2, "some batches")  # type: ignore[misc] # bound now, not at the end of the loop
        assert worker.terminate() == 0
        committed = log.committed(options["group_id"], options["topics"][0])
        assert committed == worker.said("done")[-1]["next"]
        assert worker.said("replayed") == []
    assert finish(log, start, options, traffic).said("replayed") == []
    check(log, options, traffic)


def test_what_a_writer_took_back_is_passed_over_and_what_it_committed_is_not(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    source = options["topics"][0]
    log.append(source, [(b"s", b"a:1"), (b"s", b"b:1"), (b"s", b"c:1")])
    log.append_transaction(source, [b"d:1"])
    log.append_transaction(source, [b"x:1", b"y:1"], commit=False)
    log.append(source, [(b"s", b"e:1")])
    log.append_transaction(source, [b"z:1"], commit=False)
    log.append(source, [(b"s", b"f:1")])
    worker = start(options)
    until(lambda: (log.committed(options["group_id"], source) or 0) >= 12, worker.text)
    assert worker.process.poll() is None
    keys = {record.key for record in log.read(options["effects"])}
    assert keys == {b"a", b"b", b"c", b"d", b"e", b"f"}


def test_records_removed_before_they_were_processed_end_the_process(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    traffic, source = Traffic(3), options["topics"][0]
    log.append(source, traffic.records(200))
    finish(log, start, options, traffic)
    log.append(source, traffic.records(200))
    log.delete_before(source, 300)
    worker = start(options)
    assert worker.ended() == EXIT_CODE
    assert "expected offset 200, got 300" in worker.text()


def test_a_row_that_cannot_be_read_back_refuses_the_start_and_is_named(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    traffic = Traffic(5)
    log.append(options["topics"][0], traffic.records(100))
    finish(log, start, options, traffic)
    damaged = log.end(options["changelog"])
    log.append(options["changelog"], [(b"sseller3", b"not a number")])
    log.append(options["topics"][0], traffic.records(100))
    worker = start(options)
    assert worker.ended() == EXIT_CODE
    place = f"@{damaged}" if options["folder"] is None else ""
    assert f"{options['changelog']}[0]{place} key b'sseller3': the row cannot be read back" in worker.text()
    assert log.committed(options["group_id"], options["topics"][0]) == 100


def test_a_lost_changelog_refuses_the_start(
    log: Log, start: Start, options: dict[str, Any], topics: Callable[..., str]
) -> None:
    traffic = Traffic(5)
    log.append(options["topics"][0], traffic.records(100))
    finish(log, start, options, traffic)
    worker = start(options, changelog=topics("changelog"))
    assert worker.ended() == EXIT_CODE
    assert "committed up to 100" in worker.text()


def test_a_source_that_was_created_anew_refuses_the_start(
    log: Log, start: Start, options: dict[str, Any], topics: Callable[..., str]
) -> None:
    traffic = Traffic(5)
    log.append(options["topics"][0], traffic.records(100))
    finish(log, start, options, traffic)
    worker = start(options, topics=[topics("source")])
    assert worker.ended() == EXIT_CODE
    assert "created anew" in worker.text()


def test_a_stopped_and_resumed_owner_is_shut_out_and_changes_nothing(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    traffic, source = Traffic(13), options["topics"][0]
    log.append(source, traffic.records(20_000))
    options["session_timeout"] = 3
    zombie = start(options, instance="first", max_batch=20, folder=options["folder"] and f"{options['folder']}-first")
    zombie.until(lambda: len(zombie.said("done")) > 5, "the first owner is in the middle of it")
    zombie.signal(signal.SIGSTOP)
    heir = start(options, instance="second")
    heir.until(lambda: log.committed(options["group_id"], source) == traffic.sent, "the second owner finished")
    zombie.signal(signal.SIGCONT)
    assert zombie.ended() == EXIT_CODE
    log.append(source, traffic.records(500))
    heir.until(lambda: log.committed(options["group_id"], source) == traffic.sent, "the second owner goes on")
    assert heir.terminate() == 0
    check(log, options, traffic)


def test_states_move_with_their_partitions(
    log: Log, start: Start, options: dict[str, Any], topics: Callable[..., str]
) -> None:
    source, changelog = topics("source", 4), topics("changelog", 4)
    options |= {"topics": [source], "changelog": changelog, "partitions": 4, "instance": None}
    streams = [Traffic(number) for number in range(4)]

    def feed(count: int) -> Callable[[], bool]:
        for number, traffic in enumerate(streams):
            records = [(key, b"%d-%s" % (number, value)) for key, value in traffic.records(count)]
            log.append(source, records, number)
        return lambda: all(
            log.committed(options["group_id"], source, number) == traffic.sent for number, traffic in enumerate(streams)
        )

    one = start(options)
    one.until(feed(200), "the first worker has all")
    two = start(options, folder=options["folder"] and f"{options['folder']}-two")
    two.until(lambda: [len(given) for given in two.said("assigned")][-1:] == [2], "two partitions moved")
    two.until(feed(200), "both go on")
    one.until(lambda: one.said("ready")[-1:] == ["processing"], "the first is ready again")
    assert two.terminate() == 0
    one.until(lambda: len(one.said("assigned")[-1]) == 4, "all partitions moved back")
    one.until(feed(200), "the first has all")
    assert one.terminate() == 0
    found = log.read(changelog)
    for number, traffic in enumerate(streams):
        state = rows(record for record in found if record.partition == number)
        assert {key[1:]: int(value) for key, value in state.items() if key[:1] == b"s"} == traffic.sums
        assert int(state[b"n"]) == traffic.sent
    effects = Counter(record.key for record in log.read(options["effects"]))
    wanted = {b"%d-%s" % (number, name) for number, traffic in enumerate(streams) for name in traffic.ids}
    assert effects == Counter(dict.fromkeys(wanted, 1))


def test_the_meta_row_says_how_far_the_state_has_come(log: Log, start: Start, options: dict[str, Any]) -> None:
    traffic = Traffic(2)
    log.append(options["topics"][0], traffic.records(120))
    finish(log, start, options, traffic)
    meta = [json.loads(record.value) for record in log.read(options["changelog"]) if record.key == b"\x00meta"]
    stores = {item.pop("store") for item in meta}
    topics = {item.pop("topic") for item in meta}
    assert len(stores) == len(topics) == 1
    assert meta[-1] == {"applied": 119, "partitions": 1, "format": 1}


def test_a_start_with_a_copy_on_disk_reads_only_what_came_after_it(
    log: Log, start: Start, options: dict[str, Any], folder: str | None
) -> None:
    traffic = Traffic(17)
    log.append(options["topics"][0], traffic.records(1000))
    finish(log, start, options, traffic)
    log.append(options["topics"][0], traffic.records(10))
    again = finish(log, start, options, traffic)
    rows = again.said("loaded")[0]["rows"]
    assert rows == 1 if folder else rows > 600
    check(log, options, traffic)


@pytest.mark.parametrize("folder", ["disk"], indirect=True)
def test_a_copy_on_disk_of_a_state_that_was_made_anew_is_not_used(
    log: Log, start: Start, options: dict[str, Any], topics: Callable[..., str]
) -> None:
    traffic = Traffic(19)
    log.append(options["topics"][0], traffic.records(300))
    finish(log, start, options, traffic)
    copy = Path(options["folder"])
    anew = options | {"group_id": "anew", "changelog": topics("changelog", 1), "effects": topics("effects", 2)}
    (copy / f"{options['changelog']}-0").rename(copy / f"{anew['changelog']}-0")
    finish(log, start, anew, traffic)
    check(log, anew, traffic)


@pytest.mark.parametrize("folder", ["disk"], indirect=True)
def test_a_torn_copy_on_disk_is_made_anew_and_the_state_is_the_same(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    traffic = Traffic(23)
    log.append(options["topics"][0], traffic.records(2000))
    finish(log, start, options, traffic)
    for table in Path(options["folder"]).rglob("*.sst"):
        table.write_bytes(table.read_bytes()[:-100])
    log.append(options["topics"][0], traffic.records(500))
    finish(log, start, options, traffic)
    check(log, options, traffic)
