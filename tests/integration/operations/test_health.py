"""The health server over real HTTP."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from greenlane.operations.health import SERVICE_PORTS, Health, HealthServer, HealthServerError
from greenlane.operations.metrics import ProcessMetrics
from greenlane.settings import OPTIONAL_SERVICES, SERVICES


class Now:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def health(now: Now) -> Health:
    return Health(now)


@pytest.fixture
def server(health: Health) -> Iterator[HealthServer]:
    registry = CollectorRegistry()
    ProcessMetrics(registry, "1.2.3", "m1", "p1")
    with HealthServer(health, registry, "127.0.0.1", 0) as running:
        yield running


def get(server: HealthServer, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read()
    finally:
        connection.close()


def get_json(server: HealthServer, path: str) -> tuple[int, dict[str, Any]]:
    status, _, body = get(server, path)
    return status, json.loads(body)


def test_metrics_are_served_in_the_text_format(server: HealthServer) -> None:
    status, content_type, body = get(server, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    assert b'greenlane_build_info{method_version="m1",policy_version="p1",version="1.2.3"} 1.0' in body


def test_a_process_is_not_ready_until_every_part_is_and_says_why(server: HealthServer, health: Health) -> None:
    assert get_json(server, "/healthz/ready") == (503, {"ready": False, "reasons": {"process": "starting"}})
    health.ready(True, "processing")
    health.ready(False, "no PostgreSQL", part="database")
    assert get_json(server, "/healthz/ready") == (503, {"ready": False, "reasons": {"database": "no PostgreSQL"}})
    health.ready(True, "", part="database")
    assert get_json(server, "/healthz/ready") == (200, {"ready": True, "reasons": {}})


def test_from_the_stop_signal_on_it_stays_not_ready(server: HealthServer, health: Health) -> None:
    health.ready(True, "processing")
    health.stop()
    health.ready(True, "processing")
    status, answer = get_json(server, "/healthz/ready")
    assert status == 503
    assert answer["reasons"] == {"signal": "stopping"}


def test_a_process_lives_as_long_as_its_event_loop_turns(server: HealthServer, health: Health, now: Now) -> None:
    now.seconds += 29
    assert get_json(server, "/healthz/live")[0] == 200
    now.seconds += 2
    assert get_json(server, "/healthz/live") == (503, {"live": False, "event_loop_silent_seconds": 31.0})
    health.beat()
    assert get_json(server, "/healthz/live")[0] == 200


def test_other_paths_and_methods_are_refused(server: HealthServer) -> None:
    assert get(server, "/")[0] == 404
    assert get(server, "/metrics", "POST")[0] == 501
    assert get(server, "/healthz/live", "HEAD")[::2] == (200, b"")


def test_a_taken_port_is_one_clear_error(health: Health) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(HealthServerError, match=rf"127\.0\.0\.1:{port}: .*set GREENLANE_PORT"):
            HealthServer(health, CollectorRegistry(), "127.0.0.1", port)


def test_clients_that_say_nothing_do_not_keep_others_from_an_answer(server: HealthServer) -> None:
    silent = [socket.create_connection((server.host, server.port)) for _ in range(10)]
    try:
        assert get(server, "/healthz/live")[0] == 200
    finally:
        for connection in silent:
            connection.close()


def test_every_service_has_a_port_of_its_own() -> None:
    assert set(SERVICE_PORTS) == {*SERVICES, *OPTIONAL_SERVICES}
    assert len(set(SERVICE_PORTS.values())) == len(SERVICE_PORTS)
