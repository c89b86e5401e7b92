"""The broker goes away at any moment of a worker's start: 30 s after its return the worker works, or says why not."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.integration.streaming.harness import Log, Worker, until, workers

from greenlane.operations.embedded import EmbeddedKafka
from greenlane.streaming import EXIT_CODE

pytestmark = pytest.mark.faults

Start = Callable[..., Worker]
MOST_SECONDS = 30.0
OUTAGE_SECONDS = 3.0
SESSION_SECONDS = 10
"""A member that was killed holds up its successor's joining for so long: most of these moments lie within a start."""


@pytest.fixture
def broker() -> Iterator[EmbeddedKafka]:
    with TemporaryDirectory(prefix="greenlane-faults-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedKafka(Path(folder)).start()
        yield server
        server.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with workers(tmp_path) as starter:
        yield starter


def options_of(log: Log, kind: str) -> dict[str, Any]:
    for name in ("source", "effects", "changelog"):
        log.create(name, 1)
    return {
        "kind": kind,
        "group_id": "starting",
        "bootstrap_servers": log.bootstrap_servers,
        "topics": ["source"],
        "partitions": 1,
        "effects": "effects",
        "changelog": "changelog",
        "session_timeout": SESSION_SECONDS,
        "commit_interval": 0.1,
    }


def says_why_not(worker: Worker) -> bool:
    """Whether the last word of the worker is that it is not ready, with a reason."""
    words = [json.loads(line) for line in worker.text().splitlines() if line.startswith(('["ready"', '["not ready"'))]
    return bool(words) and words[-1][0] == "not ready" and bool(words[-1][1])


@pytest.mark.parametrize("kind", ["double", "sums"])
@pytest.mark.parametrize("delay", [0.3, 1.0, 2.0, 4.0, 8.0, 10.5, 20.0])
def test_thirty_seconds_after_the_brokers_return_a_worker_works_or_says_why_not(
    broker: EmbeddedKafka, start: Start, kind: str, delay: float
) -> None:
    log = Log(broker.bootstrap_servers)
    log.ensure_dead_letters()
    options = options_of(log, kind)
    values = [b"%d" % number if kind == "double" else b"id%d:1" % number for number in range(3)]
    log.append("source", [(b"k", values[0])])
    first = start(options)
    first.until(lambda: log.committed("starting", "source") == 1, "the first record")
    first.signal(signal.SIGKILL)
    first.ended()
    log.append("source", [(b"k", values[1])])
    worker = start(options)
    time.sleep(delay)  # the moment of the start that is tried
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    time.sleep(OUTAGE_SECONDS)
    broker.restart()
    back = time.monotonic()
    log.append("source", [(b"k", values[2])])

    def works() -> bool:
        nonlocal worker
        if worker.process.poll() is not None:
            assert worker.ended() == EXIT_CODE, worker.text()
            worker = start(options)
        return log.committed("starting", "source") == len(values)

    until(works, worker.text, MOST_SECONDS, required=False)
    assert works() or says_why_not(worker), worker.text()[-3000:]
    until(works, lambda: worker.text()[-3000:])
    assert len(log.read("effects")) == len(values)
    assert worker.terminate() == 0
    log.close()
    print(f"{kind} killed after {delay} s: worked {time.monotonic() - back:.1f} s after the return")  # noqa: T201 - the figure
