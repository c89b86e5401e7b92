"""A marketplace of one test on a real Kafka with every declared topic."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import TopicPartition
from tests.integration.publishing.reconciling.disturbed import Sent
from typer.testing import CliRunner, Result

from greenlane.cli.app import app
from greenlane.contracts.letters import Stamp, letter_of
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.topics import DEAD_LETTERS, fulfilment_topic

STAMP = Stamp("packaging_scorer", "packaging_scorer", "0", "0")


class Place(NamedTuple):
    """A marketplace of this test alone, on a broker with every declared topic."""

    servers: str
    marketplace: str
    folder: Path

    @property
    def topic(self) -> str:
        return fulfilment_topic(self.marketplace)

    def publish(self, records: Iterable[Sent]) -> None:
        producer = KafkaProducer(bootstrap_servers=self.servers, linger_ms=50)
        sent = [producer.send(self.topic, item.value, item.key, list(item.headers)) for item in records]
        for future in sent:
            future.get(timeout=60)
        producer.close()

    def write_letters(self) -> int:
        """A dead letter for each record that is refused, as the scorers write them."""
        consumer = KafkaConsumer(bootstrap_servers=self.servers, auto_offset_reset="earliest")
        places = [TopicPartition(self.topic, part) for part in consumer.partitions_for_topic(self.topic)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        producer, count = KafkaProducer(bootstrap_servers=self.servers, linger_ms=50), 0
        while any(consumer.position(place) < ends[place] for place in places):
            for batch in consumer.poll(timeout_ms=500).values():
                for record in batch:
                    refusal = read_event(record).refusal
                    if refusal is not None:
                        letter = letter_of(record, refusal, STAMP)
                        producer.send(DEAD_LETTERS, letter.value, letter.id.encode())
                        count += 1
        producer.flush()
        producer.close()
        consumer.close()
        return count

    def reconcile(self, content: bytes, *options: str) -> tuple[Result, list[dict[str, Any]], dict[str, Any]]:
        file = self.folder / "orders.csv"
        file.write_bytes(content)
        arguments = ["reconcile", str(file), "--marketplace", self.marketplace, "--country", "VN", "--json", *options]
        done = CliRunner().invoke(app, arguments)
        documents = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        findings = [document for document in documents if "kind" in document]
        return done, findings, documents[-1] if documents else {}
