"""The doctor against real servers, and each thing it finds wrong with its remedy."""

import socket
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from greenlane.contracts.topics import declared_topics
from greenlane.operations import doctor
from greenlane.operations.doctor import Verdict, diagnose
from greenlane.operations.health import SERVICE_PORTS, Health, HealthServer
from greenlane.operations.topics import apply
from greenlane.settings import Settings


@pytest.fixture
def settings(bootstrap_servers: str, tmp_path: Path) -> Settings:
    return Settings(kafka_bootstrap_servers=bootstrap_servers, data_dir=tmp_path)


def verdicts(settings: Settings, offset: float = 0.0) -> dict[str, tuple[Verdict, str]]:
    found = diagnose(settings, lambda _: "migrated", lambda: time.time() + offset)
    return {check.name: (check.verdict, check.remedy) for check in found.checks}


def test_missing_topics_are_found_and_after_apply_all_is_well(fresh_kafka: str, tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap_servers=fresh_kafka, data_dir=tmp_path)
    remedy = "greenlane topics plan shows them; greenlane topics apply mends them"
    assert verdicts(settings)["topics"] == (Verdict.FAILED, remedy)
    apply(settings.kafka_bootstrap_servers, declared_topics(settings.marketplaces), settings.partitions, 1)
    found = verdicts(settings)
    assert found["kafka"] == found["topics"] == found["clock skew"] == (Verdict.OK, "")
    assert found["database"][0] is Verdict.SKIPPED


def test_a_clock_that_differs_from_the_brokers_is_found(settings: Settings) -> None:
    verdict, remedy = verdicts(settings, offset=60)["clock skew"]
    assert verdict is Verdict.FAILED
    assert "NTP" in remedy


def test_an_unreachable_kafka_is_found_and_nothing_else_is_asked_of_it(tmp_path: Path) -> None:
    found = verdicts(Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path))
    assert found["kafka"][0] is Verdict.FAILED
    assert "GREENLANE_KAFKA_BOOTSTRAP_SERVERS" in found["kafka"][1]
    assert "topics" not in found


def test_a_database_that_is_not_as_it_should_be_is_found_with_what_the_inspection_says() -> None:
    def inspect(_: str) -> str:
        raise LookupError("no table")

    check = doctor.check_database("postgresql://x", inspect)
    assert (check.verdict, check.found) == (Verdict.FAILED, "LookupError: no table")
    assert "GREENLANE_DATABASE_URL" in check.remedy


def test_a_port_of_another_process_fails_and_our_own_service_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        check = doctor.check_port("clock", "127.0.0.1", other.getsockname()[1])
        assert check.verdict is Verdict.FAILED
        assert "GREENLANE_PORT" in check.remedy
    with HealthServer(Health(time.monotonic), CollectorRegistry(), "127.0.0.1", 0) as ours:
        check = doctor.check_port("clock", "127.0.0.1", ours.port)
        assert (check.verdict, check.found) == (Verdict.OK, "served by clock")


def test_an_old_python_and_a_missing_extra_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_python((3, 10, 4)).remedy == "install Greenlane with Python 3.11 or newer"
    assert doctor.check_extra().verdict is Verdict.OK
    assert "25" in doctor.check_java().found
    monkeypatch.setattr(doctor, "_EXTRA", ("not_installed_at_all",))
    assert doctor.check_extra().found == "missing: not_installed_at_all"


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_disk(tmp_path / "not" / "yet").verdict is Verdict.OK
    monkeypatch.setattr(doctor, "_FREE_BYTES", 1 << 60)
    assert "GREENLANE_DATA_DIR" in doctor.check_disk(tmp_path).remedy


def test_a_diagnosis_is_healthy_only_without_failures_and_tells_itself_as_plain_values(tmp_path: Path) -> None:
    found = diagnose(Settings(kafka_bootstrap_servers="127.0.0.1:1", data_dir=tmp_path), lambda _: "")
    told = found.to_json()
    assert told["healthy"] is False
    assert {check["name"] for check in told["checks"]} >= {f"port {port}" for port in SERVICE_PORTS.values()}
    assert found.table().row_count == len(found.checks)
