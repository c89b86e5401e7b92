"""An installation with what method 1.0.0 left behind on its topics, and the checkpoint that it wrote of them."""

import hashlib
import json
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from tests.integration.accounts.hand_scored import Installation
from tests.unit.accounts.recorded_method import EVENTS, OLD, records

from greenlane.accounts.oracle.checkpoint import topic_id_of
from greenlane.contracts.rules import RULES_KEY
from greenlane.contracts.topics import ASSESSMENTS


def leave_behind(installation: Installation, folder: Path) -> Path:
    """Append every recorded record where it stood, and return the checkpoint, which names this topic."""
    _adopted(installation)
    for record in records():
        if (record.topic, record.key) != (ASSESSMENTS, RULES_KEY):
            assert record.value is not None
            found = installation.append(record.topic, record.key, record.value, record.partition, record.headers)
            if record.topic in {ASSESSMENTS, EVENTS}:  # which the checkpoint names by their offsets
                assert (found.partition, found.offset) == (record.partition, record.offset), record.topic
    topic_id = topic_id_of(installation.settings.kafka_bootstrap_servers, ASSESSMENTS)
    path = folder / "old.checkpoint"
    path.write_bytes(_of_topic(OLD.read_bytes(), topic_id))
    return path


def _adopted(installation: Installation) -> None:
    """The rules came in a transaction, whose end takes an offset too."""
    producer: Any = KafkaProducer(
        bootstrap_servers=installation.settings.kafka_bootstrap_servers, transactional_id="recorded"
    )
    producer.init_transactions()
    producer.begin_transaction()
    for record in records(ASSESSMENTS):
        if record.key == RULES_KEY:
            producer.send(ASSESSMENTS, record.value, key=record.key, partition=record.partition).get(30)
    producer.commit_transaction()
    producer.close()


def _of_topic(raw: bytes, topic_id: str) -> bytes:
    """The checkpoint as it would be of this topic: its id, and the SHA-256 at the end."""
    first, *middle, _ = raw.splitlines(keepends=True)
    header = json.loads(first) | {"topic_id": topic_id}
    body = (json.dumps(header, sort_keys=True, separators=(",", ":")) + "\n").encode() + b"".join(middle)
    end = {"kind": "end", "lines": 1 + len(middle), "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end, sort_keys=True, separators=(",", ":")).encode() + b"\n"
