"""Topics deleted, made anew, missing or given other partitions: nothing is skipped, no topic stops another."""

import signal
from collections.abc import Callable
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient
from tests.integration.streaming.harness import Log, Worker, until

Start = Callable[..., Worker]


@pytest.fixture
def options(log: Log, topics: Callable[..., str]) -> dict[str, Any]:
    sources = [topics("first"), topics("second")]
    return {
        "kind": "double",
        "group_id": f"group-{sources[0]}",
        "bootstrap_servers": log.bootstrap_servers,
        "topics": sources,
        "partitions": 1,
        "effects": topics("effects"),
        "session_timeout": 10,
        "commit_interval": 0.1,
        "topics_interval": 1,
    }


def numbers(first: int, last: int) -> list[tuple[bytes, bytes]]:
    return [(b"k", b"%d" % number) for number in range(first, last)]


def made_anew(log: Log, admin: KafkaAdminClient, topic: str, partitions: int = 1) -> None:
    admin.delete_topics([topic])
    until(lambda: topic not in admin.list_topics(), f"{topic} deleted")
    log.create(topic, partitions)


def effects(log: Log, options: dict[str, Any]) -> set[int]:
    return {int(record.value) // 2 for record in log.read(options["effects"])}


def all_of(log: Log, options: dict[str, Any], wanted: set[int]) -> Callable[[], bool]:
    return lambda: effects(log, options) >= wanted


def is_ready(worker: Worker) -> tuple[bool, str]:
    """What the worker last said of itself."""
    lines = [line for line in worker.text().splitlines() if line.startswith(('["ready"', '["not ready"'))]
    return ('["ready"' in lines[-1], lines[-1]) if lines else (False, "nothing said")


@pytest.mark.parametrize("when", ["while it runs", "while it is frozen", "while it is stopped"])
def test_a_topic_made_anew_is_read_from_its_beginning(
    log: Log, admin: KafkaAdminClient, start: Start, options: dict[str, Any], when: str
) -> None:
    source = options["topics"][0]
    log.append(source, numbers(0, 50))
    worker = start(options)
    worker.until(all_of(log, options, set(range(50))), "the old topic read")
    worker.until(lambda: log.committed(options["group_id"], source) == 50, "and committed")
    if when == "while it is stopped":
        assert worker.terminate() == 0
    if when == "while it is frozen":
        worker.signal(signal.SIGSTOP)
    made_anew(log, admin, source)
    log.append(source, numbers(1000, 1200))
    if when == "while it is frozen":
        worker.signal(signal.SIGCONT)
    if when == "while it is stopped":
        worker = start(options)
    until(all_of(log, options, set(range(1000, 1200))), lambda: f"the whole new topic; it said\n{worker.text()}")
    until(lambda: is_ready(worker)[0], lambda: f"ready again; it said\n{worker.text()}")
    log.append(options["topics"][1], numbers(2000, 2010))
    worker.until(all_of(log, options, set(range(2000, 2010))), "the other topic")
    assert worker.terminate() == 0


def test_commits_name_the_topic_and_those_of_another_are_not_taken(
    log: Log, start: Start, options: dict[str, Any], admin: KafkaAdminClient
) -> None:
    source = options["topics"][0]
    log.append(source, numbers(0, 50))
    worker = start(options)
    worker.until(lambda: log.committed(options["group_id"], source) == 50, "committed")
    assert worker.terminate() == 0
    (found,) = admin.list_group_offsets({options["group_id"]: None})[options["group_id"]].values()
    assert found.metadata.startswith("topic-id=")
    # what a broker that forgets no commit of a deleted topic holds
    foreign = type(found)(30, "topic-id=00000000-0000-0000-0000-000000000001", -1)
    admin.alter_group_offsets(options["group_id"], {next(iter(log.places(source))): foreign})
    log.append(source, numbers(50, 60))
    again = start(options)
    again.until(all_of(log, options, set(range(60))), "everything")
    again.until(lambda: again.said("made anew") != [], "said")
    assert "was deleted and created anew" in again.text()
    assert again.terminate() == 0


@pytest.mark.parametrize("harm", ["more partitions", "deleted", "missing at the start"])
def test_one_topic_that_does_not_fit_stops_no_other_and_is_read_again_when_it_is_mended(
    log: Log, admin: KafkaAdminClient, start: Start, options: dict[str, Any], harm: str
) -> None:
    hurt, sound = options["topics"]
    if harm == "missing at the start":
        admin.delete_topics([hurt])
        until(lambda: hurt not in admin.list_topics(), "deleted")
    worker = start(options)
    if harm != "missing at the start":
        worker.until(lambda: is_ready(worker)[0], "ready")
        if harm == "more partitions":
            admin.create_partitions({hurt: 3})
        else:
            admin.delete_topics([hurt])
    worker.until(lambda: hurt in is_ready(worker)[1], f"not ready because of {hurt}")
    log.append(sound, numbers(0, 20))
    worker.until(all_of(log, options, set(range(20))), "the other topic read")
    assert not is_ready(worker)[0]
    assert worker.said("sources")[-1] == [hurt]
    if harm == "more partitions":
        made_anew(log, admin, hurt)
    else:
        log.create(hurt, 1)
    log.append(hurt, numbers(100, 120))
    worker.until(all_of(log, options, set(range(100, 120))), "the mended topic read")
    worker.until(lambda: is_ready(worker)[0], "ready again")
    assert worker.said("sources")[-1] == []
    assert worker.terminate() == 0


def test_a_state_is_refused_for_a_source_made_anew_that_is_longer_than_the_one_before(
    log: Log, admin: KafkaAdminClient, start: Start, options: dict[str, Any], topics: Callable[..., str]
) -> None:
    source = options["topics"][0]
    state = options | {
        "kind": "sums",
        "topics": [source],
        "changelog": topics("rows", 1, **{"cleanup.policy": "compact"}),
    }
    log.append(source, [(b"k", b"id%d:1" % number) for number in range(20)])
    worker = start(state)
    worker.until(lambda: log.committed(state["group_id"], source) == 20, "committed")
    made_anew(log, admin, source)
    log.append(source, [(b"k", b"other%d:1" % number) for number in range(50)])
    assert worker.ended() == 70
    again = start(state)
    assert again.ended() == 70
    assert "was deleted and created anew" in again.text()
    assert "greenlane rebuild" in again.text()


def test_a_worker_that_owns_nothing_says_so(start: Start, options: dict[str, Any]) -> None:
    one = options | {"topics": options["topics"][:1]}
    first, second = start(one), start(one)
    until(
        lambda: sorted("owns no partition" in is_ready(worker)[1] for worker in (first, second)) == [False, True],
        lambda: f"one of the two owns nothing; they said\n{first.text()}\n{second.text()}",
    )
    until(lambda: sorted(is_ready(worker)[0] for worker in (first, second)) == [False, True], "the other is ready")
