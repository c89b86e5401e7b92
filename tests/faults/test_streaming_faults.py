"""Long variants of the streaming engine's faults: many seeded kills, a restarted and a frozen broker, slow loading."""

import os
import random
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.streaming.harness import Log, Traffic, Worker, check, until, workers

from greenlane.operations.embedded import EmbeddedKafka
from greenlane.streaming import EXIT_CODE

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

Start = Callable[..., Worker]
KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", "20261122"))
POINTS = ("before", "written", "committed")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="greenlane-faults-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@pytest.fixture
def broker(folder: Path) -> Iterator[EmbeddedKafka]:
    server = EmbeddedKafka(folder).start()
    yield server
    server.stop()


@pytest.fixture
def log(broker: EmbeddedKafka) -> Iterator[Log]:
    log = Log(broker.bootstrap_servers)
    log.ensure_dead_letters()
    yield log
    log.close()


@pytest.fixture
def options(log: Log) -> dict[str, Any]:
    log.create("source", 1)
    log.create("effects", 2)
    log.create("changelog", 1)
    return {
        "kind": "sums",
        "group_id": "faults",
        "bootstrap_servers": log.bootstrap_servers,
        "topics": ["source"],
        "partitions": 1,
        "effects": "effects",
        "changelog": "changelog",
        "instance": "the-worker",
        "session_timeout": 10,
        "commit_interval": 0.1,
        "max_batch": 50,
    }


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with workers(tmp_path) as starter:
        yield starter


def supervise(log: Log, start: Start, options: dict[str, Any], traffic: Traffic) -> int:
    """Restart the worker whenever it gives up, until all is committed; returns how often it gave up."""
    worker, given_up = start(options), 0

    def done() -> bool:
        nonlocal worker, given_up
        if worker.process.poll() is not None:
            assert worker.ended() == EXIT_CODE, worker.text()
            worker, given_up = start(options), given_up + 1
        return log.committed("faults", "source") == traffic.sent

    until(done, lambda: worker.text()[-3000:], seconds=180)
    assert worker.terminate() == 0
    return given_up


def test_many_seeded_kills_change_nothing(log: Log, start: Start, options: dict[str, Any]) -> None:
    traffic, chance = Traffic(SEED), random.Random(SEED)  # noqa: S311 - a test's seed, not a secret
    for _ in range(KILLS):
        log.append("source", traffic.records(chance.randrange(300, 2000)))
        if chance.random() < 0.5:
            assert start(options, die_at=(chance.choice(POINTS), chance.randrange(1, 5))).ended() == -signal.SIGKILL
            continue
        worker, batches = start(options), chance.randrange(0, 20)
        until(lambda worker=worker, batches=batches: len(worker.said("done")) >= batches, "some batches")  # type: ignore[misc] # bound now
        worker.signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
        worker.ended()
    supervise(log, start, options, traffic)
    check(log, options, traffic)


def test_a_broker_stopped_and_started_again_under_load_loses_and_doubles_nothing(folder: Path, start: Start) -> None:
    first = EmbeddedKafka(folder).start()
    port, traffic = int(first.bootstrap_servers.rsplit(":", 1)[1]), Traffic(SEED)
    log = Log(first.bootstrap_servers)
    log.ensure_dead_letters()
    for name, partitions in (("source", 1), ("effects", 2), ("changelog", 1)):
        log.create(name, partitions)
    chosen = {
        "kind": "sums", "group_id": "faults", "bootstrap_servers": first.bootstrap_servers, "topics": ["source"],
        "partitions": 1, "effects": "effects", "changelog": "changelog", "session_timeout": 10, "max_batch": 20,
    }  # fmt: skip
    log.append("source", traffic.records(20_000))
    worker = start(chosen)
    worker.until(lambda: len(worker.said("done")) > 10, "it is in the middle of it")
    log.close()
    first.stop()
    with EmbeddedKafka(folder, port=port) as second:
        log = Log(second.bootstrap_servers)
        supervise(log, start, chosen, traffic)
        if worker.process.poll() is None:
            assert worker.terminate() in {0, EXIT_CODE}
        check(log, chosen, traffic)
        log.close()


def test_a_frozen_broker_delays_and_changes_nothing(
    broker: EmbeddedKafka, log: Log, start: Start, options: dict[str, Any]
) -> None:
    traffic = Traffic(SEED)
    log.append("source", traffic.records(20_000))
    worker = start(options, max_batch=20)
    worker.until(lambda: len(worker.said("done")) > 10, "it is in the middle of it")
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGSTOP)
    progress = len(worker.said("done"))
    until(lambda: worker.process.poll() is not None, "it gave up", seconds=60, required=False)
    os.kill(broker.pid, signal.SIGCONT)
    assert len(worker.said("done")) <= progress + 1
    assert "Kafka does not answer" in worker.said("not ready")
    if worker.process.poll() is None:
        worker.terminate()
    supervise(log, start, options, traffic)
    check(log, options, traffic)


def test_killed_while_loading_again_and_again_it_converges_and_is_never_ready_before_loaded(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    traffic = Traffic(SEED)
    log.append("source", traffic.records(60_000))
    supervise(log, start, options | {"max_batch": 8000}, traffic)
    log.append("source", traffic.records(1000))
    for _ in range(5):
        worker = start(options)
        worker.until(lambda worker=worker: worker.said("assigned") != [], "assigned")  # type: ignore[misc] # bound now
        worker.signal(signal.SIGKILL)
        worker.ended()
    worker = start(options)
    worker.until(lambda: worker.said("ready") != [], "ready")
    words = [line.split('"')[1] for line in worker.text().splitlines() if line.startswith('["')]
    assert words.index("loaded") < words.index("ready")
    assert worker.terminate() == 0
    supervise(log, start, options, traffic)
    check(log, options, traffic)


def test_a_topic_to_write_to_that_does_not_exist_ends_the_process_and_is_named(
    log: Log, start: Start, options: dict[str, Any]
) -> None:
    log.append("source", Traffic(1).records(10))
    worker = start(options, effects="absent")
    assert worker.ended(120) == EXIT_CODE
    assert "the topic absent does not exist" in worker.text()
    assert log.committed("faults", "source") is None
