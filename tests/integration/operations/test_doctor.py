"""The doctor against real servers, and each thing it finds wrong with its remedy."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from greenlane.contracts.topics import declared_topics
from greenlane.database.inspection import inspect_database
from greenlane.operations import doctor
from greenlane.operations.diagnosis import Check, CheckResult, in_time
from greenlane.operations.doctor import diagnose
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.embedded.folder import choose_port
from greenlane.operations.health import SERVICE_PORTS, Health, HealthServer
from greenlane.operations.topic_provisioning import apply
from greenlane.settings import Settings


@pytest.fixture
def settings(bootstrap_servers: str, tmp_path: Path) -> Settings:
    return Settings(kafka_bootstrap_servers=bootstrap_servers, data_dir=tmp_path)


def verdicts(settings: Settings, offset: float = 0.0) -> dict[str, tuple[CheckResult, str]]:
    found = diagnose(settings, lambda _: "migrated", lambda: time.time() + offset)
    return {check.name: (check.verdict, check.remedy) for check in found.checks}


def test_missing_topics_are_found_and_after_apply_all_is_well(fresh_kafka: str, tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap_servers=fresh_kafka, data_dir=tmp_path)
    remedy = "greenlane topics plan shows them; greenlane topics apply corrects them"
    assert verdicts(settings)["topics"] == (CheckResult.FAILED, remedy)
    apply(settings.kafka_bootstrap_servers, declared_topics(settings.marketplaces), settings.partitions, 1)
    found = verdicts(settings)
    assert found["kafka"] == found["topics"] == found["clock skew"] == (CheckResult.OK, "")
    assert found["database"][0] is CheckResult.SKIPPED


def test_a_clock_that_differs_from_the_brokers_is_found(settings: Settings) -> None:
    verdict, remedy = verdicts(settings, offset=60)["clock skew"]
    assert verdict is CheckResult.FAILED
    assert "NTP" in remedy


def test_an_unreachable_kafka_is_found_and_nothing_else_is_asked_of_it(tmp_path: Path) -> None:
    found = verdicts(Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path))
    assert found["kafka"][0] is CheckResult.FAILED
    assert "GREENLANE_KAFKA_BOOTSTRAP_SERVERS" in found["kafka"][1]
    assert "topics" not in found


def test_a_database_that_is_not_as_it_should_be_is_found_with_what_the_inspection_says() -> None:
    def inspect(_: str) -> str:
        raise LookupError("no table")

    check = doctor.check_database("postgresql://x", inspect)
    assert (check.verdict, check.found) == (CheckResult.FAILED, "LookupError: no table")
    assert "GREENLANE_DATABASE_URL" in check.remedy


def test_a_port_of_another_process_fails_and_our_own_service_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        check = doctor.check_port("clock", "127.0.0.1", other.getsockname()[1])
        assert check.verdict is CheckResult.FAILED
        assert "GREENLANE_PORT" in check.remedy
    with HealthServer(Health(time.monotonic), CollectorRegistry(), "127.0.0.1", 0) as ours:
        check = doctor.check_port("clock", "127.0.0.1", ours.port)
        assert (check.verdict, check.found) == (
            CheckResult.OK,
            "in use by a greenlane service that no `greenlane up` on this machine started",
        )


def test_an_old_python_and_a_missing_extra_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_python((3, 10, 4)).remedy == "install Greenlane with Python 3.11 or newer"
    assert doctor.check_extra().verdict is CheckResult.OK
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
    assert "25" in doctor.check_java().found
    monkeypatch.setattr(doctor, "_EXTRA", ("not_installed_at_all",))
    assert doctor.check_extra().found == "missing: not_installed_at_all"


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_disk(tmp_path / "not" / "yet").verdict is CheckResult.OK
    monkeypatch.setattr(doctor, "_FREE_BYTES", 1 << 60)
    assert "GREENLANE_DATA_DIR" in doctor.check_disk(tmp_path).remedy


def test_a_diagnosis_is_healthy_only_without_failures_and_tells_itself_as_plain_values(tmp_path: Path) -> None:
    found = diagnose(Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path), lambda _: "")
    told = found.to_json()
    assert told["healthy"] is False
    assert {check["name"] for check in told["checks"]} >= {f"port {port}" for port in SERVICE_PORTS.values()}
    assert found.table().row_count == len(found.checks)


@pytest.fixture(scope="module")
def detoured() -> Iterator[tuple[str, str]]:
    """A broker's listener that answers, and the address that it advertises, where nobody listens."""
    listener, nowhere = choose_port(0, "free some ports"), choose_port(0, "free some ports")
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder), detours={listener: nowhere}),
    ):
        yield f"127.0.0.1:{listener}", f"127.0.0.1:{nowhere}"


def test_a_listener_that_advertises_an_address_nobody_reaches_is_a_failed_row_that_names_it(
    detoured: tuple[str, str], tmp_path: Path
) -> None:
    listener, nowhere = detoured
    found = diagnose(Settings(kafka_bootstrap_servers=listener, data_dir=tmp_path), lambda _: "migrated")
    row = next(check for check in found.checks if check.name == "kafka")
    assert row.verdict is CheckResult.FAILED
    assert f"advertises {nowhere}" in row.found
    assert "advertised.listeners" in row.remedy
    assert "topics" not in {check.name for check in found.checks}


@pytest.mark.parametrize(
    "words", [("publish", "-"), ("run", "aggregator"), ("scores",), ("topics", "plan")], ids=" ".join
)
def test_every_command_says_in_one_line_that_the_advertised_address_cannot_be_reached(
    detoured: tuple[str, str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    listener, nowhere = detoured
    done = subprocess.run(
        [sys.executable, "-m", "greenlane", *words],
        env=os.environ | {"GREENLANE_KAFKA_BOOTSTRAP_SERVERS": listener, "GREENLANE_DATA_DIR": str(tmp_path)},
        input="", capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert nowhere in done.stderr
    assert "advertised.listeners" in done.stderr


def test_a_check_that_does_not_come_back_is_a_failed_row_in_bounded_time() -> None:
    forever = threading.Event()

    def hang() -> Check:
        forever.wait()
        raise AssertionError

    began = time.monotonic()
    check = in_time("kafka", hang, seconds=0.2)
    forever.set()
    assert (check.verdict, check.found) == (CheckResult.FAILED, "no answer in 0 s")
    assert time.monotonic() - began < 10


async def test_a_wrong_password_and_a_wrong_database_name_are_named_as_what_they_are(database_url: str) -> None:
    wrong = {
        "password": re.sub(r":[^:@/]+@", ":not-this@", database_url),
        "does not exist": re.sub(r"/[^/]*$", "/no_such_database", database_url),
    }
    for reason, url in wrong.items():
        check = await asyncio.to_thread(
            doctor.check_database, url, lambda given: asyncio.run(inspect_database(SecretStr(given)))
        )
        assert check.verdict is CheckResult.FAILED
        assert reason in check.found, check.found
        assert "not-this" not in check.found
