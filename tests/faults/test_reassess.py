"""The way back from days that were closed by mistake, on real servers and with the real scorers."""

from datetime import timedelta
from pathlib import Path

import pytest
from kafka import KafkaProducer
from tests.faults.load import FIRST_DAY, history, publish_days
from tests.faults.pipeline import MARKETPLACE, PARTITIONS, Pipeline
from tests.faults.streams import drained, records
from tests.faults.test_rules_in_force import greenlane

from greenlane.contracts.topics import BADGE_DECISIONS, fulfilment_topic

pytestmark = pytest.mark.faults
FORGED = 200
SERVICES = ("packaging_scorer", "delivery_scorer", "aggregator")


def test_days_closed_by_mistake_are_opened_again_by_assessing_every_event_anew(tmp_path: Path) -> None:
    running = Pipeline(tmp_path, SERVICES, marketplaces=(MARKETPLACE,), live_marketplaces=())
    servers, days = running.settings.kafka_bootstrap_servers, history(8, sellers=8)
    try:
        greenlane(running, "topics", "apply")
        running.await_ready()
        forge_heartbeats(servers)
        publish_days(servers, days, 2)
        mistyped = FIRST_DAY + timedelta(days=40)
        greenlane(running, "close-days", MARKETPLACE, "--through", str(mistyped))
        assert f"closed through {mistyped} already" in greenlane(
            running, "close-days", MARKETPLACE, "--through", str(FIRST_DAY), expect=1
        )
        publish_days(servers, days, 3)
        wrong = drained(running)
        assert wrong.agrees, wrong.to_text()
        assert wrong.late > 0, "the mistake has cost nothing"
        assert wrong.ignored >= FORGED
        assert "Run it with --yes" in greenlane(running, "reassess", expect=1)
        for service in running.services.values():
            service.end()
        greenlane(running, "reassess", "--yes")
        assert not records(running, BADGE_DECISIONS)
        for service in running.services.values():
            service.start()
        running.await_ready()
        for day in range(5):
            last = FIRST_DAY + timedelta(days=day)
            greenlane(running, "close-days", MARKETPLACE, "--first", str(FIRST_DAY), "--through", str(last))
        verdict = drained(running)
        assert verdict.agrees, verdict.to_text()
        assert verdict.late == 0
        assert verdict.published - verdict.ignored == wrong.published - wrong.ignored, "heartbeats are ignored"
    finally:
        running.close()


def forge_heartbeats(servers: str) -> None:
    """What a marketplace may write itself: it closes no day and counts as nothing."""
    producer = KafkaProducer(bootstrap_servers=servers.split(","))
    heartbeat = {"value": b"{}", "headers": [("ce_type", b"greenlane.heartbeat.v1")], "timestamp_ms": 4_000_000_000_000}
    for number in range(FORGED):
        producer.send(fulfilment_topic(MARKETPLACE), key=b"s", partition=number % PARTITIONS, **heartbeat)
    producer.close()
