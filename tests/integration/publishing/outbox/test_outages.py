"""Kafka freezes, PostgreSQL restarts: the relay says why rows do not move, and goes on by itself."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from kafka.admin import KafkaAdminClient
from prometheus_client import CollectorRegistry
from tests.integration.publishing.outbox.harness import row, shop_of, until

from greenlane.contracts.topics import declared_topics
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
from greenlane.operations.metrics import OutboxMetrics
from greenlane.publishing.outbox.process import Moving
from greenlane.publishing.outbox.relay import Relay
from greenlane.publishing.sdk.link import Link

MARKET = "demo-vn"


@pytest.fixture
def servers() -> Iterator[tuple[EmbeddedKafka, EmbeddedPostgres]]:
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as kafka,
        EmbeddedPostgres(Path(folder)) as postgres,
    ):
        topic = declared_topics((MARKET,))[0]
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
        admin.create_topics({topic.name: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
        admin.close()
        yield kafka, postgres


async def test_it_says_what_is_away_and_sends_everything_once_it_is_back(
    servers: tuple[EmbeddedKafka, EmbeddedPostgres],
) -> None:
    kafka, postgres = servers
    shop = shop_of(postgres.database_url, MARKET, kafka.bootstrap_servers)
    await shop.make_table()
    told: list[str] = []
    link = Link(kafka.bootstrap_servers, "outbox", structlog.get_logger("greenlane.outbox"))
    relay = Relay(shop_of(shop.url, MARKET, shop.bootstrap_servers).database, MARKET, keep=True)
    moving = Moving(relay, link, OutboxMetrics(CollectorRegistry()), lambda _, reason: told.append(reason), 7)
    stop = asyncio.Event()
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(moving.until(stop))]

    async def says(words: str) -> bool:
        return bool(told) and words in told[-1] and bool(words) == bool(told[-1])

    async def sent(count: int) -> bool:
        return list((await shop.states()).values()).count("sent") == count

    await until(lambda: says(""))
    await shop.write(row(1))
    await until(lambda: sent(1))
    frozen = kafka.pid
    assert frozen is not None
    os.kill(frozen, signal.SIGSTOP)
    try:
        await shop.write(row(2), row(3))
        await until(lambda: says("Kafka"))
    finally:
        os.kill(frozen, signal.SIGCONT)
    await until(lambda: sent(3))
    await until(lambda: says(""))
    await shop.database.close()
    await asyncio.to_thread(postgres.stop)
    await until(lambda: says("the database"))
    await asyncio.to_thread(postgres.restart)
    await shop.write(row(4))
    await until(lambda: sent(4))
    assert {one.event_id for one in shop.records()} == {f"p-{number}.packed" for number in range(1, 5)}
    stop.set()
    moving.wake()
    await tasks[1]
    tasks[0].cancel()
    await asyncio.wait(tasks)
    await relay.database.close()
    await shop.database.close()
