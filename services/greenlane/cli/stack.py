"""Everything on one machine: the servers, the topics, the tables and one process a service, watched and restarted."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr
from rich.table import Table

from greenlane.cli.connection import with_webhook_key
from greenlane.contracts.topics import declared_topics
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres, EmbeddedServerError
from greenlane.operations.embedded.folder import choose_port, last_lines
from greenlane.operations.topics import apply as apply_topics
from greenlane.settings import SERVICES, Settings
from greenlane.webhook_dispatcher.database import migrate

READY_SECONDS = 60.0
STOP_SECONDS = 40.0
WATCH_SECONDS = 0.5


@dataclass
class Service:
    """One service's process, the address of its metrics, and how often it had to be started again."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]
    restarts: int = 0

    @property
    def url(self) -> str:
        """Base address of metrics and health."""
        return f"http://127.0.0.1:{self.port}"

    def unreadiness(self) -> str | None:
        """Why the service is not ready; None when it is."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz/ready", timeout=2):  # noqa: S310 - a fixed loopback URL
                return None
        except urllib.error.HTTPError as error:
            return str(json.loads(error.read() or b"{}"))
        except OSError as error:
            return str(error)


@dataclass
class Stack:
    """Starts and stops everything; a context manager. What dies is started again, on the same ports and data."""

    settings: Settings
    notify: Callable[[str], None]
    environment: dict[str, str] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._stopping = threading.Event()
        self._kafka: EmbeddedKafka | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._watcher = threading.Thread(target=self._watch, name="stack-watch", daemon=True)
        try:
            self._start_servers()
            self._prepare()
            self._start_services()
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the services, then the servers; each gets the time it needs to finish its work."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for service in self.services.values():
            service.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for service in self.services.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                service.process.wait(max(0.1, deadline - time.monotonic()))
            service.process.kill()
            service.process.wait()
        for server in (self._kafka, self._postgres):
            if server is not None:
                server.stop()

    def keep_running(self) -> None:
        """Wait until interrupted."""
        while not self._stopping.wait(WATCH_SECONDS):
            continue

    def table(self) -> Table:
        """What runs where, for people."""
        table = Table("part", "address", "log", title="Running", title_justify="left")
        table.add_row("kafka", self.settings.kafka_bootstrap_servers, "")
        for service in self.services.values():
            table.add_row(service.name, f"{service.url}/metrics", str(service.log))
        return table

    def _start_servers(self) -> None:
        settings = self.settings
        with ThreadPoolExecutor(2) as pool:
            starts: list[Future[object]] = []
            if not settings.kafka_bootstrap_servers:
                self._kafka = EmbeddedKafka(settings.data_dir, notify=self.notify)
                starts.append(pool.submit(self._kafka.start))
            if not settings.database_url.get_secret_value():
                self._postgres = EmbeddedPostgres(settings.data_dir, notify=self.notify)
                starts.append(pool.submit(self._postgres.start))
            for start in starts:
                start.result()
        update: dict[str, object] = {}
        if self._kafka:
            update["kafka_bootstrap_servers"] = self._kafka.bootstrap_servers
        if self._postgres:
            update["database_url"] = SecretStr(self._postgres.database_url)
        self.settings = with_webhook_key(settings.model_copy(update=update))

    def _prepare(self) -> None:
        settings = self.settings
        done = apply_topics(
            settings.kafka_bootstrap_servers,
            declared_topics(settings.marketplaces),
            settings.partitions,
            settings.replication_factor,
        )
        for change in done.refused:
            self.notify(f"topic {change.topic}: {change.reason}")
        asyncio.run(migrate(settings.database_url))

    def _start_services(self) -> None:
        logs = self.settings.data_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        for name in SERVICES:
            port = choose_port(0, "free some ports")
            log = logs / f"{name}.log"
            log.write_bytes(b"")
            self.services[name] = Service(name, port, log, self._launch(name, port, log))

    def _launch(self, name: str, port: int, log: Path) -> subprocess.Popen[bytes]:
        settings = self.settings
        environment = (
            os.environ
            | self.environment
            | {
                "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
                "GREENLANE_DATABASE_URL": settings.database_url.get_secret_value(),
                "GREENLANE_WEBHOOK_ENCRYPTION_KEY": settings.webhook_encryption_key.get_secret_value(),
                "GREENLANE_MARKETPLACES": ",".join(settings.marketplaces),
                "GREENLANE_LIVE_MARKETPLACES": ",".join(settings.live_marketplaces),
                "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": str(settings.webhook_allow_private_networks),
                "GREENLANE_INSTANCE": "0",
                "GREENLANE_PORT": str(port),
            }
        )
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own program with fixed arguments, no shell
                [sys.executable, "-m", "greenlane", "run", name],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches only us: services stop in order
            )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for service in self.services.values():
            while (reason := service.unreadiness()) is not None:
                if service.process.poll() is not None or time.monotonic() > deadline:
                    raise EmbeddedServerError(
                        f"{service.name} did not get ready: {reason}. It says: {last_lines(service.log, 1)}. "
                        f"Its whole log is {service.log}."
                    )
                time.sleep(0.1)

    def _watch(self) -> None:
        """Start again what died. Servers first: services cannot live without them."""
        while not self._stopping.wait(WATCH_SECONDS):
            for server in (self._kafka, self._postgres):
                if server is not None and not server.running:
                    self.notify(f"{type(server).__name__} died; starting it again")
                    server.restart()
            for service in self.services.values():
                if (code := service.process.poll()) is not None:
                    service.restarts += 1
                    self.notify(f"{service.name} ended with {code}; starting it again")
                    service.process = self._launch(service.name, service.port, service.log)
