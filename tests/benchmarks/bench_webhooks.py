"""Webhooks measured on a real Kafka, a real PostgreSQL and receivers in a process of their own; `make bench-webhooks`.

The last line is one JSON object. A second of a core is a second of CPU, user and system, of the dispatcher's process,
from the Kafka record to the recorded outcome; PostgreSQL, Kafka and the receivers have their own and are not counted.
Latencies are those of everything together, these included, on whatever machine this runs on. Takes three minutes.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer
from tests.benchmarks.servers import Sink, topics_of
from tests.benchmarks.webhook_backlog import due_poll_ms, fill, outage
from tests.integration.webhooks.harness import DAY, World, score, until, world_of

from greenlane.contracts.scores import statement_id
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
from greenlane.webhooks.identity import webhook_id
from greenlane.webhooks.management.administration import administration
from greenlane.webhooks.signing import HmacKey, sign

ENDPOINTS = 500
STOCK_HOSTS = 256
STOCK_CONCURRENCY = 64
STOCK_SECONDS = 6.0
THROUGHPUT_RECORDS = 20_000
LATENCY_RATE, LATENCY_SECONDS = 500, 15
ISOLATION_RATE, ISOLATION_SECONDS = 400, 18
TAIL_SECONDS = 2.0
TICK = 0.01


class Statements:
    """Scores for the endpoints in turn, each of a seller of its own, so that none supersedes another."""

    def __init__(self) -> None:
        self._template = score("SELLER", 1, marketplace="MARKETPLACE").model_dump_json()
        self._id = statement_id("score", "MARKETPLACE", "SELLER", DAY, 1)
        self._next = 0

    def take(self) -> tuple[str, bytes, bytes]:
        """The next record: its webhook-id, key and value."""
        marketplace = market(self._next % ENDPOINTS)
        seller = f"s-{self._next}"
        self._next += 1
        identity = statement_id("score", marketplace, seller, DAY, 1)
        value = self._template.replace(self._id, identity).replace("MARKETPLACE", marketplace).replace("SELLER", seller)
        return webhook_id(f"/marketplaces/{marketplace}", identity), f"{marketplace}/{seller}".encode(), value.encode()


class Bench:
    """One dispatcher, its receivers, and the records appended for them."""

    def __init__(self, world: World, sink: Sink, producer: AIOKafkaProducer) -> None:
        self.world = world
        self.sink = sink
        self._producer = producer
        self._statements = Statements()
        self.process = world.start()

    def cpu(self) -> float:
        """Seconds of CPU the dispatcher has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """The dispatcher's resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def add_endpoints(self) -> None:
        async with administration(self.world.settings()) as configured:
            webhooks = replace(configured, marketplaces=())
            for number, port in enumerate(self.sink.ports):
                await webhooks.add_endpoint(f"http://127.0.0.1:{port}/hook", market(number))
        await self.reached(ENDPOINTS)
        await self.settled()

    async def throughput(self) -> float:
        """Deliveries per CPU-second of the dispatcher, from Kafka to the recorded outcome."""
        batch = [self._statements.take() for _ in range(THROUGHPUT_RECORDS)]
        target = self.sink.tell()["count"] + len(batch)
        before, started = self.cpu(), time.monotonic()
        sent = [await self._producer.send(self.world.scores, value, key=key) for _, key, value in batch]
        await asyncio.gather(*sent)
        await self.reached(target)
        await self.settled()
        used = self.cpu() - before
        progress(f"throughput: {len(batch) / (time.monotonic() - started):.0f}/s, {used / len(batch) * 1e6:.0f} us CPU")
        return len(batch) / used

    async def paced(self, rate: int, seconds: float, hanging: int) -> dict[str, float]:
        """Append at this rate to all endpoints in turn; when each record for a healthy one was appended, by its id."""
        waiting: dict[str, asyncio.Future[Any]] = {}
        healthy: set[str] = set()
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            while len(waiting) < rate * elapsed:
                identity, key, value = self._statements.take()
                waiting[identity] = await self._producer.send(self.world.scores, value, key=key)
                if key.partition(b"/")[0].decode() >= market(hanging):
                    healthy.add(identity)
            await asyncio.sleep(TICK)
        appended = {identity: (await metadata).timestamp / 1000 for identity, metadata in waiting.items()}
        return {identity: appended[identity] for identity in healthy}

    async def latencies(self, rate: int, seconds: float, hanging: int = 0) -> tuple[list[float], float]:
        """Milliseconds from append to first byte at healthy endpoints, sorted, and the share that came in time."""
        self.sink.tell(hang=hanging)
        self.sink.tell(dump=True)
        appended = await self.paced(rate, seconds, hanging)
        await asyncio.sleep(TAIL_SECONDS)
        first: dict[str, float] = {}
        for at, _, identity, _ in self.sink.tell(dump=True)["seen"]:
            first.setdefault(identity, at)
        took = [max(first[identity] - at, 0.0) * 1000 for identity, at in appended.items() if identity in first]
        return sorted(took), len(took) / len(appended)

    async def reached(self, count: int) -> None:
        async def all_there() -> bool:
            return bool(self.sink.tell()["count"] >= count)

        await until(all_there, 90)

    async def settled(self) -> None:
        """Wait until no delivery is open."""
        connection = await asyncpg.connect(self.world.database_url)
        try:

            async def none_open() -> bool:
                query = "SELECT count(*) FROM delivery WHERE state IN ('pending', 'leased')"
                return bool(await connection.fetchval(query) == 0)

            await until(none_open, 60)
        finally:
            await connection.close()


def market(number: int) -> str:
    return f"market-{number:03d}"


def at_share(values: Sequence[float], share: float) -> float:
    return round(values[min(int(len(values) * share), len(values) - 1)], 1)


def progress(text: str) -> None:
    load = os.getloadavg()[0]
    sys.stderr.write(f"bench-webhooks: {text} (load {load:.1f})\n")


async def stock_httpx(ports: Sequence[int], *, keep_alive: bool) -> float:
    """Posts per CPU-second of one stock AsyncClient that sends the same signed body to 256 hosts, 64 at once.

    With `keep_alive` its limits are raised to what 256 hosts need, a connection kept for each, as the dispatcher keeps
    them; without, they are httpx's own: 100 connections, 20 of them kept, so that nearly every post opens a new one,
    which is cheap on loopback without TLS and nowhere else. No database and no log; CPU is that of the sending process.
    """
    key = HmacKey(b"k" * 32)
    body = Statements().take()[2]
    posts = 0
    ends = time.monotonic() + STOCK_SECONDS

    async def post(client: httpx.AsyncClient, first: int) -> None:
        nonlocal posts
        turn = first
        while time.monotonic() < ends:
            headers = sign([key], "msg_stock", int(time.time()), body) | {"content-type": "application/json"}
            url = f"http://127.0.0.1:{ports[turn % STOCK_HOSTS]}/hook"
            try:
                (await client.post(url, content=body, headers=headers)).raise_for_status()
            except httpx.TransportError:  # a kept connection that was closed meanwhile: httpx does not try another
                continue
            turn += STOCK_CONCURRENCY
            posts += 1

    enough = httpx.Limits(max_connections=STOCK_HOSTS, max_keepalive_connections=STOCK_HOSTS)
    sender = httpx.AsyncClient(timeout=60, limits=enough) if keep_alive else httpx.AsyncClient(timeout=60)
    async with sender as client:
        before = time.process_time()
        await asyncio.gather(*(post(client, number) for number in range(STOCK_CONCURRENCY)))
        return posts / (time.process_time() - before)


async def measured(world: World, sink: Sink) -> dict[str, float]:
    producer = AIOKafkaProducer(bootstrap_servers=world.bootstrap_servers, acks=1, linger_ms=0)
    await producer.start()
    try:
        bench = Bench(world, sink, producer)
        await bench.add_endpoints()
        progress(f"{ENDPOINTS} endpoints confirmed")
        per_core = await bench.throughput()
        took, _ = await bench.latencies(LATENCY_RATE, LATENCY_SECONDS)
        progress(f"latency at {LATENCY_RATE}/s: p50 {at_share(took, 0.5)} ms, p99 {at_share(took, 0.99)} ms")
        figures = {
            "deliveries_per_second_per_core": round(per_core),
            "first_byte_p50_ms": at_share(took, 0.5),
            "first_byte_p99_ms": at_share(took, 0.99),
        }
        stock = await stock_httpx(sink.ports, keep_alive=True)
        default = await stock_httpx(sink.ports, keep_alive=False)
        progress(f"stock httpx: {stock:.0f}/s a core over keep-alive, {default:.0f}/s with its default limits")
        figures |= {"vs_stock_httpx": round(per_core / stock, 1), "stock_httpx_per_core": round(stock, 1)}
        figures["stock_httpx_20_kept_per_core"] = round(default, 1)
        return figures | await isolation(bench) | await backlog(bench)
    finally:
        await producer.stop()


async def isolation(bench: Bench) -> dict[str, float]:
    figures: dict[str, float] = {}
    usual, _ = await bench.latencies(ISOLATION_RATE, ISOLATION_SECONDS / 2)
    progress(f"isolation at {ISOLATION_RATE}/s: none hangs, p99 {at_share(usual, 0.99)} ms")
    for percent in (10, 50):
        took, share = await bench.latencies(ISOLATION_RATE, ISOLATION_SECONDS, ENDPOINTS * percent // 100)
        added = max(at_share(took, 0.99) - at_share(usual, 0.99), 0.0)
        progress(f"{percent} % hang: share {share:.4f}, p99 {at_share(took, 0.99)} ms, {added:.1f} ms added")
        figures[f"healthy_throughput_share_{percent}"] = round(share, 4)
        figures[f"healthy_p99_added_ms_{percent}"] = round(added, 1)
    return figures


async def backlog(bench: Bench) -> dict[str, float]:
    bench.sink.tell(hang=0)
    bench.sink.tell(refuse=1)
    delivered = await outage(bench.world, market(0), partial(fill, bench.world), lambda: bench.sink.tell(refuse=0))
    progress(f"{delivered} delivery after an outage with 1000 updates")
    polls = await due_poll_ms(bench.world)
    median, p99 = at_share(polls, 0.5), at_share(polls, 0.99)
    progress(f"a million pending: due poll {median} ms, p99 {p99} ms, memory {bench.memory_mb():.0f} MB")
    return {
        "outage_1000_updates_deliveries": delivered,
        "million_pending_due_poll_ms": median,
        "million_pending_due_poll_p99_ms": p99,
        "million_pending_memory_mb": round(bench.memory_mb()),
    }


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-bench-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as kafka,
        EmbeddedPostgres(Path(folder)) as postgres,
    ):
        topics = topics_of(kafka.bootstrap_servers)
        with (
            Sink(ENDPOINTS) as sink,
            world_of(postgres.database_url, kafka.bootstrap_servers, topics, Path(folder)) as world,
        ):
            world.limits = {}
            figures = asyncio.run(measured(world, sink))
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
