"""A dispatcher that is killed again and again at one point, and started again each time."""

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from tests.benchmarks.servers import Sink
from tests.integration.webhooks.harness import ENCRYPTION_KEY, World, decision, expected_id, until

from greenlane.database.connection import open_database
from greenlane.webhooks.management.administration import Administration, administration
from greenlane.webhooks.management.deliveries import release
from greenlane.webhooks.vault import vault_from

MARKET = "demo-vn"
PROBES = 12
WAIT = 180.0


@dataclass(frozen=True)
class Plan:
    """Where and how often to kill, and how many deliveries there are altogether."""

    point: str
    kills: int
    deliveries: int


@dataclass(frozen=True)
class Kill:
    """One kill: when, which deliveries were under a lease then, and when anything was sent again."""

    at: float
    leased: frozenset[str]
    resumed: float


class Life:
    """One world with one endpoint and its dispatchers, one after another."""

    def __init__(self, world: World, plan: Plan, sink: Sink, port_index: int) -> None:
        self.world = world
        self.plan = plan
        self.port_index = port_index
        self.kills: list[Kill] = []
        self.expected: set[str] = set()
        self.quarantined: set[str] = set()
        self._sink = sink
        self._dice = random.Random(plan.point)  # noqa: S311 - a reproducible run, no secret
        self._number = 0
        self._database: Any = None
        self._producer: Any = None

    async def live(self, progress: Callable[[str], None]) -> None:
        """Kill as planned, with deliveries under way each time, then wait until everything is final; after `begin`.

        Kills come in pairs: the second one strikes as soon as deliveries go on again, while leases of the first are
        out; then what was under a lease has time to be sent again.
        """
        process = start_dying(self.world, self.plan.point, self._countdown())
        await until(self.active, WAIT)
        for number in range(self.plan.kills):
            process = await self._die_and_rise(process)
            progress(f"{self.plan.point}: kill {number + 1}, resumed in {self.kills[-1].resumed:.1f} s")
            if number % 2:
                await until(self._leases_over, WAIT)
        await self.append(self.plan.deliveries - len(self.expected))
        await until(self.all_final, WAIT)
        await self.end()

    async def begin(self) -> None:
        """Connect, and add the endpoint."""
        async with administration(self.world.settings()) as desk:
            await desk.add_endpoint(f"http://127.0.0.1:{self._sink.ports[self.port_index]}/hook", MARKET)
        await self.begin_again()

    async def begin_again(self) -> None:
        """Connect anew, after an outage of a server."""
        await self.end()
        self._database = await asyncpg.connect(self.world.database_url)
        self._producer = AIOKafkaProducer(bootstrap_servers=self.world.bootstrap_servers, acks="all")
        await self._producer.start()

    async def end(self) -> None:
        """Let the connections go."""
        if self._producer is not None:
            await self._producer.stop()
            self._database.terminate()
            self._producer = self._database = None

    async def states(self) -> dict[str, str]:
        """Every delivery's state by its webhook-id; tests of the endpoint left out."""
        rows = await self._database.fetch("SELECT event_id, state FROM delivery WHERE mode <> 'unordered'")
        return {row["event_id"]: row["state"] for row in rows}

    async def _die_and_rise(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        process.send_signal(signal.SIGUSR1)
        share = self.plan.deliveries // self.plan.kills - PROBES
        for part in range(4):  # several batches, so that every point is passed several times
            await self.append(share // 4 + (share % 4 if part == 0 else 0))
            await asyncio.sleep(0.05)
        deadline = time.monotonic() + WAIT
        while process.poll() is None:
            # under load few batches are made of many records: the point may not have been passed often enough yet
            assert time.monotonic() < deadline, f"{self.plan.point} was not reached"
            await asyncio.sleep(0.2)
            await self.append(1)
        died = time.time()
        leased = frozenset(item for item, state in (await self.states()).items() if state == "leased")
        risen = start_dying(self.world, self.plan.point, self._countdown())
        await self.append(PROBES)
        before = await self._attempts()
        await until(lambda: self._sent_since(before), WAIT)
        self.kills.append(Kill(died, leased, time.time() - died))
        return risen

    async def append(self, count: int) -> None:
        """Append so many decisions, each of a seller of its own."""
        sent = []
        for _ in range(max(count, 0)):
            self._number += 1
            item = decision(f"s-{self._number}", 1, marketplace=MARKET)
            self.expected.add(expected_id(item))
            key = f"{MARKET}/{item.data.seller_id}".encode()
            sent.append(await self._producer.send(self.world.decisions, item.model_dump_json().encode(), key=key))
        await asyncio.gather(*sent)

    async def _leases_over(self) -> bool:
        states = await self.states()
        return all(states[item] not in {"leased", "pending"} for item in self.kills[-1].leased)

    async def _attempts(self) -> int:
        found: int = await self._database.fetchval("SELECT count(*) FROM attempt WHERE failure IS NULL")
        return found

    async def _sent_since(self, before: int) -> bool:
        return await self._attempts() > before

    async def active(self) -> bool:
        """Whether the endpoint has answered its test."""
        return bool(await self._database.fetchval("SELECT count(*) = 1 FROM endpoint WHERE state = 'active'"))

    async def all_final(self) -> bool:
        """Whether everything appended is delivered; what was quarantined is released, as its owner would."""
        states = await self.states()
        stopped = [item for item, state in states.items() if state == "quarantined"]
        if stopped:
            await self._release(stopped)
        return self.expected <= states.keys() and set(states.values()) == {"delivered"}

    async def _release(self, stopped: list[str]) -> None:
        self.quarantined.update(stopped)
        (endpoint_id,) = [row["endpoint_id"] for row in await self._database.fetch("SELECT endpoint_id FROM endpoint")]
        settings = self.world.settings()
        engine = open_database(settings.database_url, connections=1)
        desk = Administration(engine, vault_from(settings.webhook_encryption_key), allow_private=True)
        try:
            for item in stopped:
                await release(desk, endpoint_id, item)
        finally:
            await engine.dispose()

    def _countdown(self) -> int:
        per_delivery = self.plan.point == "sent_answer_unread"
        return self._dice.randint(1, 30) if per_delivery else self._dice.randint(1, 3)


def start_dying(
    world: World,
    point: str,
    countdown: int,
    signal_number: int = signal.SIGKILL,
    *,
    swapped: bool = False,
    poison: str = "",
) -> subprocess.Popen[bytes]:
    """A dispatcher that ends at its point once armed; an empty point never ends it.

    `swapped` commits offsets before TX1, which is wrong: for the proof that a test notices. The webhook-id `poison`
    ends the process whenever it is to be sent.
    """
    environment = os.environ | {
        "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": world.bootstrap_servers,
        "GREENLANE_DATABASE_URL": world.database_url,
        "GREENLANE_WEBHOOK_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": "True",
    }
    topics = {"scores": world.scores, "decisions": world.decisions, "dead_letters": world.dead_letters}
    options = {
        "sources": topics | {"group": f"group-{world.scores}"},
        "limits": world.limits,
        "swapped": swapped,
        "poison": poison,
        "point": point,
        "countdown": countdown,
        "signal": int(signal_number),
    }
    log = world.folder / f"dispatcher-{len(world.processes)}.log"
    worker = Path(__file__).with_name("dying_worker.py")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(worker), json.dumps(options)], env=environment, stdout=out, stderr=out
        )
    world.processes.append(process)
    return process


async def fresh_database(url: str, name: str) -> str:
    """The URL of an empty database of this name."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return re.sub(r"/[^/]*$", f"/{name}", url)
