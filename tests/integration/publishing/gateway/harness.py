"""A gateway in this process, on a real Kafka and a real PostgreSQL."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from kafka import KafkaConsumer, TopicPartition
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.contracts.topics import fulfilment_topic
from greenlane.database.api_keys import KeyScope, key_of_token, keys_still_open
from greenlane.factors.loading import load_method
from greenlane.operations.metrics import GatewayMetrics
from greenlane.publishing.gateway.admission import Admission
from greenlane.publishing.gateway.app import Gateway
from greenlane.publishing.gateway.broker import Broker
from greenlane.publishing.gateway.converting import Converter
from greenlane.publishing.gateway.documents import Documents
from greenlane.publishing.gateway.forms import BATCH, STRUCTURED
from greenlane.publishing.gateway.intake import Intake
from greenlane.publishing.gateway.known_keys import KnownKeys, Source
from greenlane.publishing.gateway.shops import shops_of
from greenlane.web.rates import Rate
from greenlane.web.server import Listening, server_of
from greenlane.web.slots import ConnectionLimits
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.keys import add_key
from greenlane.webhooks.vault import Vault

EXAMPLE = Path(__file__).parents[4] / "schemas/examples/greenlane.parcel.packed.v1/average-vietnamese-parcel.json"
EVENT: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
LIMITS = ConnectionLimits(head=3.0, body=1.0)
SOON = 30.0
"""Seconds within which what must happen has happened, on the busiest machine."""


def event(market: str, number: int = 0, **changed: Any) -> dict[str, Any]:
    """A good event of this marketplace."""
    data = EVENT["data"] | {"parcel_id": f"p-{number}"}
    attributes = {"id": f"p-{number}.packed", "source": f"/marketplaces/{market}", "subject": f"s-{number % 7}"}
    return EVENT | attributes | {"data": data} | changed


@dataclass
class Door:
    """A gateway, how to reach it, and what it consists of."""

    url: str
    intake: Intake
    desk: Administration
    registry: CollectorRegistry
    bootstrap_servers: str

    async def token(self, market: str, *scopes: KeyScope) -> str:
        """A fresh key of the marketplace."""
        return (await add_key(self.desk, market, scopes=scopes or (KeyScope.WRITE_EVENTS,))).token

    def client(self, token: str | None) -> httpx.AsyncClient:
        """A client with this key."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=SOON)

    def records(self, market: str) -> list[tuple[int, int, bytes, bytes]]:
        """Partition, offset, key and value of every record of the marketplace's topic."""
        topic = fulfilment_topic(market)
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap_servers, auto_offset_reset="earliest")
        try:
            places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(places)
            left = sum(consumer.end_offsets(places).values())
            found: list[tuple[int, int, bytes, bytes]] = []
            deadline = time.monotonic() + SOON
            while len(found) < left and time.monotonic() < deadline:
                for place, records in consumer.poll(200).items():
                    found += [(place.partition, one.offset, one.key, one.value) for one in records]
            return sorted(found)
        finally:
            consumer.close()

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric now."""
        return self.registry.get_sample_value(f"greenlane_{name}", labels) or 0.0


def listed(events: Iterable[Mapping[str, Any] | bytes]) -> dict[str, Any]:
    """The parts of a request with a list of events."""
    written = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in events]
    return {"content": b"[" + b",".join(written) + b"]", "headers": {"content-type": BATCH}}


def single(one: Mapping[str, Any] | bytes) -> dict[str, Any]:
    """The parts of a request with one structured event."""
    content = one if isinstance(one, bytes) else json.dumps(one).encode()
    return {"content": content, "headers": {"content-type": STRUCTURED}}


@contextlib.asynccontextmanager
async def door_of(
    engine: AsyncEngine,
    bootstrap_servers: str,
    rate: Rate | None = None,
    deadline: float = 10.0,
    shops: Mapping[str, str] | None = None,
) -> AsyncIterator[Door]:
    """A gateway that listens and reaches Kafka."""
    keys = KnownKeys(Source(partial(key_of_token, engine), partial(keys_still_open, engine)), time.monotonic, time.time)
    registry = CollectorRegistry()
    metrics = GatewayMetrics(registry, ("demo-vn",))
    broker = Broker(bootstrap_servers, metrics.appended)
    admission = Admission(keys, rate or Rate(1e6, 10**6), time.monotonic)
    intake = Intake(admission, broker, metrics, LIMITS.body, deadline)
    documents = Documents(intake, Converter(), shops_of(SecretStr(json.dumps(shops or {}))))
    server = server_of(Gateway(intake, load_method(), documents), Listening("127.0.0.1", 0, limits=LIMITS))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        connecting = asyncio.create_task(broker.run())
        await keys.confirm()
        await until(lambda: server.started and not broker.away)
        desk = Administration(engine, Vault(b"k" * 32), allow_private=True)
        yield Door(f"http://127.0.0.1:{listener.getsockname()[1]}", intake, desk, registry, bootstrap_servers)
        server.should_exit = True
        await serving
        connecting.cancel()
        await asyncio.wait([connecting])
        documents.converter.close()


async def until(met: Callable[[], bool], seconds: float = SOON) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(seconds):
        while not met():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)
