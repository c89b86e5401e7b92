"""Kills, outages and a frozen dispatcher on real servers; `make faults-webhooks`, KILLS=n for fewer or more kills.

The last line is one JSON object, also when a part fails, which `failed` then names; the exit code is 1 when something
was lost or sent more often than it may be, or a part failed.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.servers import Sink, topics_of
from tests.faults.webhooks.account import Account, account_of
from tests.faults.webhooks.dying_worker import POINTS
from tests.faults.webhooks.life import Life, Plan, fresh_database
from tests.faults.webhooks.outages import outages
from tests.integration.webhooks.harness import world_of

from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres

DELIVERIES = 10_000
KILLS = 160


class Report:
    """The figures so far, and what went wrong; it always ends as one line of JSON."""

    def __init__(self) -> None:
        self.figures: dict[str, object] = {}
        self.failed: list[str] = []
        self._began = time.monotonic()

    def progress(self, text: str) -> None:
        at = time.monotonic() - self._began
        sys.stderr.write(f"faults-webhooks: {at:.0f} s: {text} (load {os.getloadavg()[0]:.1f})\n")

    def fail(self, part: str, error: BaseException) -> None:
        self.failed.append(f"{part}: {type(error).__name__}: {error}".strip(": "))
        self.progress(f"FAILED {self.failed[-1]}")

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What fails inside is reported, and the other parts run all the same."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported and the run fails
            self.fail(name, error)

    def end(self) -> int:
        """Print the last line; the exit code."""
        seconds = round(time.monotonic() - self._began)
        sys.stdout.write(json.dumps(self.figures | {"seconds": seconds, "failed": self.failed}) + "\n")
        expected = {"lost": 0, "duplicates_beyond_in_flight": 0, "same_id_for_every_duplicate": True}
        expected |= {"outages_lost": 0, "frozen_worker_fenced": True}
        return int(bool(self.failed) or any(self.figures.get(name) != value for name, value in expected.items()))


async def kills(folder: Path, kafka: EmbeddedKafka, postgres: EmbeddedPostgres, total: int, report: Report) -> None:
    """One life of kills for each point, side by side."""
    rounds = -(-total // len(POINTS))
    with Sink(len(POINTS)) as sink, contextlib.ExitStack() as worlds:
        lives: list[Life] = []
        for index, point in enumerate(POINTS):
            own = folder / point
            own.mkdir()
            url = await fresh_database(postgres.database_url, point)
            world = worlds.enter_context(
                world_of(url, kafka.bootstrap_servers, topics_of(kafka.bootstrap_servers), own)
            )
            world.limits = {}
            lives.append(Life(world, Plan(point, rounds, DELIVERIES // len(POINTS)), sink, index))
            await lives[-1].begin()
        # all side by side: each waits for leases nearly all the time
        await asyncio.gather(*(_live(life, report) for life in lives))
        seen = sink.tell(dump=True)["seen"]
    report.figures |= figures_of(
        [account_of(life, [item for item in seen if item[1] == life.port_index]) for life in lives]
    )
    report.progress(json.dumps(report.figures))


async def _live(life: Life, report: Report) -> None:
    with report.part(life.plan.point):
        await life.live(report.progress)
    await life.end()
    await asyncio.to_thread(life.world.end)


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
    report = Report()
    with (
        report.part("servers"),
        tempfile.TemporaryDirectory(prefix="greenlane-faults-", ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name)
        with EmbeddedKafka(folder) as kafka, EmbeddedPostgres(folder) as postgres:
            with report.part("kills"):
                asyncio.run(kills(folder, kafka, postgres, total, report))
            with report.part("outages"):
                report.figures |= asyncio.run(outages(folder, kafka, postgres, report.progress))
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
