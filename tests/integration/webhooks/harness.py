"""A receiver that answers as it is told, statements to dispatch, and a dispatcher in a process of its own."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import h11
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from greenlane.contracts.scores import (
    AccountData,
    AccountSums,
    BadgeDecision,
    DecisionData,
    ScoreFigures,
    SellerScore,
    Standing,
    Window,
    statement_id,
)
from greenlane.methodology.vocabulary import BadgeLevel, Grade
from greenlane.settings import Settings
from greenlane.webhooks.identity import webhook_id

ENCRYPTION_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
DAY = date(2026, 7, 1)
Statement = SellerScore | BadgeDecision
Kind = Literal["badge.granted", "badge.level_changed", "badge.warned", "badge.revoked"]


@dataclass(frozen=True)
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def event(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


class Receiver:
    """A real HTTP/1.1 server on loopback; `answer` may be replaced at any time."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.answer: Callable[[Received], Reply] = lambda _: Reply()
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self._port}{path}"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            await asyncio.gather(*self._serving, return_exceptions=True)
            self._server = None

    def got(self, path: str = "/hook", *, tests: bool = False) -> list[Received]:
        return [item for item in self.requests if item.path == path and (tests or item.type != "endpoint.test")]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        connection = h11.Connection(h11.SERVER)
        try:
            while await self._one(connection, reader, writer):
                connection.start_next_cycle()
        except (ConnectionError, h11.ProtocolError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            self._serving.discard(serving)

    async def _one(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        request: h11.Request | None = None
        body = b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65_536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        assert request is not None
        headers = {name.decode(): value.decode() for name, value in request.headers}
        received = Received(request.target.decode(), headers, body, time.time())
        self.requests.append(received)
        reply = self.answer(received)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        answer = [*reply.headers.items(), ("content-length", "2")]
        writer.write(connection.send(h11.Response(status_code=reply.status, headers=answer)) or b"")
        writer.write(connection.send(h11.Data(data=b"ok")) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return connection.our_state is h11.DONE


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.up()
    try:
        yield receiver
    finally:
        await receiver.down()


def _account(marketplace: str, seller: str, day: date, sequence: int) -> dict[str, Any]:
    return {
        "marketplace": marketplace,
        "seller_id": seller,
        "day": day,
        "sequence": sequence,
        "window": Window(first_day=day - timedelta(days=89), last_day=day),
        "score": ScoreFigures(
            green=Decimal("61.5"),
            packaging=Decimal("60.0"),
            delivery=Decimal("63.0"),
            grade=next(iter(Grade)),
            primary_data_percent=Decimal(10),
        ),
        "sums": AccountSums(packaging={}, delivery={}, returns={}, circularity={}, active_days=3),
        "standing": Standing(level=BadgeLevel.NONE),
        "claim": "A claim.",
        "method_version": "test",
        "policy_version": "test",
    }


def score(seller: str, sequence: int, *, marketplace: str = "demo-vn", day: date = DAY) -> SellerScore:
    return SellerScore(
        id=statement_id("score", marketplace, seller, day, sequence),
        source=f"/marketplaces/{marketplace}",
        subject=seller,
        time=f"{day}T00:00:00Z",
        data=AccountData(**_account(marketplace, seller, day, sequence), as_of="open_day"),
    )


def decision(
    seller: str, sequence: int, *, kind: Kind = "badge.granted", marketplace: str = "demo-vn", day: date = DAY
) -> BadgeDecision:
    levels = list(BadgeLevel)
    return BadgeDecision(
        id=statement_id("badge", marketplace, seller, day, sequence),
        source=f"/marketplaces/{marketplace}",
        subject=seller,
        time=f"{day}T00:00:00Z",
        type=kind,
        data=DecisionData(
            **_account(marketplace, seller, day, sequence),
            previous_level=levels[0],
            level=levels[1],
            reason="rules_met_in_a_row",
            day_closed_id="d",
        ),
    )


def expected_id(statement: Statement) -> str:
    return webhook_id(statement.source, statement.id)


async def until(probe: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The probe's first true answer; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        answer = await found if isinstance(found, Awaitable) else found
        if answer:
            return answer
        assert time.monotonic() < deadline, "the awaited state was not reached in time"
        await asyncio.sleep(0.05)


@dataclass
class World:
    """A database, a Kafka with its own topics, and dispatchers on both."""

    database_url: str
    bootstrap_servers: str
    scores: str
    decisions: str
    dead_letters: str
    folder: Path
    limits: dict[str, float] = field(
        default_factory=lambda: {"shard_lease": 2.0, "renew_every": 0.5, "delivery_lease": 5.0, "attempt": 2.0}
    )
    allow_private: bool = True
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def settings(self) -> Settings:
        return Settings(
            kafka_bootstrap_servers=self.bootstrap_servers,
            database_url=SecretStr(self.database_url),
            webhook_encryption_key=SecretStr(ENCRYPTION_KEY),
            webhook_allow_private_networks=self.allow_private,
        )

    async def append(self, *statements: Statement) -> None:
        raw = [
            (
                self.scores if isinstance(item, SellerScore) else self.decisions,
                f"{item.data.marketplace}/{item.data.seller_id}".encode(),
                item.model_dump_json().encode(),
            )
            for item in statements
        ]
        await self.append_raw(*raw)

    async def append_raw(self, *records: tuple[str, bytes | None, bytes | None]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers, acks="all", linger_ms=5)
        await producer.start()
        try:
            sent = [await producer.send(topic, value, key=key) for topic, key, value in records]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    def start(self, *, group: str = "group", **limits: float) -> subprocess.Popen[bytes]:
        """A dispatcher in a process of its own."""
        environment = os.environ | {
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "GREENLANE_DATABASE_URL": self.database_url,
            "GREENLANE_WEBHOOK_ENCRYPTION_KEY": ENCRYPTION_KEY,
            "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": str(self.allow_private),
        }
        options = {
            "sources": {"scores": self.scores, "decisions": self.decisions, "dead_letters": self.dead_letters}
            | {"group": f"{group}-{self.scores}"},
            "limits": self.limits | limits,
        }
        log = self.folder / f"dispatcher-{len(self.processes)}.log"
        with log.open("wb") as out:
            worker = Path(__file__).with_name("worker.py")
            process = subprocess.Popen(
                [sys.executable, str(worker), json.dumps(options)], env=environment, stdout=out, stderr=out
            )
        self.processes.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def world_of(database_url: str, bootstrap_servers: str, topics: Callable[..., str], folder: Path) -> Iterator[World]:
    world = World(
        database_url, bootstrap_servers, topics("scores", 2), topics("decisions", 2), topics("letters", 1), folder
    )
    try:
        yield world
    finally:
        world.end()
