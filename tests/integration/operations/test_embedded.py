"""The embedded servers: they serve, keep their data, recover, stop with their owner, and say clearly why not."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres, EmbeddedServerError

OWNER = """
import signal, sys, time
from pathlib import Path
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's shell has it ignored
folder = Path(sys.argv[1])
with EmbeddedPostgres(folder) as postgres, EmbeddedKafka(folder) as kafka:
    pid = (folder / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0]
    print(kafka.pid, pid, kafka.bootstrap_servers, postgres.database_url, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as path:
        yield Path(path)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def records(bootstrap_servers: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", consumer_timeout_ms=3000
    )
    consumer.assign([TopicPartition(topic, 0)])
    try:
        return [record.value for record in consumer]
    finally:
        consumer.close()


def publish(bootstrap_servers: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers)
    producer.send(topic, value).get(timeout=10)
    producer.close()


def test_kafka_keeps_its_records_over_a_restart_on_another_port(folder: Path) -> None:
    with EmbeddedKafka(folder) as kafka:
        first = kafka.bootstrap_servers
        admin = KafkaAdminClient(bootstrap_servers=first)
        admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
        admin.close()
        publish(first, "kept", b"one")
    with EmbeddedKafka(folder) as kafka:
        assert kafka.bootstrap_servers != first
        assert records(kafka.bootstrap_servers, "kept") == [b"one"]


def test_kafka_creates_no_topic_by_itself(bootstrap_servers: str) -> None:
    consumer = KafkaConsumer("not-declared", bootstrap_servers=bootstrap_servers, consumer_timeout_ms=500)
    assert list(consumer) == []
    assert "not-declared" not in consumer.topics()
    consumer.close()


async def test_postgres_keeps_its_rows_over_a_restart_and_asks_for_a_password(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        connection = await asyncpg.connect(postgres.database_url)
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        await connection.close()
    with EmbeddedPostgres(folder) as postgres:
        connection = await asyncpg.connect(postgres.database_url)
        assert await connection.fetchval("SELECT one FROM kept") == 1
        assert (await connection.fetchval("SHOW server_version")).startswith("18")
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(postgres.database_url, password="guessed")


async def test_each_test_gets_an_empty_database(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()


def start_owner(folder: Path) -> tuple[subprocess.Popen[str], int, int]:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    kafka_pid, postgres_pid, *_ = owner.stdout.readline().split()
    owner.stdout.close()
    return owner, int(kafka_pid), int(postgres_pid)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_servers_end_with_the_owner_that_is_asked_to_stop(folder: Path, stop: signal.Signals) -> None:
    owner, kafka_pid, postgres_pid = start_owner(folder)
    owner.send_signal(stop)
    owner.wait(30)
    assert gone(kafka_pid)
    assert gone(postgres_pid)
    assert EmbeddedKafka.find(folder) is None
    assert EmbeddedPostgres.find(folder) is None


def test_servers_of_a_killed_owner_are_replaced_at_the_next_start(folder: Path) -> None:
    owner, kafka_pid, postgres_pid = start_owner(folder)
    assert EmbeddedKafka.find(folder) is not None
    owner.kill()
    owner.wait(10)
    assert EmbeddedKafka.find(folder) is None
    with EmbeddedPostgres(folder), EmbeddedKafka(folder):
        assert gone(kafka_pid)
        assert gone(postgres_pid)


def test_everything_killed_recovers_with_what_was_acknowledged(folder: Path) -> None:
    with EmbeddedKafka(folder) as kafka:
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
        admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
        admin.close()
        publish(kafka.bootstrap_servers, "kept", b"one")
        assert kafka.pid is not None
        before = kafka.bootstrap_servers
        os.kill(kafka.pid, signal.SIGKILL)
        wait_until(lambda: not kafka.running)
        kafka.restart()
        assert kafka.running
        assert kafka.bootstrap_servers == before
        assert records(kafka.bootstrap_servers, "kept") == [b"one"]


def test_a_killed_postgres_is_noticed_and_started_again_where_it_was(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        before = postgres.database_url
        pid = int((folder / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not postgres.running)
        postgres.restart()
        assert postgres.running
        assert postgres.database_url == before


def test_a_taken_port_is_named_with_the_remedy(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for server in (EmbeddedKafka(folder, port=port), EmbeddedPostgres(folder, port=port)):
            with pytest.raises(EmbeddedServerError, match=rf"Port {port} .* another port"):
                server.start()


def test_a_folder_in_use_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder), pytest.raises(EmbeddedServerError, match=r"Another greenlane process .* Stop it"):
        EmbeddedPostgres(folder).start()


def test_data_of_another_cluster_of_a_newer_kafka_or_of_no_one_we_know_is_refused(folder: Path) -> None:
    with EmbeddedKafka(folder):
        pass
    marker = folder / "kafka" / "cluster.json"
    ours = json.loads(marker.read_text())
    for change, words in (
        ({"cluster_id": "other"}, "another Kafka cluster"),
        ({"version": "99.0.0"}, "newer Kafka 99"),
    ):
        marker.write_text(json.dumps(ours | change))
        with pytest.raises(EmbeddedServerError, match=f"{words}.*Delete"):
            EmbeddedKafka(folder).start()
    marker.unlink()
    with pytest.raises(EmbeddedServerError, match=r"not written by the embedded Kafka.*Delete"):
        EmbeddedKafka(folder).start()


def test_a_cluster_of_another_postgres_version_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    (folder / "postgres" / "cluster" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedServerError, match=r"PostgreSQL 16, not 18\. Delete"):
        EmbeddedPostgres(folder).start()


def test_an_interrupted_creation_is_begun_again(folder: Path) -> None:
    with EmbeddedPostgres(folder), EmbeddedKafka(folder):
        pass
    (folder / "postgres" / "complete").unlink()
    marker = folder / "kafka" / "cluster.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"complete": False}))
    with EmbeddedPostgres(folder), EmbeddedKafka(folder):
        assert json.loads(marker.read_text())["complete"]


def test_a_first_start_without_a_network_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M2_REPO", str(folder / "repository"))
    monkeypatch.setenv("JGO_CACHE_DIR", str(folder / "cache"))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with pytest.raises(EmbeddedServerError, match="The first start needs a network"):
        EmbeddedKafka(folder).start()


def test_a_missing_extra_says_how_to_install_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.config", None)
    with pytest.raises(EmbeddedServerError, match=r"pip install 'greenlane\[embedded\]'"):
        EmbeddedKafka(folder).start()
