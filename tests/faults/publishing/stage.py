"""Servers, gateways and clients on this machine, each link behind a proxy, and a supervisor of what dies.

The scorers and the aggregator are not among those killed here (`make faults-streams` kills them): they start at the
end, and read what the storm left on the topic.
"""

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from pydantic import SecretStr
from tests.faults.network import Network
from tests.faults.pipeline import PATIENCE, Child, Pipeline, Service, until
from tests.faults.publishing.client import ENOUGH
from tests.faults.publishing.events import MARKETPLACE
from tests.integration.webhooks.harness import ENCRYPTION_KEY

from greenlane.database.api_keys import KeyScope
from greenlane.operations.embedded import EmbeddedPostgres
from greenlane.operations.embedded.folder import choose_port
from greenlane.publishing.outbox.ddl import ddl
from greenlane.settings import Settings
from greenlane.webhooks.management.administration import administration
from greenlane.webhooks.management.keys import add_key

GATEWAYS = ("gateway-0", "gateway-1")
RELAYS = ("relay-0", "relay-1")
SCORING = ("packaging_scorer", "delivery_scorer", "aggregator")
ALTERED = Path(__file__).with_name("altered_gateway.py")


class Stage:
    """What runs: `running` is the broker with its settings, `network` every link that can be cut."""

    def __init__(self, folder: Path, running: Pipeline, network: Network, database_url: str) -> None:
        self.folder, self.running, self.network = folder, running, network
        self.database_url = database_url
        self.gateways: dict[str, Service] = {}
        self.clients: dict[str, Child] = {}
        self.relays: dict[str, Service] = {}
        self._ended = threading.Event()
        self._reviving = threading.Lock()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    @property
    def children(self) -> dict[str, Child]:
        """Everything that is started again when it ends."""
        return {**self.gateways, **self.relays, **self.clients}

    def environment(self, link: str, **more: str) -> Mapping[str, str]:
        """What a process is told that reaches Kafka by this link."""
        return self.running.environment | {"GREENLANE_KAFKA_BOOTSTRAP_SERVERS": self.network.address(link)} | more

    def start_gateways(self, broken: str) -> None:
        """Two gateways, and before each a proxy of the same name with `http-`; `broken` takes a rule away from them."""
        for name in GATEWAYS:
            own = self.folder / name
            own.mkdir()
            port = choose_port(0, "free some ports")
            environment = self.environment(
                name,
                GREENLANE_DATABASE_URL=self.database_url,
                GREENLANE_GATEWAY_PORT=str(port),
                GREENLANE_GATEWAY_RATE="1000000",
                GREENLANE_DATA_DIR=str(own),
            )
            self.gateways[name] = gateway = Service("gateway", environment, own)
            if broken:
                gateway.end()
                gateway.command = [sys.executable, str(ALTERED), broken]
                gateway.start()
            self.network.join(f"http-{name}", port)
        until(lambda: all(item.ready() for item in self.gateways.values()), "gateways", PATIENCE)

    def start_relays(self) -> None:
        """The outbox's table in the shop's database, and two relays side by side on it."""
        asyncio.run(self._create_outbox())
        for name in RELAYS:
            own = self.folder / name
            own.mkdir()
            environment = self.environment(
                name,
                GREENLANE_OUTBOX_DATABASE_URL=self.database_url,
                GREENLANE_OUTBOX_MARKETPLACE=MARKETPLACE,
                GREENLANE_DATA_DIR=str(own),
            )
            self.relays[name] = Service("outbox", environment, own)
        until(lambda: all(item.ready() for item in self.relays.values()), "relays", PATIENCE)

    async def _create_outbox(self) -> None:
        connection = await asyncpg.connect(self.database_url)
        await connection.execute(ddl("postgresql", MARKETPLACE))
        await connection.close()

    @property
    def doors(self) -> list[str]:
        """The ports at which clients find the gateways."""
        return [str(self.network.listens[f"http-{name}"]) for name in self.gateways]

    def token(self) -> str:
        """A key that opens the gateways."""
        return asyncio.run(self._token())

    async def _token(self) -> str:
        settings = Settings(database_url=SecretStr(self.database_url), webhook_encryption_key=SecretStr(ENCRYPTION_KEY))
        async with administration(settings) as desk:
            return (await add_key(desk, MARKETPLACE, scopes=(KeyScope.WRITE_EVENTS,))).token

    def start_client(self, road: str, name: str, *addresses: str) -> None:
        """A client on this road."""
        words = [sys.executable, "-m", "tests.faults.publishing.client", road, name, str(self.folder), *addresses]
        self.clients[name] = Child(name, words, self.running.environment, self.folder)

    def supervise(self) -> None:
        """From now on start again what ends, but for clients that have finished."""
        self._supervisor.start()

    def _supervise(self) -> None:
        while not self._ended.wait(0.05):
            with self._reviving:
                if self._ended.is_set():
                    return
                for name, child in self.children.items():
                    if name not in self.clients or child.process.poll() != 0:
                        child.revive()

    def finish_clients(self, seconds: float) -> None:
        """Have every client end once each of its events has a verdict."""
        (self.folder / ENOUGH).touch()
        for child in self.children.values():
            child.process.send_signal(signal.SIGCONT)
        until(
            lambda: all(child.process.poll() == 0 for child in self.clients.values()),
            lambda: self.running.said([child for child in self.clients.values() if child.process.poll() != 0]),
            seconds,
        )

    def end(self) -> None:
        """Stop what was started here."""
        self._ended.set()
        with self._reviving:
            for child in self.children.values():
                child.end()

    def start_scoring(self) -> None:
        """Start the scorers and the aggregator on what stands there."""
        for name in SCORING:
            self.running.add(Service(name, self.running.environment, self.folder))
        self.running.await_ready()


@contextmanager
def stage(folder: Path, links: Sequence[str]) -> Iterator[Stage]:
    """Kafka, PostgreSQL and a network with these links to Kafka beside the gateways'."""
    network = Network((*GATEWAYS, *RELAYS, *links), folder)
    try:
        with EmbeddedPostgres(folder) as postgres:
            running = Pipeline(folder, (), detours=network.detours, marketplaces=(MARKETPLACE,), live_marketplaces=())
            made = Stage(folder, running, network, postgres.database_url)
            try:
                yield made
            finally:
                made.end()
                running.close()
    finally:
        network.close()
