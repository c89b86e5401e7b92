"""The supervisor with a real broker: killed while its port is taken, and on a disk that is full for a while."""

import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from tests.faults.full_disk import filled, small_disk

from greenlane.cli.running.stack import Server
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.embedded.folder import LOOPBACK
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.supervisor import PartState, Supervisor

PATIENCE_SECONDS = 90.0


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def until(reached: Callable[[], bool], state: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, state()
        time.sleep(0.05)  # between looks


class Watched:
    """A real broker below a supervisor that runs in a thread, as below `greenlane up`."""

    def __init__(self, data_dir: Path) -> None:
        self.kafka = EmbeddedKafka(data_dir)
        self.said: list[str] = []
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self.kafka.start()
        self.supervisor = Supervisor([Server("kafka", self.kafka)], [], self.said.append)
        self.thread = threading.Thread(target=self.supervisor.run, args=(self._stop,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.thread.join()
        self.kafka.stop()

    def kill(self) -> None:
        assert self.kafka.pid is not None
        os.kill(self.kafka.pid, signal.SIGKILL)

    def attempts(self) -> int:
        return sum(line.startswith("kafka cannot be started") for line in self.said)

    def runs(self) -> bool:
        return self.supervisor.statuses["kafka"].state is PartState.RUNNING and self.kafka.running


def hold(port: int) -> socket.socket:
    """Take a port as soon as it is free, as another program would."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    while True:
        try:
            taken.bind((LOOPBACK, port))
        except OSError:
            time.sleep(0.01)  # the dead broker's port is not free yet
            continue
        taken.listen()
        return taken


def test_a_killed_broker_whose_port_is_taken_is_tried_again_until_it_runs(folder: Path) -> None:
    with Watched(folder) as watched:
        address = watched.kafka.bootstrap_servers
        watched.kill()
        with hold(int(address.rpartition(":")[2])):
            until(lambda: watched.attempts() >= 2, lambda: watched.said)
            assert "Address already in use" in watched.said[-1]
        until(watched.runs, lambda: watched.said)
        with kafka_admin(address) as admin:
            assert len(admin.describe_cluster()["brokers"]) == 1
        assert watched.thread.is_alive()


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk of its own takes a superuser to mount")
def test_a_broker_killed_on_a_full_disk_runs_again_with_its_topics_once_there_is_room(folder: Path) -> None:
    with small_disk(folder / "disk", megabytes=200) as disk, Watched(disk) as watched:
        with kafka_admin(watched.kafka.bootstrap_servers) as admin:
            admin.create_topics({"kept": {"num_partitions": 1}}, wait_for_metadata=True)
        with filled(disk):
            watched.kill()
            until(lambda: watched.attempts() >= 2, lambda: watched.said)
        until(watched.runs, lambda: watched.said)
        with kafka_admin(watched.kafka.bootstrap_servers) as admin:
            assert "kept" in admin.list_topics()
