"""Start the image's services as docker-compose.yml does, on real servers, and count what arrives; `make image`.

A container of buildah runs each service: the image's own files, user, entry point and variables, on this machine's
network. The last line is one JSON object; the exit code is 1 when a service is not ready, a record or a webhook is
missing, an account differs from the oracle's, or a service does not stop when asked.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from greenlane.cli.connection import with_webhook_key
from greenlane.cli.demo.demo import play
from greenlane.cli.demo.receiver import Receiver
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
from greenlane.operations.embedded.folder import choose_port
from greenlane.publishing.simulator.marketplace import SimulationPlan
from greenlane.settings import SERVICES, Settings

ROOT = Path(__file__).parents[2]
READY_SECONDS, STOP_SECONDS = 120.0, 40.0
VARIABLE = re.compile(r"\$\{(\w+)(?::[-?]([^}]*))?\}")
NO_SAMPLE = Path("no-sample")


@dataclass(frozen=True, slots=True)
class Image:
    """A built image, and what it is for."""

    name: str

    @property
    def entry_point(self) -> list[str]:
        """What the image runs before a service's own words."""
        return list(self._inspected()["OCIv1"]["config"]["Entrypoint"])

    def _inspected(self) -> Any:
        return json.loads(_said("buildah", "inspect", "--type", "image", self.name))

    @contextmanager
    def container(self) -> Iterator[str]:
        """A container of the image, removed at the end."""
        made = _said("buildah", "from", "--pull-never", self.name).strip()
        try:
            yield made
        finally:
            _said("buildah", "rm", made)


@dataclass(slots=True)
class Running:
    """A service of docker-compose.yml in a container of its own."""

    command: list[str]
    port: int
    process: subprocess.Popen[bytes]

    def await_ready(self, healthcheck: list[str]) -> None:
        """Run the service's own health check in its container until it passes. Raises when the service ends before."""
        deadline = time.monotonic() + READY_SECONDS
        asked = [word.replace(":9100/", f":{self.port}/") for word in healthcheck]
        while subprocess.run([*self.command, *asked], check=False, capture_output=True).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"a service is not ready: {self.command}")

    def stop(self) -> int | None:
        """Ask the service to stop, as `docker stop` does; its exit code, None when it had to be killed."""
        os.kill(_innermost(self.process.pid), signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


def main(image: Image) -> int:
    """Build on nothing but the image, the Compose file and two servers."""
    began = time.monotonic()
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-image-", ignore_cleanup_errors=True) as made,
        ExitStack() as all_,
    ):
        kafka = all_.enter_context(EmbeddedKafka(Path(made)))
        postgres = all_.enter_context(EmbeddedPostgres(Path(made)))
        receiver = all_.enter_context(Receiver())
        settings = with_webhook_key(
            Settings(
                kafka_bootstrap_servers=kafka.bootstrap_servers,
                database_url=SecretStr(postgres.database_url),
                data_dir=Path(made),
                live_marketplaces=(),
                webhook_allow_private_networks=True,
            )
        )
        container = all_.enter_context(image.container())
        _start(image, container, services["topics"], settings, 0).process.wait()
        running = {}
        for name in SERVICES:
            running[name] = _start(
                image, all_.enter_context(image.container()), services[name], settings, choose_port(0, "")
            )
        for name, service in running.items():
            service.await_ready(services[name]["healthcheck"]["test"][1:])
            sys.stderr.write(f"image: {name} is ready\n")
        outcome = play(settings, receiver, SimulationPlan(seed=1, sellers=20, days=10), NO_SAMPLE, began)
        codes = {name: service.stop() for name, service in running.items()}
    figures = outcome.to_json() | {"services_ready": len(running), "exit_codes": sorted(map(str, codes.values()))}
    sys.stdout.write(json.dumps(figures) + "\n")
    return int(not outcome.complete or any(codes.values()))


def _start(image: Image, container: str, service: dict[str, Any], settings: Settings, port: int) -> Running:
    """Run a service's command with its variables; only the addresses of the servers, and the port, are this run's."""
    variables = {name: _filled(value, settings) for name, value in service["environment"].items()} | {
        "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "GREENLANE_HOST": "127.0.0.1",
        "GREENLANE_PORT": str(port),
        "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": "true",
    }
    if "GREENLANE_DATABASE_URL" in variables:
        variables["GREENLANE_DATABASE_URL"] = settings.database_url.get_secret_value()
    given = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    command = ["buildah", "run", "--isolation", "chroot", "--network", "host", *given, container, "--"]
    return Running(command, port, subprocess.Popen([*command, *image.entry_point, *service["command"]]))


def _innermost(pid: int) -> int:
    """The process that the container was started for: the last below this one."""
    children = [
        found for task in Path(f"/proc/{pid}/task").iterdir() for found in (task / "children").read_text().split()
    ]
    return _innermost(int(children[0])) if children else pid


def _filled(value: str, settings: Settings) -> str:
    given = os.environ | {
        "GREENLANE_POSTGRES_PASSWORD": "of-no-use",
        "GREENLANE_WEBHOOK_KEY": settings.webhook_encryption_key.get_secret_value(),
    }
    return VARIABLE.sub(lambda found: given.get(found[1], found[2] or ""), value)


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(Image(sys.argv[1])))
