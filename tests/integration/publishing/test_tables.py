"""`greenlane import csv` on a real Kafka: what arrives is what the table says, once, and every event is counted."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition
from typer.testing import CliRunner, Result

from greenlane.cli.app import app
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.topics import MAX_EVENT_BYTES, fulfilment_topic

ROOT = Path(__file__).parents[3]
TABLES = ROOT / "examples" / "tables"


@pytest.fixture
def marketplace() -> str:
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def mapping(tmp_path: Path, marketplace: str) -> str:
    text = (TABLES / "orders.yaml").read_text(encoding="utf-8").replace("demo-vn", marketplace)
    file = tmp_path / "mapping.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.fixture
def here(bootstrap_servers: str, marketplace: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GREENLANE_KAFKA_BOOTSTRAP_SERVERS", bootstrap_servers)
    monkeypatch.setenv("GREENLANE_MARKETPLACES", f"demo-vn,{marketplace}")
    return CliRunner()


def create(bootstrap_servers: str, marketplace: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    configs = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(MAX_EVENT_BYTES)}
    topic = {"num_partitions": 1, "replication_factor": 1, "configs": configs}
    admin.create_topics({fulfilment_topic(marketplace): topic}, wait_for_metadata=True)
    admin.close()


def records(bootstrap_servers: str, marketplace: str, count: int) -> list[KafkaRecord]:
    topic = fulfilment_topic(marketplace)
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    found: list[KafkaRecord] = []
    try:
        consumer.assign([partition])
        assert consumer.end_offsets([partition])[partition] == count
        while len(found) < count:
            for polled in consumer.poll(timeout_ms=500).values():
                found += polled
    finally:
        consumer.close()
    return found


def imported(here: CliRunner, file: Path, mapping: str) -> tuple[Result, dict[str, int]]:
    done = here.invoke(app, ["import", "csv", str(file), "--mapping", mapping, "--json"])
    return done, json.loads(done.stdout.splitlines()[-1])


def test_a_table_arrives_as_it_says_and_the_same_file_twice_has_the_same_ids(
    here: CliRunner, bootstrap_servers: str, marketplace: str, mapping: str
) -> None:
    create(bootstrap_servers, marketplace)
    done, counts = imported(here, TABLES / "orders.csv", mapping)
    assert done.exit_code == 1
    assert (counts["read"], counts["published"], counts["refused"]) == (9, 8, 1)
    assert (counts["not_sent"], counts["unknown"]) == (0, 0)
    imported(here, TABLES / "orders.csv", mapping)
    arrived = records(bootstrap_servers, marketplace, 16)
    events = [read_event(record).event for record in arrived]
    assert all(event is not None for event in events)
    ids = [event.id for event in events if event is not None]
    assert ids[:8] == ids[8:]
    assert len(set(ids)) == 8
    assert [record.value for record in arrived[:8]] == [record.value for record in arrived[8:]]


def test_without_a_topic_nothing_is_sent_and_everything_is_counted(here: CliRunner, mapping: str) -> None:
    done, counts = imported(here, TABLES / "orders.csv", mapping)
    assert done.exit_code == 1
    assert (counts["read"], counts["published"], counts["refused"], counts["not_sent"]) == (9, 0, 1, 8)
    assert "not sent from line 2 on" in done.stderr


def test_a_marketplace_that_is_not_configured_is_named(
    here: CliRunner, monkeypatch: pytest.MonkeyPatch, mapping: str
) -> None:
    monkeypatch.setenv("GREENLANE_MARKETPLACES", "demo-vn")
    done = here.invoke(app, ["import", "csv", str(TABLES / "orders.csv"), "--mapping", mapping])
    assert done.exit_code == 2
    assert "is not in GREENLANE_MARKETPLACES" in done.stderr
