"""Full disks, of the broker and of the dispatcher's database: loud, not ready, and sound once there is room."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.benchmarks.servers import Sink, topics_of
from tests.faults.full_disk import filled, small_disk
from tests.faults.load import Load, history
from tests.faults.pipeline import Pipeline, pipeline, until
from tests.faults.streams import drained
from tests.faults.webhooks.life import Life, Plan, start_dying
from tests.integration.webhooks import harness as webhook_harness
from tests.integration.webhooks.harness import world_of

from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(os.geteuid() != 0, reason="only a superuser may mount a small disk"),
]

KAFKA_MB, POSTGRES_MB = 300, 200
EACH = 200


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[EmbeddedKafka, EmbeddedPostgres]]:
    with (
        small_disk(tmp_path / "postgres", POSTGRES_MB),
        EmbeddedKafka(tmp_path) as kafka,
        EmbeddedPostgres(tmp_path) as postgres,
    ):
        yield kafka, postgres


def test_a_broker_with_a_full_disk_stops_everybody_aloud_and_with_room_again_nothing_is_lost(tmp_path: Path) -> None:
    with small_disk(tmp_path / "kafka", KAFKA_MB) as disk, pipeline(tmp_path) as running:
        load = Load(running.settings.kafka_bootstrap_servers, history(6, sellers=24, days=60), rate=60)
        load.start()
        until(lambda: load.days >= 2 or load.error is not None, "two closed days")
        with filled(disk):
            until(lambda: not running.broker.running, "the broker stops")
            until(lambda: ready(running) == [], lambda: f"nobody is ready; {ready(running)} are")
            said = (disk / "server.log").read_text(encoding="utf-8", errors="replace")
            assert "No space left on device" in said or "SIGBUS" in said
        running.broker.restart()
        running.await_ready()
        days = load.days
        until(lambda: load.days >= days + 2 or load.error is not None, "two days more")
        load.finish()
        verdict = drained(running)
        assert verdict.agrees, verdict.to_text()
        assert verdict.decisions > 0


def ready(running: Pipeline) -> list[str]:
    return [name for name, service in running.services.items() if service.ready()]


async def test_a_database_with_a_full_disk_makes_the_dispatcher_wait_aloud_and_with_room_again_nothing_is_lost(
    tmp_path: Path, servers: tuple[EmbeddedKafka, EmbeddedPostgres]
) -> None:
    kafka, postgres = servers
    with (
        Sink(1) as sink,
        world_of(postgres.database_url, kafka.bootstrap_servers, topics_of(kafka.bootstrap_servers), tmp_path) as world,
    ):
        life = Life(world, Plan("", 1, 0), sink, 0)
        await life.begin()
        process = start_dying(world, "", 1)
        log = tmp_path / "dispatcher-0.log"
        await webhook_harness.until(life.active, 60)
        await life.append(EACH)
        await webhook_harness.until(life.all_final, 60)
        with filled(tmp_path / "postgres"):
            await life.append(EACH)
            await webhook_harness.until(lambda: "webhook database unavailable" in log.read_text(encoding="utf-8"), 120)
            await webhook_harness.until(lambda: not_ready(log), 120)
        if not postgres.running:
            await asyncio.to_thread(postgres.restart)
        await life.begin_again()
        await life.append(EACH)
        await webhook_harness.until(life.all_final, 120)
        assert process.poll() is None
        seen = {identity for _, _, identity, _ in sink.tell(dump=True)["seen"]}
        assert life.expected <= seen
        await life.end()


def not_ready(log: Path) -> bool:
    """Whether the last that the dispatcher said of itself was that it is not ready."""
    said = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(("ready", "not ready"))]
    return said[-1].startswith("not ready")
