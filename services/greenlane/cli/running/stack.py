"""Everything on one machine: the servers, the topics, the tables and one process a service, watched and restarted."""

import asyncio
import contextlib
import json
import os
import signal
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

from greenlane.cli.connection import told_settings, with_webhook_key
from greenlane.contracts.topics import ASSESSMENTS, declared_topics
from greenlane.database.connection import migrate
from greenlane.operations.doctor import reached
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres, EmbeddedServerError
from greenlane.operations.embedded.folder import choose_port, keep_old, last_lines
from greenlane.operations.rules import adopt_missing, refuse_other_rules
from greenlane.operations.running_stack import RunningService, RunningStack, StackFolder
from greenlane.operations.supervisor import WATCH_SECONDS, PartStatus, Supervisor
from greenlane.operations.topic_provisioning import apply as apply_topics
from greenlane.settings import SERVICES, Settings

READY_SECONDS = 60.0
STOP_SECONDS = 40.0
_MEANINGS = {2: "wrong settings", 70: "gave up so that nothing is lost or counted twice"}


@dataclass
class Service:
    """One service's process, the address of its metrics, and how it is started."""

    name: str
    host: str
    port: int
    log: Path
    environment: dict[str, str]
    folder: StackFolder
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Base address of metrics and health."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def unreadiness(self) -> str | None:
        """Why the service is not ready; None when it is."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz/ready", timeout=2):  # noqa: S310 - a fixed loopback URL
                return None
        except urllib.error.HTTPError as error:
            return str(json.loads(error.read() or b"{}"))
        except OSError as error:
            return str(error)

    def fault(self) -> str | None:
        """How the process ended, and the last that its log says of it; None while it runs."""
        code = None if self.process is None else self.process.poll()
        if self.process is not None and code is None:
            return None
        return f"ended with {_meaning(code)}. It says: {last_lines(self.log, 1)}. Its log is {self.log}"

    def start_again(self) -> None:
        """Start the process."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own program with fixed arguments, no shell
                [sys.executable, "-m", "greenlane", "run", self.name],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,  # Ctrl-C reaches only us: services stop in order
            )

    def held_by(self) -> str | None:
        """Which command wants the service to stand still."""
        return self.folder.held_by(self.name)

    def halt(self, seconds: float = STOP_SECONDS) -> None:
        """Ask the process to stop, and end it when it has not done so in time."""
        if self.process is not None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            self.process.kill()
            self.process.wait()


@dataclass
class Server:
    """An embedded server as the supervisor sees it."""

    name: str
    server: EmbeddedKafka | EmbeddedPostgres

    def fault(self) -> str | None:
        """That it died; None while it runs."""
        return None if self.server.running else "died"

    def start_again(self) -> None:
        """Start it on the port it had. Raises EmbeddedServerError with the remedy."""
        self.server.restart()

    def held_by(self) -> str | None:
        """Nobody holds a server."""
        return None

    def halt(self) -> None:
        """Stop it."""
        self.server.stop()


def _meaning(code: int | None) -> str:
    if code is None:
        return "nothing: it was never started"
    if code < 0:
        return signal.Signals(-code).name
    return f"{code} ({_MEANINGS[code]})" if code in _MEANINGS else str(code)


@dataclass
class Stack:
    """Starts and stops everything; a context manager. What dies is started again, on the same ports and data."""

    settings: Settings
    notify: Callable[[str], None]
    services: dict[str, Service] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._stopping, self._ended = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._kafka: EmbeddedKafka | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._watcher = threading.Thread(target=self._watch, name="stack-watch", daemon=True)
        self._folder = StackFolder(self.settings.data_dir)
        given = told_settings(self.settings)
        self._folder.acquire()
        try:
            self._start_servers()
            self._told = given | {"kafka_bootstrap_servers": self.settings.kafka_bootstrap_servers}
            self._prepare()
            self._start_services()
            self._await_ready()
            self._publish({})
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
        started = [service for service in self.services.values() if service.process is not None]
        for service in started:
            if service.process is not None:
                service.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for service in started:
            service.halt(max(0.1, deadline - time.monotonic()))
        for server in (self._kafka, self._postgres):
            if server is not None:
                server.stop()
        self._folder.release()

    def keep_running(self) -> None:
        """Wait until interrupted. Raises EmbeddedServerError should the watch itself end: nothing runs unwatched."""
        while not self._ended.wait(WATCH_SECONDS):
            continue
        if self._failure is not None:
            raise EmbeddedServerError(
                f"The supervisor failed ({type(self._failure).__name__}: {self._failure}), so everything was stopped. "
                "Start it again with `greenlane up`."
            ) from self._failure

    def table(self) -> Table:
        """What runs where, for people."""
        table = Table("part", "address", "log", title="Running", title_justify="left")
        table.add_row("kafka", self.settings.kafka_bootstrap_servers, "")
        for service in self.services.values():
            table.add_row(service.name, f"{service.url}/metrics", str(service.log))
        table.add_row("webhooks over HTTP", f"http://{reached(self.settings.webhook_api_host)}:{self._api_port}", "")
        table.add_row("events over HTTP", f"http://{reached(self.settings.gateway_host)}:{self._gateway_port}", "")
        return table

    def _watch(self) -> None:
        servers = {"kafka": self._kafka, "postgresql": self._postgres}
        first = [Server(name, server) for name, server in servers.items() if server is not None]
        try:
            Supervisor(first, list(self.services.values()), self.notify, self._publish).run(self._stopping)
        except BaseException as error:  # noqa: BLE001 - told by keep_running, which stops everything
            self._failure = error
        finally:
            self._ended.set()

    def _publish(self, statuses: dict[str, PartStatus]) -> None:
        told = {}
        for name, service in self.services.items():
            status = statuses.get(name, PartStatus(0.0))
            told[name] = RunningService(
                port=service.port,
                log=service.log.absolute(),
                state=status.state,
                restarts=status.restarts,
                reason=status.reason,
            )
        self._folder.publish(RunningStack(pid=os.getpid(), settings=self._told, services=told))

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
        adopted = adopt_missing(settings, anew=done.creates(ASSESSMENTS))
        if adopted is None or not adopted.first:
            refuse_other_rules(settings)
        asyncio.run(migrate(settings.database_url))

    def _start_services(self) -> None:
        logs = self.settings.data_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._api_port = choose_port(
            self.settings.webhook_api_port or 0, "set GREENLANE_WEBHOOK_API_PORT to a free one"
        )
        self._gateway_port = choose_port(self.settings.gateway_port or 0, "set GREENLANE_GATEWAY_PORT to a free one")
        for number, name in enumerate(SERVICES):
            wanted = self.settings.port + number if self.settings.port else 0
            port = choose_port(wanted, "set GREENLANE_PORT to the first of seven free ports, or to 0 for any")
            log = logs / f"{name}.log"
            keep_old(log)
            log.touch()
            self.services[name] = Service(
                name, reached(self.settings.host), port, log, self._environment(port), self._folder
            )
            self.services[name].start_again()

    def _environment(self, port: int) -> dict[str, str]:
        settings = self.settings
        return os.environ | {
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "GREENLANE_DATABASE_URL": settings.database_url.get_secret_value(),
            "GREENLANE_WEBHOOK_ENCRYPTION_KEY": settings.webhook_encryption_key.get_secret_value(),
            "GREENLANE_MARKETPLACES": ",".join(settings.marketplaces),
            "GREENLANE_LIVE_MARKETPLACES": ",".join(settings.live_marketplaces),
            "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": str(settings.webhook_allow_private_networks),
            "GREENLANE_DATA_DIR": str(settings.data_dir),
            "GREENLANE_INSTANCE": "0",
            "GREENLANE_PORT": str(port),
            "GREENLANE_WEBHOOK_API_PORT": str(self._api_port),
            "GREENLANE_GATEWAY_PORT": str(self._gateway_port),
        }

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for service in self.services.values():
            while (reason := service.unreadiness()) is not None:
                if (fault := service.fault()) is not None or time.monotonic() > deadline:
                    raise EmbeddedServerError(
                        f"{service.name} did not get ready: {fault or reason}. Its whole log is {service.log}."
                    )
                time.sleep(0.1)
