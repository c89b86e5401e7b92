"""Start the image's services as docker-compose.yml does, on real servers, and count what arrives; `make image`.

Each service runs in the image's own files, as the image's user, with its entry point and variables, on a root file
system that is mounted read-only as the Compose file says, and on this machine's network. The last line is one JSON
object; the exit code is 1 when a service is not ready, a record or a webhook is missing, an account differs from the
oracle's, or a service does not stop when asked.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from greenlane.cli.connection import with_webhook_key
from greenlane.cli.demo.demo import play
from greenlane.cli.demo.receiver import DemoReceiver
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
from greenlane.operations.embedded.folder import choose_port
from greenlane.publishing.simulator.marketplace import SimulationPlan
from greenlane.settings import SERVICES, Settings

ROOT = Path(__file__).parents[2]
READY_SECONDS, STOP_SECONDS = 120.0, 40.0
VARIABLE = re.compile(r"\$\{(\w+)(?::[-?]([^}]*))?\}")
NO_SAMPLE = Path("no-sample")
MOST_MB = 500
MEGABYTES = {"B": 1e-6, "kB": 1e-3, "KB": 1e-3, "MB": 1.0, "GB": 1e3}
PYTHON = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
USER = "import os; print(os.getuid())"
WRITES = """
import errno
try:
    open('/opt/greenlane/written', 'w')
    print('writable')
except OSError as error:
    print('read-only' if error.errno == errno.EROFS else error)
"""
MOUNTS = """
root=$1 user=$2
shift 2
mount --rbind "$root" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o uid="${user%:*}",gid="${user#*:}" tmpfs "$root/var/lib/greenlane"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" "$@"
"""
"""What the Compose file asks of an engine: a read-only root, a /tmp and a volume."""


@dataclass(frozen=True, slots=True)
class Image:
    """A built image, and what it is for."""

    name: str

    def config(self) -> Any:
        """User, entry point, variables and folder, as the Dockerfile says."""
        return json.loads(_said("buildah", "inspect", "--type", "image", self.name))["OCIv1"]["config"]

    def size_mb(self) -> int:
        """Megabytes of the image's files, uncompressed."""
        number, unit = json.loads(_said("buildah", "images", "--json", self.name))[0]["size"].split()
        return round(float(number) * MEGABYTES[unit])

    @contextmanager
    def root(self) -> Iterator["Root"]:
        """The image's files in a container, removed at the end."""
        container = _said("buildah", "from", "--pull-never", self.name).strip()
        try:
            yield Root(Path(_said("buildah", "mount", container).strip()), self.config())
        finally:
            _said("buildah", "rm", container)


@dataclass(frozen=True, slots=True)
class Root:
    """A container's root file system, and what the image says of processes in it."""

    path: Path
    config: Any

    def command(self, words: Sequence[str], variables: Mapping[str, str]) -> list[str]:
        """The words as the image's user on a root that is mounted read-only in a name space of their own."""
        given = [*self.config["Env"], *(f"{name}={value}" for name, value in variables.items())]
        user = self.config["User"]
        return [
            *("unshare", "--mount", "sh", "-euc", MOUNTS, "sh", str(self.path), user),
            *("env", "-i", f"--chdir={self.config['WorkingDir']}", *given, *words),
        ]

    def said(self, program: str) -> str:
        """What a Python program says in there."""
        return _said(*self.command(["python", "-c", program], {})).strip()


@dataclass(slots=True)
class Running:
    """A service of docker-compose.yml in a root of its own."""

    root: Root
    port: int
    process: subprocess.Popen[bytes]

    def await_ready(self, healthcheck: list[str]) -> None:
        """Run the service's own health check until it passes. Raises when the service ends before."""
        deadline = time.monotonic() + READY_SECONDS
        asked = self.root.command([word.replace(":9100/", f":{self.port}/") for word in healthcheck], {})
        while subprocess.run(asked, check=False, capture_output=True).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"a service is not ready: {self.process.args!r}")

    def stop(self) -> int | None:
        """Ask the service to stop, as `docker stop` does; its exit code, None when it had to be killed."""
        self.process.terminate()
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
        receiver = all_.enter_context(DemoReceiver())
        settings = with_webhook_key(
            Settings(
                kafka_bootstrap_servers=kafka.bootstrap_servers,
                database_url=SecretStr(postgres.database_url),
                data_dir=Path(made),
                live_marketplaces=(),
                webhook_allow_private_networks=True,
            )
        )
        root = all_.enter_context(image.root())
        python, user, written = root.said(PYTHON), int(root.said(USER)), root.said(WRITES)
        _start(root, services["topics"], settings, 0).process.wait()
        running = {}
        for name in SERVICES:
            root = all_.enter_context(image.root())
            running[name] = _start(root, services[name], settings, choose_port(0, ""))
        for name, service in running.items():
            service.await_ready(services[name]["healthcheck"]["test"][1:])
            sys.stderr.write(f"image: {name} is ready\n")
        outcome = play(settings, receiver, SimulationPlan(seed=1, sellers=20, days=10), NO_SAMPLE, began)
        codes = {name: service.stop() for name, service in running.items()}
    figures = outcome.to_json() | {
        "built": 1,
        "processes_started": len(running),
        "exit_codes": sorted(map(str, codes.values())),
        "size_mb": image.size_mb(),
        "python": python,
        "user": user,
        "root": written,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    as_promised = user != 0 and written == "read-only" and image.size_mb() <= MOST_MB
    return int(not outcome.complete or any(codes.values()) or not as_promised)


def _start(root: Root, service: dict[str, Any], settings: Settings, port: int) -> Running:
    """Run a service's command with its variables; only the addresses of the servers, and the port, are this run's."""
    variables = {name: _filled(value, settings) for name, value in service["environment"].items()} | {
        "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "GREENLANE_HOST": "127.0.0.1",
        "GREENLANE_PORT": str(port),
        "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": "true",
    }
    if "GREENLANE_DATABASE_URL" in variables:
        variables["GREENLANE_DATABASE_URL"] = settings.database_url.get_secret_value()
    if "GREENLANE_WEBHOOK_API_PORT" in variables:
        variables |= {"GREENLANE_WEBHOOK_API_PORT": "0", "GREENLANE_WEBHOOK_API_HOST": "127.0.0.1"}
    command = root.command([*root.config["Entrypoint"], *service["command"]], variables)
    return Running(root, port, subprocess.Popen(command))


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
