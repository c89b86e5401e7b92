"""Every process on real servers, the honest marketplaces' load, and what reached their receivers."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from tests.benchmarks.servers import Sink
from tests.faults.pipeline import Pipeline, Service, until
from tests.integration.webhooks.harness import ENCRYPTION_KEY

from greenlane.database.connection import migrate
from greenlane.operations.embedded import EmbeddedPostgres
from greenlane.settings import Settings
from greenlane.webhooks.management.administration import Administration, administration
from greenlane.webhooks.management.keys import add_key

NEIGHBOURS = ("an-vn", "binh-vn", "chi-vn")
EVIL = "evil-vn"
SERVICES = ("packaging_scorer", "delivery_scorer", "aggregator", "clock", "webhook_dispatcher")


@dataclass
class Running:
    """The running product: `settings` reach its servers, `api` is the management's address."""

    pipeline: Pipeline
    settings: Settings
    sink: Sink
    api: str
    tokens: dict[str, str] = field(default_factory=dict)

    def ended(self) -> dict[str, dict[int, int]]:
        """Services that ended, with their exit codes; nobody ended them on purpose."""
        return {name: codes for name, codes in self.pipeline.exits().items() if codes}

    def last_words(self) -> dict[str, list[str]]:
        """Why they ended, in their own words: what each said at the level CRITICAL, a line at most 1,000 characters."""
        return {
            name: [line[:1000] for line in self.pipeline.services[name].text().splitlines() if "CRITICAL" in line]
            for name in self.ended()
        }


@contextmanager
def everything(folder: Path) -> Iterator[Running]:
    """Kafka, PostgreSQL, every process, an endpoint for each neighbour and a key for each marketplace."""
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(folder))
        sink = stack.enter_context(Sink(len(NEIGHBOURS) + 1))
        asyncio.run(migrate(SecretStr(postgres.database_url)))
        environment = {
            "GREENLANE_DATABASE_URL": postgres.database_url,
            "GREENLANE_WEBHOOK_ENCRYPTION_KEY": ENCRYPTION_KEY,
            "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": "true",
        }
        pipeline = Pipeline(
            folder, SERVICES, marketplaces=(*NEIGHBOURS, EVIL), live_marketplaces=(), environment=environment
        )
        stack.callback(pipeline.close)
        settings = pipeline.settings.model_copy(
            update={
                "database_url": SecretStr(postgres.database_url),
                "webhook_encryption_key": SecretStr(ENCRYPTION_KEY),
                "webhook_allow_private_networks": True,
            }
        )
        api = pipeline.add(
            Service("webhook_api", pipeline.environment, folder, ("webhooks", "serve", "--rate", "200", "--port"))
        )
        pipeline.await_ready(SERVICES)
        until(api.listens, lambda: pipeline.said([api]))
        pipeline.supervise()
        running = Running(pipeline, settings, sink, f"http://127.0.0.1:{api.port}")
        asyncio.run(_introduce(running))
        yield running


async def _introduce(running: Running) -> None:
    async with administration(running.settings) as desk:
        for index, marketplace in enumerate((*NEIGHBOURS, EVIL)):
            url = f"http://127.0.0.1:{running.sink.ports[index]}/hook"
            await desk.add_endpoint(url, marketplace, types=["seller.score.updated"])
            running.tokens[marketplace] = (await add_key(desk, marketplace)).token


async def confirmed(desk: Administration, count: int) -> bool:
    """Whether so many endpoints are confirmed."""
    return sum(item.state == "active" for item in await desk.list_endpoints()) >= count


class Load:
    """The neighbours' events, published by a process of its own until `stop`, which tells all of them."""

    def __init__(self, settings: Settings, rate: float, sellers: int, day: date, marketplaces: Sequence[str]) -> None:
        options = {
            "bootstrap_servers": settings.kafka_bootstrap_servers, "marketplaces": marketplaces, "rate": rate,
            "sellers": sellers, "day": day.isoformat(),
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.tenants.neighbours", json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ),
        )

    def stop(self) -> tuple[list[tuple[str, str, str, int, float]], int]:
        """Every event (see `neighbours`) and how many were not acknowledged."""
        answer, _ = self._process.communicate(b'{"stop": true}\n', timeout=120)
        told: dict[str, Any] = json.loads(answer)
        return [tuple(event) for event in told["events"]], told["failed"]

    def end(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.wait()
