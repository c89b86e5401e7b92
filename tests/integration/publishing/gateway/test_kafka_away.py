"""Kafka goes away, freezes and comes back: no verdict is wrong, nothing is held, and a retry counts once."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.publishing.gateway.harness import SOON, door_of, event, listed, until

from greenlane.contracts.topics import declared_topics
from greenlane.operations.embedded import EmbeddedKafka

MARKET = "demo-vn"


@pytest.fixture
def broker() -> Iterator[EmbeddedKafka]:
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as server,
    ):
        topic = declared_topics((MARKET,))[0]
        admin = KafkaAdminClient(bootstrap_servers=server.bootstrap_servers)
        admin.create_topics({topic.name: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
        admin.close()
        yield server


async def test_claimed_failed_and_sent_again_counts_once_and_nothing_waits_in_memory(
    broker: EmbeddedKafka, engine: AsyncEngine
) -> None:
    """The schedule of openmeter#5118: a write fails after its id was seen, and the client sends it again."""
    async with door_of(engine, broker.bootstrap_servers, deadline=1.0) as door:
        async with door.client(await door.token(MARKET)) as client:
            first = listed([event(MARKET, 1)])
            assert (await client.post("/v1/events", **first)).status_code == 200
            frozen = broker.pid
            assert frozen is not None
            os.kill(frozen, signal.SIGSTOP)
            try:
                unsure = await client.post("/v1/events", **listed([event(MARKET, 2), b"{}"]))
                assert unsure.status_code == 207
                assert [item["verdict"] for item in unsure.json()["verdicts"]] == ["unknown", "refused"]
                assert unsure.headers["retry-after"] == "5"
                await until(lambda: bool(door.intake.broker.away))
                refused = await client.post("/v1/events", **listed([event(MARKET, 3)]))
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
                ready = await client.get("/healthz/ready")
                assert (ready.status_code, "Kafka" in ready.text) == (503, True)
            finally:
                os.kill(frozen, signal.SIGCONT)
            await until(lambda: not door.intake.broker.away)
            again = await client.post("/v1/events", **listed([event(MARKET, 2), event(MARKET, 3)]))
            assert again.json()["accepted"] == 2, again.text
            await until(lambda: door.intake.room.held == 0)
            broker.stop()
            await until(lambda: bool(door.intake.broker.away))
            assert (await client.post("/v1/events", **first)).status_code == 503
            await asyncio.to_thread(broker.restart)
            await until(lambda: not door.intake.broker.away, 2 * SOON)
            assert (await client.post("/v1/events", **first)).json()["accepted"] == 1
        stored = [json.loads(value)["data"]["parcel_id"] for *_, value in door.records(MARKET)]
    assert set(stored) == {"p-1", "p-2", "p-3"}, "each stands there at least once, whatever was answered"
