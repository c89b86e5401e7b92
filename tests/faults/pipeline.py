"""The real pipeline under a supervisor that starts again what dies, as an operator's would; victims are chosen here."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from greenlane.contracts.topics import declared_topics
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.embedded.folder import choose_port
from greenlane.operations.topic_provisioning import apply
from greenlane.settings import Settings

MARKETPLACE, LIVE_MARKETPLACE = "demo-vn", "live-vn"
SERVICES = ("packaging_scorer", "delivery_scorer", "aggregator", "clock")
BROKER = "broker"
PARTITIONS = 2
PATIENCE = 180.0
POLICY = """
version: "0.0.1"
window_days: 14
lateness_days: 11
prior_parcels: 1
enter_days: 2
leave_days: 2
leave_margin: 0
levels:
  - {level: bronze, green_min: 50, dimension_min: 30, primary_share_min_percent: 0, packed_min: 3, delivered_min: 0,
     active_days_min: 1, non_compliant_max_percent: 100}
  - {level: silver, green_min: 56, dimension_min: 35, primary_share_min_percent: 0, packed_min: 3, delivered_min: 0,
     active_days_min: 1, non_compliant_max_percent: 100}
  - {level: gold, green_min: 62, dimension_min: 40, primary_share_min_percent: 0, packed_min: 5, delivered_min: 0,
     active_days_min: 2, non_compliant_max_percent: 100}
"""
"""A short window and low thresholds, so that badges come and go within weeks of history."""


class Child:
    """A process that is started again under the same name; its words go to `folder`/`name`.log."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.exits: Counter[int] = Counter()
        self.command = list(command)
        self._log = folder / f"{name}.log"
        self._environment = dict(environment)
        self.process = self._launch()

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(self.command, env=self._environment, stdout=log, stderr=log)

    def tell(self, **environment: str) -> None:
        """What `environment` says holds from the next start on."""
        self._environment |= environment

    def start(self, **environment: str) -> None:
        """Start the process; what `environment` says holds from now on."""
        self.tell(**environment)
        self.process = self._launch()

    def revive(self) -> None:
        """Start the process again if it ended."""
        if (code := self.process.poll()) is not None:
            self.exits[code] += 1
            self.start()

    def text(self) -> str:
        """Everything the process and its predecessors said."""
        return self._log.read_text(errors="replace")

    def end(self) -> None:
        """Stop for good."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


class Service(Child):
    """One service's process, on the same port and under the same name in its group at every start."""

    def __init__(
        self, name: str, environment: Mapping[str, str], folder: Path, words: Sequence[str] | None = None
    ) -> None:
        """`words` replace `run NAME` as its command, and its port follows them."""
        self.port = choose_port(0, "free some ports")
        spoken = ("run", name) if words is None else (*words, str(self.port))
        command = [sys.executable, "-m", "greenlane", *spoken]
        super().__init__(name, command, {**environment, "GREENLANE_PORT": str(self.port)}, folder)

    def ready(self) -> bool:
        """Whether the process says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz/ready", timeout=2):
                return self.process.poll() is None
        except (urllib.error.URLError, OSError):
            return False

    def listens(self) -> bool:
        """Whether its port takes connections."""
        with socket.socket() as dialled:
            return dialled.connect_ex(("127.0.0.1", self.port)) == 0

    def counted(self, name: str, **labels: str) -> float:
        """What the process says of a metric now, summed over the labels that are not given."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        samples = [sample for family in families for sample in family.samples if sample.name == f"greenlane_{name}"]
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


class Pipeline:
    """A broker and services; `supervised` services are started again whenever they end.

    `addresses` names other ways to the broker for some services, `detours` the listeners at their ends.
    """

    def __init__(
        self,
        folder: Path,
        services: Collection[str] = SERVICES,
        *,
        detours: Mapping[int, int] | None = None,
        addresses: Mapping[str, str] | None = None,
        marketplaces: Sequence[str] = (MARKETPLACE, LIVE_MARKETPLACE),
        live_marketplaces: Sequence[str] = (LIVE_MARKETPLACE,),
        environment: Mapping[str, str] | None = None,
        policy: str | None = POLICY,
    ) -> None:
        """Without a `policy` the shipped one holds."""
        self.folder = folder
        self.broker = EmbeddedKafka(folder, detours=detours).start()
        policy_file = None if policy is None else folder / "policy.yaml"
        if policy_file is not None and policy is not None:
            policy_file.write_text(policy, encoding="utf-8")
        self.settings = Settings(
            kafka_bootstrap_servers=self.broker.bootstrap_servers,
            marketplaces=tuple(marketplaces),
            live_marketplaces=tuple(live_marketplaces),
            partitions=PARTITIONS,
            policy_file=policy_file,
        )
        apply(self.broker.bootstrap_servers, declared_topics(marketplaces), PARTITIONS, 1)
        self.environment = os.environ | {
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
            "GREENLANE_MARKETPLACES": ",".join(marketplaces),
            "GREENLANE_LIVE_MARKETPLACES": ",".join(live_marketplaces),
            "GREENLANE_PARTITIONS": str(PARTITIONS),
            **({} if policy_file is None else {"GREENLANE_POLICY_FILE": str(policy_file)}),
            "GREENLANE_DATA_DIR": str(folder),
            "GREENLANE_INSTANCE": "0",
            **(environment or {}),
        }
        self._addresses = addresses or {}
        self.services = {name: Service(name, self._environment_of(name), folder) for name in services}
        self._ended = threading.Event()
        self._reviving = threading.Lock()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def _environment_of(self, service: str) -> dict[str, str]:
        address = self._addresses.get(service, self.broker.bootstrap_servers)
        return self.environment | {"GREENLANE_KAFKA_BOOTSTRAP_SERVERS": address}

    def add(self, service: Service) -> Service:
        """Count one more service among those that are watched, asked and ended."""
        self.services[service.name] = service
        return service

    def supervise(self) -> None:
        """From now on start again what ends."""
        self._supervisor.start()

    def _supervise(self) -> None:
        while not self._ended.wait(0.05):
            with self._reviving:
                if self._ended.is_set():  # while this thread waited for the lock
                    return
                for service in self.services.values():
                    service.revive()

    def await_ready(self, names: Collection[str] | None = None) -> None:
        """Wait until these services, or all, say that they are ready."""
        wanted = [self.services[name] for name in names or self.services]
        until(lambda: all(service.ready() for service in wanted), lambda: self.said(wanted))

    def hit(self, victims: Collection[str], number: signal.Signals) -> None:
        """Signal these services, whatever they are at, and do not wait."""
        for name in victims:
            self.services[name].process.send_signal(number)

    def strike(self, victims: Collection[str], number: signal.Signals) -> dict[str, float]:
        """Signal the victims at once and return the seconds each took to be ready again.

        The broker has recovered when it serves and every service is ready.
        """
        struck = time.monotonic()
        before = {name: self.services[name].process for name in victims if name != BROKER}
        for process in before.values():
            process.send_signal(number)
        if BROKER in victims:
            self.strike_broker(number)
        recovered: dict[str, float] = {}

        def look() -> bool:
            for name, process in before.items():
                service = self.services[name]
                if name not in recovered and service.process is not process and service.ready():
                    recovered[name] = time.monotonic() - struck
            return len(recovered) == len(before)

        until(look, lambda: self.said([self.services[name] for name in before if name not in recovered]))
        if BROKER in victims:
            self.await_ready()
            recovered[BROKER] = time.monotonic() - struck
        return recovered

    def strike_broker(self, number: signal.Signals) -> None:
        """Kill or stop the broker and start it again on the same port."""
        assert self.broker.pid is not None
        os.kill(self.broker.pid, number)
        until(lambda: not self.broker.running, "the broker's end")
        self.broker.restart()

    def exits(self) -> dict[str, dict[int, int]]:
        """How often each service ended with which code."""
        return {name: dict(service.exits) for name, service in self.services.items()}

    def said(self, services: Collection[Child]) -> str:
        """The last words of some services."""
        return json.dumps({service.name: service.text()[-2000:] for service in services}, indent=1)

    def close(self) -> None:
        """Stop everything; nothing is left behind."""
        self._ended.set()
        with self._reviving:
            for service in self.services.values():
                service.end()
        self.broker.stop()


@contextmanager
def pipeline(folder: Path, services: Collection[str] = SERVICES, *, supervised: bool = True) -> Iterator[Pipeline]:
    """A running pipeline, every service ready."""
    running = Pipeline(folder, services)
    try:
        running.await_ready()
        if supervised:
            running.supervise()
        yield running
    finally:
        running.close()


def until(condition: Callable[[], bool], what: str | Callable[[], str], seconds: float = PATIENCE) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what if isinstance(what, str) else what()}"
        time.sleep(0.05)


def let_pass(seconds: float) -> None:
    """Let real time pass: what is tested is what others do with a silence, or a rhythm, of so long."""
    signal.sigtimedwait([], seconds)
