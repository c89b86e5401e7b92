"""A network that fails on demand: every client of the broker behind a proxy of its own, by Shopify's toxiproxy.

`make .greenlane/bin/toxiproxy` installs the server; GREENLANE_TEST_TOXIPROXY names another one.
"""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tests.faults.pipeline import SERVICES, Pipeline, until

from greenlane.operations.embedded.folder import LOOPBACK, choose_port

PUBLISHER = "publisher"
Way = Literal["upstream", "downstream"]
"""Towards the broker, or back from it."""


def toxiproxy_server() -> str:
    """Path of the proxy's program."""
    named = os.environ.get("GREENLANE_TEST_TOXIPROXY")
    installed = Path(__file__).parents[2] / ".greenlane" / "bin" / "toxiproxy"
    found = named or (str(installed) if installed.exists() else shutil.which("toxiproxy-server"))
    assert found, "toxiproxy is missing: `make .greenlane/bin/toxiproxy` installs it"
    return found


class Network:
    """One proxy for each client name; `listens` and `leads_to` are its loopback ports."""

    def __init__(self, clients: Collection[str], folder: Path) -> None:
        self.clients = tuple(clients)
        self.listens = {name: choose_port(0, "free some ports") for name in clients}
        self.leads_to = {name: choose_port(0, "free some ports") for name in clients}
        self._api = choose_port(0, "free some ports")
        command = [toxiproxy_server(), "-host", LOOPBACK, "-port", str(self._api)]
        with (folder / "toxiproxy.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers, "toxiproxy answers", seconds=20)
        for name in clients:
            self._join(name, self.leads_to[name])

    def join(self, name: str, port: int) -> None:
        """Put a proxy in front of another server's loopback port; clients of it go to `listens[name]`."""
        self.listens[name] = choose_port(0, "free some ports")
        self._join(name, port)

    def _join(self, name: str, port: int) -> None:
        ends = {"listen": self.address(name), "upstream": f"{LOOPBACK}:{port}"}
        self._ask("POST", "proxies", {"name": name, **ends})

    def address(self, client: str) -> str:
        """The broker's address as this client sees it."""
        return f"{LOOPBACK}:{self.listens[client]}"

    @property
    def detours(self) -> Mapping[int, int]:
        """The listeners that the broker needs."""
        return {self.leads_to[name]: self.listens[name] for name in self.clients}

    @contextmanager
    def toxic(  # what, to whom, which way
        self, kind: str, clients: Collection[str], ways: Collection[Way], *, toxicity: float = 1.0, **attributes: int
    ) -> Iterator[None]:
        """While inside, data of these clients meets a toxic; `toxicity` is the share of connections that do."""
        applied = [(name, f"{kind}-{way}") for name in clients for way in ways]
        for (name, title), way in zip(applied, [way for _ in clients for way in ways], strict=True):
            toxic = {"name": title, "type": kind, "stream": way, "toxicity": toxicity, "attributes": attributes}
            self._ask("POST", f"proxies/{name}/toxics", toxic)
        try:
            yield
        finally:
            for name, title in applied:
                self._ask("DELETE", f"proxies/{name}/toxics/{title}")

    def reset(self, clients: Collection[str]) -> None:
        """Close every connection of these clients now, in the middle of whatever it carries."""
        for name in clients:
            for enabled in (False, True):
                self._ask("POST", f"proxies/{name}", {"enabled": enabled})

    def close(self) -> None:
        """End the proxy."""
        self._process.terminate()
        self._process.wait(20)

    def _answers(self) -> bool:
        try:
            self._ask("GET", "version")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self._api}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - the same
            return


@contextmanager
def proxied(folder: Path, services: Collection[str] = SERVICES) -> Iterator[tuple[Pipeline, Network]]:
    """A running supervised pipeline whose services and publisher each reach the broker through a proxy."""
    network = Network((*services, PUBLISHER), folder)
    try:
        addresses = {name: network.address(name) for name in services}
        running = Pipeline(folder, services, detours=network.detours, addresses=addresses)
        try:
            running.await_ready()
            running.supervise()
            yield running, network
        finally:
            running.close()
    finally:
        network.close()
