"""A shop with the outbox in its database, and what stands in its topic."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa
from kafka import KafkaConsumer, TopicPartition
from pydantic import SecretStr

from greenlane.contracts.topics import fulfilment_topic
from greenlane.publishing.outbox.databases import Database, Session, database_of
from greenlane.publishing.outbox.ddl import ddl

EXAMPLE = Path(__file__).parents[4] / "schemas/examples/greenlane.parcel.packed.v1/average-vietnamese-parcel.json"
DATA: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))["data"]
PACKED = "greenlane.parcel.packed.v1"
SOON = 60.0
"""Seconds within which what must happen has happened, on the busiest machine."""

_INSERT = (
    "INSERT INTO greenlane_outbox (id, type, aggregateid, time, payload) "
    "VALUES (:id, :type, :aggregateid, :time, :payload)"
)


def row(number: int, seller: str = "s-1", **changed: str) -> dict[str, str]:
    """What a shop writes for one parcel."""
    payload = json.dumps(DATA | {"parcel_id": f"p-{number}"})
    written = {"id": f"p-{number}.packed", "type": PACKED, "aggregateid": seller, "payload": payload}
    return written | {"time": "2026-07-01T09:30:00+07:00"} | changed


@dataclass
class Record:
    """A record of the topic."""

    partition: int
    key: bytes
    value: bytes
    headers: dict[str, bytes]
    offset: int = 0

    @property
    def event_id(self) -> str:
        return self.headers["ce_id"].decode()


@dataclass
class Shop:
    """A marketplace's own database with the outbox in it, and its topic."""

    url: str
    marketplace: str
    bootstrap_servers: str
    database: Database

    async def make_table(self) -> None:
        statements = ddl("mysql" if self.database.dialect == "mysql" else "postgresql", self.marketplace)
        if self.database.dialect == "postgresql":
            connection = await asyncpg.connect(self.url)
            await connection.execute(statements)
            await connection.close()
            return
        for statement in statements.split(";\n"):
            if statement.strip() and not all(line.startswith("--") for line in statement.strip().splitlines()):
                await self.run(statement)

    async def run(self, statement: str, **values: object) -> list[Any]:
        async with self.database.begin() as session:
            return await execute(session, statement, values)

    async def write(self, *rows: Mapping[str, str]) -> None:
        """Write rows in one transaction."""
        async with self.database.begin() as session:
            await write(session, rows)

    async def states(self) -> dict[str, str]:
        """The state of every row, by the event's id."""
        return dict([tuple(one) for one in await self.run("SELECT id, state FROM greenlane_outbox")])

    async def refusals(self) -> dict[str, str]:
        """Why rows were refused, by the event's id."""
        found = await self.run("SELECT id, refusal FROM greenlane_outbox WHERE state = 'refused'")
        return dict([tuple(one) for one in found])

    def records(self) -> list[Record]:
        """Every record of the marketplace's topic, in the order of each partition."""
        topic = fulfilment_topic(self.marketplace)
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap_servers, auto_offset_reset="earliest")
        try:
            places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(places)
            left = sum(consumer.end_offsets(places).values())
            found: list[Record] = []
            deadline = time.monotonic() + SOON
            while len(found) < left and time.monotonic() < deadline:
                for place, records in consumer.poll(200).items():
                    found += [
                        Record(place.partition, one.key, one.value, dict(one.headers), one.offset) for one in records
                    ]
            return sorted(found, key=lambda one: (one.partition, one.offset))
        finally:
            consumer.close()


async def execute(session: Session, statement: str, values: Mapping[str, object]) -> list[Any]:
    def work(connection: sa.Connection) -> list[Any]:
        done = connection.execute(sa.text(statement), values)
        return list(done) if done.returns_rows else []

    return await session.run(work)


async def write(session: Session, rows: Iterable[Mapping[str, str]]) -> None:
    for one in rows:
        await execute(session, _INSERT, one)


def first_seen(records: Iterable[Record], seller: str) -> list[str]:
    """The ids of a seller's events in the order in which each first stands in the topic."""
    return list(dict.fromkeys(one.event_id for one in records if one.key == seller.encode()))


def shop_of(url: str, marketplace: str, bootstrap_servers: str) -> Shop:
    return Shop(url, marketplace, bootstrap_servers, database_of(SecretStr(url)))


async def until(met: Any, seconds: float = SOON) -> None:
    """Wait until the coroutine function says so."""
    async with asyncio.timeout(seconds):
        while not await met():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.05)
