"""What the tests of the engine share: a view of the log, and workers of which none outlives its test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.streaming.harness import Log, Worker, workers

Start = Callable[..., Worker]


@pytest.fixture(scope="module")
def log(bootstrap_servers: str) -> Iterator[Log]:
    log = Log(bootstrap_servers)
    log.ensure_dead_letters()
    yield log
    log.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with workers(tmp_path) as starter:
        yield starter
