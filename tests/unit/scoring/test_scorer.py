"""A scorer outside Kafka: what it writes of a record, and what it counts."""

import json
from pathlib import Path

from aiokafka.structs import ConsumerRecord
from prometheus_client import CollectorRegistry

from greenlane.contracts.topics import fulfilment_topic
from greenlane.factors.loading import load_method
from greenlane.operations.metrics import ProcessMetrics, ScorerMetrics
from greenlane.scoring.scorer import Scorer

EXAMPLE = Path(__file__).parents[3] / "schemas/examples/greenlane.parcel.packed.v1" / "average-vietnamese-parcel.json"


def test_fields_that_the_contract_lacks_are_dropped_and_counted() -> None:
    registry = CollectorRegistry()
    event = json.loads(EXAMPLE.read_bytes())
    event["data"] |= {"receiver_name": "Lan Nguyen", "receiver_phone": "0900000000"}
    shop = event["source"].removeprefix("/marketplaces/")
    headers = (("content-type", b"application/cloudevents+json"),)
    value, key = json.dumps(event).encode(), event["subject"].encode()
    record = ConsumerRecord(
        fulfilment_topic(shop), 0, 0, 1_800_000_000_000, 1, key, value, None, len(key), len(value), headers
    )
    metrics, process = ScorerMetrics(registry, [shop]), ProcessMetrics(registry, "1", "1", "1")
    (outcome,) = Scorer("packaging_scorer", load_method(), metrics, process).handle([record])

    assert outcome.name == "assessed"
    assert b"Lan" not in (outcome.outputs[0].value or b"Lan")
    assert registry.get_sample_value("greenlane_unknown_fields_total", {"marketplace": shop}) == 2
