"""Each rule of exactness, broken on purpose, is noticed by the check that stands for it; unbroken, nothing is."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults import altered_service
from tests.faults.load import history, publish_days
from tests.faults.pipeline import Service, pipeline, until
from tests.faults.streams import drained
from tests.integration.streaming import harness as streaming_harness
from tests.integration.streaming.harness import Log, Traffic, Worker, check, workers

from greenlane.accounts.oracle.compare import Comparison
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.streaming import EXIT_CODE

pytestmark = pytest.mark.faults

FAULTS = Path(__file__).parent
Start = Callable[..., Worker]


def verdict_of(folder: Path, service: str, alteration: str) -> Comparison:
    """What `recompute` says of a pipeline in which one service is altered."""
    with pipeline(folder, supervised=False) as running:
        if alteration:
            alter(running.services[service], alteration)
            running.await_ready()
        publish_days(running.settings.kafka_bootstrap_servers, history(11, sellers=24, days=9), 9)
        return drained(running)


def alter(service: Service, alteration: str) -> None:
    """Start a service again with one of its rules broken."""
    service.end()
    service.command = [sys.executable, str(FAULTS / "altered_service.py"), service.name, alteration]
    service.start()


def test_with_every_rule_kept_nothing_is_reported(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path, "", "")
    assert verdict.agrees, verdict.to_text()
    assert min(verdict.decisions, verdict.superseded, verdict.duplicates, verdict.dead_letters) > 0


@pytest.mark.parametrize(
    ("service", "alteration", "reported"),
    [
        ("aggregator", altered_service.the_last_arrival_wins, "different"),
        ("aggregator", altered_service.contributions_are_floating_point, "different"),
        ("aggregator", altered_service.days_close_by_the_wall_clock, "decisions_different"),
        ("aggregator", altered_service.decisions_are_forgotten, "decisions_different"),
        ("packaging_scorer", altered_service.bad_records_are_skipped, "unaccounted"),
    ],
    ids=["identity", "integers", "time is an event", "nothing vanishes: effects", "nothing vanishes: records"],
)
def test_recompute_reports_a_broken_rule(
    tmp_path: Path, service: str, alteration: Callable[[], None], reported: str
) -> None:
    verdict = verdict_of(tmp_path, service, alteration.__name__)
    assert not verdict.agrees
    assert getattr(verdict, reported) > 0, verdict.to_text()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with EmbeddedKafka(tmp_path) as broker:
        log = Log(broker.bootstrap_servers)
        log.ensure_dead_letters()
        for name, partitions in (("source", 1), ("effects", 2), ("changelog", 1)):
            log.create(name, partitions)
        yield log
        log.close()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(streaming_harness, "WORKER", FAULTS / "broken_worker.py")
    with workers(tmp_path) as starter:
        yield starter


def options(log: Log) -> dict[str, Any]:
    return {
        "kind": "sums", "group_id": "rules", "bootstrap_servers": log.bootstrap_servers, "topics": ["source"],
        "partitions": 1, "effects": "effects", "changelog": "changelog", "instance": "the-worker",
        "session_timeout": 10, "max_batch": 50,
    }  # fmt: skip


def through_a_kill(log: Log, start: Start, broken: str, point: str) -> Traffic:
    """A worker dies at a point of its fourth batch; its successor does the rest; the traffic that it had to count."""
    traffic, chosen = Traffic(7), options(log) | {"broken": broken, "commit_interval": 0.1}
    log.append("source", traffic.records(1500))
    assert start(chosen, die_at=(point, 4)).ended() == -signal.SIGKILL
    worker = start(chosen)
    until(lambda: log.committed("rules", "source") == traffic.sent, worker.text)
    assert worker.terminate() == 0
    return traffic


@pytest.mark.parametrize("point", ["written", "committed"])
def test_with_every_rule_of_the_store_kept_a_kill_changes_nothing(log: Log, start: Start, point: str) -> None:
    check(log, options(log), through_a_kill(log, start, "nothing", point))


@pytest.mark.parametrize(
    ("broken", "point"),
    [("guards", "committed"), ("write order", "between"), ("effects before state", "between")],
    ids=lambda value: value,
)
def test_the_sums_report_a_broken_rule_of_the_store(log: Log, start: Start, broken: str, point: str) -> None:
    traffic = through_a_kill(log, start, broken, point)
    with pytest.raises(AssertionError):
        check(log, options(log), traffic)


@pytest.mark.parametrize("broken", ["nothing", "continuity"])
def test_a_hole_is_refused_and_with_continuity_broken_the_sums_report_it(log: Log, start: Start, broken: str) -> None:
    traffic, chosen = Traffic(7), options(log) | {"broken": broken}
    log.append("source", traffic.records(500))
    worker = start(chosen)
    until(lambda: log.committed("rules", "source") == traffic.sent, worker.text)
    assert worker.terminate() == 0
    log.append("source", traffic.records(500))
    log.delete_before("source", 600)
    worker = start(chosen)
    if broken == "nothing":
        assert worker.ended() == EXIT_CODE
        assert "expected offset 500, got 600" in worker.text()
        return
    until(lambda: log.committed("rules", "source") == traffic.sent, worker.text)
    assert worker.terminate() == 0
    with pytest.raises(AssertionError):
        check(log, options(log), traffic)
