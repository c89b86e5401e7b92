"""The processes that are measured: our services as they run for real, and the usual ways in theirs."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from tests.benchmarks.stream_history import MARKETPLACE, History

from greenlane.contracts.events import DELIVERED, RETURNED
from greenlane.contracts.topics import ASSESSMENTS, fulfilment_topic

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
SOURCE = fulfilment_topic(MARKETPLACE)
TICK = 0.1
PATIENCE = 180.0


def progress(text: str) -> None:
    sys.stderr.write(f"bench-streams: {text} (load {os.getloadavg()[0]:.1f})\n")


@dataclass(frozen=True)
class Speed:
    """Events per second of the clock, and CPU seconds per million events."""

    per_second: float
    cpu: float


class Contender:
    """One process and what it costs."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)

    def cpu(self) -> float:
        """CPU seconds used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def measured(self, done: Callable[[], float], target: float, seconds: float = PATIENCE) -> Speed:
        """How fast it comes from the first event done to the target; see `measured`."""
        return measured([self], done, target, seconds)

    def alive(self) -> None:
        """Raise with its last words if the process ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"ended with {self.process.returncode}: {self.last_words()}")

    def last_words(self) -> str:
        """The end of what the process said."""
        return self._log.read_text()[-2000:]

    def stop(self) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        self.process.kill()
        self.process.wait()


def measured(
    contenders: Sequence[Contender], done: Callable[[], float], target: float, seconds: float = PATIENCE
) -> Speed:
    """Wait until `done`, a count of events, has reached the target or the time is over; the speed on the way of all."""
    deadline = time.monotonic() + seconds
    begun = _reached(contenders, done, 1, deadline)
    if begun < 1:
        raise RuntimeError(f"no output in time; {contenders[0].last_words()}")
    first, cpu = time.monotonic(), sum(contender.cpu() for contender in contenders)
    events = _reached(contenders, done, target, deadline) - begun
    elapsed = time.monotonic() - first
    if events <= 0:
        raise RuntimeError(f"nothing was measured after {begun} of {target} events; {contenders[0].last_words()}")
    return Speed(events / elapsed, (sum(contender.cpu() for contender in contenders) - cpu) / events * 1e6)


def _reached(contenders: Sequence[Contender], done: Callable[[], float], count: float, deadline: float) -> float:
    """What is done once it is as much as that, or the time is over."""
    while (now := done()) < count and time.monotonic() < deadline:
        for contender in contenders:
            contender.alive()
        time.sleep(TICK)
    return now


class Bench:
    """A broker with the history in it, and the ways to run contenders on it."""

    def __init__(
        self, servers: str, folder: Path, past: History, quix: Path | None, partitions: int = PARTITIONS
    ) -> None:
        self.servers, self.folder, self.past, self._quix = servers, folder, past, quix
        self.partitions = partitions
        self._consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, enable_auto_commit=False)
        self._number = 0
        mine = sum(count for name, count in past.types.items() if name not in {DELIVERED, RETURNED})
        self.packaging_share = mine / len(past.records)

    def end(self, topic: str) -> int:
        """Records and markers in a topic."""
        places = [TopicPartition(topic, number) for number in range(self.partitions)]
        return sum(self._consumer.end_offsets(places).values())

    @contextmanager
    def usual(self, kind: str, source: str, output: str) -> Iterator[Contender]:
        """A contender written the usual way; its output topic is made anew."""
        self._number += 1
        folder = self.folder / f"{kind}-{self._number}"
        admin = KafkaAdminClient(bootstrap_servers=self.servers)
        admin.create_topics({output: {"num_partitions": PARTITIONS, "replication_factor": 1}}, wait_for_metadata=True)
        admin.close()
        options = {
            "kind": kind, "servers": self.servers, "source": source, "output": output, "group": folder.name,
            "folder": str(folder), "partitions": PARTITIONS, "open_day": str(self.past.start),
        }  # fmt: skip
        module = "tests.benchmarks.usual_quix" if kind.startswith("quix") else "tests.benchmarks.usual_loops"
        python = str(self._quix) if kind.startswith("quix") else sys.executable
        environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'services'}"}
        contender = Contender([python, "-m", module, json.dumps(options)], environment, folder.with_suffix(".log"))
        try:
            yield contender
        finally:
            contender.stop()

    @contextmanager
    def service(self, name: str, **environment: str) -> Iterator["Service"]:
        """One of our services as it is run for real, with further settings."""
        self._number += 1
        further = {"GREENLANE_PARTITIONS": str(self.partitions), **environment}
        service = Service(name, self.servers, self.folder / f"{name}-{self._number}.log", further)
        try:
            yield service
        finally:
            service.stop()


class Service(Contender):
    """A service of ours, with its metrics."""

    def __init__(self, name: str, servers: str, log: Path, further: Mapping[str, str]) -> None:
        self._topic = ASSESSMENTS if name == "aggregator" else SOURCE
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": servers,
            "GREENLANE_MARKETPLACES": MARKETPLACE,
            "GREENLANE_PORT": str(port),
            "GREENLANE_LOG_LEVEL": "WARNING",
            **further,
        }
        super().__init__([sys.executable, "-m", "greenlane", "run", name], environment, log)

    def get(self, path: str) -> str:
        """What the service answers, ready or not; nothing before it serves."""
        try:
            with urllib.request.urlopen(self._url + path, timeout=5) as answer:  # noqa: S310 - our own address
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())
        except OSError:
            return ""

    def metric(self, name: str, label: str = "") -> float:
        """The sum of a metric's series that have this in their labels."""
        lines = [line for line in self.get("/metrics").splitlines() if line.startswith(f"greenlane_{name}")]
        return sum(float(line.rpartition(" ")[2]) for line in lines if label in line)

    def wait_ready(self) -> None:
        """Wait until it owns its partitions and has loaded them."""
        deadline = time.monotonic() + PATIENCE
        while not json.loads(self.get("/healthz/ready") or "{}").get("ready"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready in time; {self._log.read_text()[-2000:]}")
            self.alive()
            time.sleep(TICK)

    def done(self) -> float:
        """Events of which everything is acknowledged."""
        return self.metric("records_total", self._topic)


def quix_python() -> Path:
    """An environment of its own: quixstreams needs an older pydantic. The package itself is read from its sources."""
    folder = ROOT / ".greenlane" / "bench" / "quix"
    python = folder / "bin" / "python"
    if not python.exists():
        uv = os.environ.get("UV", "uv")
        subprocess.run([uv, "venv", "--quiet", "--allow-existing", str(folder)], check=True)
        wanted = ["quixstreams>=3.28", "msgspec>=0.20", "orjson>=3.10", "pyyaml>=6", "tzdata", "pydantic>=2.12"]
        command = [uv, "pip", "install", "--quiet", "--python", str(python), *wanted]
        subprocess.run(command, check=True)
    return python


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
