"""PostgreSQL and Kafka stopped and started under load, and a dispatcher that freezes and wakes too late."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.servers import Sink, topics_of
from tests.faults.webhooks.life import Life, Plan, fresh_database, start_dying
from tests.integration.webhooks.harness import until, world_of

from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres

DOWN_SECONDS = 5.0
EACH = 100
FREEZES = {"sent_answer_unread": 5, "inside_tx3": 1}
"""Where a dispatcher freezes, at which passage: with an answer unread, and inside a transaction that holds locks."""


async def outages(
    folder: Path, kafka: EmbeddedKafka, postgres: EmbeddedPostgres, progress: Callable[[str], None]
) -> dict[str, float | bool]:
    """What was lost by outages of both servers (0), and whether a frozen dispatcher's late outcomes were fenced."""
    own = folder / "outages"
    own.mkdir()
    url = await fresh_database(postgres.database_url, "outages")
    with (
        Sink(1) as sink,
        world_of(url, kafka.bootstrap_servers, topics_of(kafka.bootstrap_servers), own) as world,
    ):
        life = Life(world, Plan("", 1, 0), sink, 0)
        await life.begin()
        process = start_dying(world, "", 1)
        await until(life.active, 60)
        for name, server in (("PostgreSQL", postgres), ("Kafka", kafka)):
            await life.append(EACH)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(DOWN_SECONDS)
            await asyncio.to_thread(server.restart)
            await life.begin_again()
            await life.append(EACH)
            await until(life.all_final, 90)
            progress(f"{name} stopped and started, nothing lost")
        await _ended(process)
        fenced = []
        for point, countdown in FREEZES.items():
            fenced.append(await _frozen(life, point, countdown))
            progress(f"{fenced[-1]} outcomes of a dispatcher frozen at {point} fenced")
        seen = {identity for _, _, identity, _ in sink.tell(dump=True)["seen"]}
        lost = len(life.expected - seen)
        await life.end()
    return {"outages_lost": lost, "frozen_worker_fenced": all(fenced)}


async def _frozen(life: Life, point: str, countdown: int) -> int:
    """How many outcomes of a dispatcher that slept through its leases were fenced off."""
    life.world.limits = {"shard_lease": 2.0, "renew_every": 0.5, "delivery_lease": 5.0, "attempt": 2.0}
    frozen = start_dying(life.world, point, countdown, signal.SIGSTOP)
    log = life.world.folder / f"dispatcher-{len(life.world.processes) - 1}.log"
    await until(lambda: "\nready" in log.read_text(encoding="utf-8"), 60)
    frozen.send_signal(signal.SIGUSR1)
    await life.append(EACH)
    await until(lambda: _stopped(frozen.pid), 60)
    heir = start_dying(life.world, "", 1)
    await until(life.all_final, 90)
    frozen.send_signal(signal.SIGCONT)
    await asyncio.sleep(1)
    await _ended(frozen)
    await _ended(heir)
    told = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("fenced ")]
    return int(told[-1].split()[1])


async def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    await asyncio.to_thread(process.wait, 30)


def _stopped(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    return state in {"T", "t"}
