"""Kills, outages and a frozen dispatcher on real servers; `make faults-webhooks`, KILLS=n for fewer or more kills.

The last line is one JSON object; the exit code is 1 when something was lost or sent more often than it may be.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.servers import Sink, topics_of
from tests.faults.webhooks.account import Account, account_of
from tests.faults.webhooks.dying_worker import POINTS
from tests.faults.webhooks.life import Life, Plan, fresh_database
from tests.faults.webhooks.outages import outages
from tests.integration.webhook_harness import world_of

from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres

DELIVERIES = 10_000
KILLS = 160
AT_ONCE = 4


def progress(text: str) -> None:
    sys.stderr.write(f"faults-webhooks: {text} (load {os.getloadavg()[0]:.1f})\n")


async def kills(folder: Path, kafka: EmbeddedKafka, postgres: EmbeddedPostgres, total: int) -> list[Account]:
    """One life of kills for each point, some side by side, for they mostly wait for leases."""
    rounds = -(-total // len(POINTS))
    lives: list[Life] = []
    with Sink(len(POINTS)) as sink:
        for index, point in enumerate(POINTS):
            own = folder / point
            own.mkdir()
            url = await fresh_database(postgres.database_url, point)
            with world_of(url, kafka.bootstrap_servers, topics_of(kafka.bootstrap_servers), own) as world:
                world.limits = {}
            lives.append(Life(world, Plan(point, rounds, DELIVERIES // len(POINTS)), sink, index))
            await lives[-1].begin()
        try:
            turns = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as group:
                for life in lives:
                    group.create_task(_in_turn(life, turns))
        finally:
            for life in lives:
                life.world.end()
        seen = sink.tell(dump=True)["seen"]
    return [account_of(life, [item for item in seen if item[1] == life.port_index]) for life in lives]


async def _in_turn(life: Life, turns: asyncio.Semaphore) -> None:
    async with turns:
        await life.live(progress)
        life.world.end()


def figures_of(accounts: Sequence[Account]) -> dict[str, float | bool]:
    return {
        "deliveries": sum(account.deliveries for account in accounts),
        "kills": sum(account.kills for account in accounts),
        "lost": sum(account.lost for account in accounts),
        "duplicates": sum(account.duplicates for account in accounts),
        "duplicates_beyond_in_flight": sum(account.beyond for account in accounts),
        "same_id_for_every_duplicate": all(account.same_ids for account in accounts),
        "worst_resume_seconds": round(max(account.worst_resume for account in accounts), 1),
        "leased_resume_seconds": round(max(account.worst_leased for account in accounts), 1),
        "quarantined_and_released": sum(account.quarantined for account in accounts),
    }


def main() -> int:
    total = int(os.environ.get("KILLS") or KILLS)
    with tempfile.TemporaryDirectory(prefix="greenlane-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with EmbeddedKafka(folder) as kafka, EmbeddedPostgres(folder) as postgres:
            figures = figures_of(asyncio.run(kills(folder, kafka, postgres, total)))
            progress(json.dumps(figures))
            figures |= asyncio.run(outages(folder, kafka, postgres, progress))
    sys.stdout.write(json.dumps(figures) + "\n")
    sound = (
        figures["lost"] == figures["duplicates_beyond_in_flight"] == figures["outages_lost"] == 0
        and figures["same_id_for_every_duplicate"]
        and figures["frozen_worker_fenced"]
    )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
