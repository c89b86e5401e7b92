"""Real servers for the integration tests: one Kafka and one PostgreSQL for the whole run, fresh names for each test."""

import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from kafka.admin import KafkaAdminClient
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.webhooks.receiver_languages import missing_languages

from greenlane.database.connection import migrate, open_database
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres

# a shell that starts the suite in the background lets it ignore Ctrl-C, and so would every process that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)
# a broker of a test lives for seconds: compiling it for years would cost more than its whole work
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class Kafka:
    """A running Kafka."""

    bootstrap_servers: str


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL whose user may create databases."""

    database_url: str


@pytest.fixture(scope="session")
def server_dir() -> Iterator[Path]:
    # not pytest's own folder: pytest closes that to PostgreSQL's unprivileged user when the tests run as root
    with tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def kafka(server_dir: Path) -> Iterator[Kafka]:
    external = os.environ.get("GREENLANE_TEST_KAFKA")
    if external:
        yield Kafka(external)
        return
    with EmbeddedKafka(server_dir) as server:
        yield Kafka(server.bootstrap_servers)


@pytest.fixture(scope="session")
def bootstrap_servers(kafka: Kafka) -> str:
    return kafka.bootstrap_servers


@pytest.fixture
def fresh_kafka() -> Iterator[str]:
    """Bootstrap servers of an own broker, for a test that needs the declared topics or stops the broker; some 4 s."""
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as server,
    ):
        yield server.bootstrap_servers


@pytest.fixture(scope="session")
def postgres(server_dir: Path) -> Iterator[Postgres]:
    external = os.environ.get("GREENLANE_TEST_DATABASE_URL")
    if external:
        yield Postgres(external)
        return
    with EmbeddedPostgres(server_dir) as server:
        yield Postgres(server.database_url)


@pytest.fixture
async def database_url(postgres: Postgres) -> str:
    """The URL of an empty database that this test alone uses."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(postgres.database_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return re.sub(r"/[^/]*$", f"/{name}", postgres.database_url)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A pool on that database, with the dispatcher's tables in it."""
    await migrate(SecretStr(database_url))
    engine = open_database(SecretStr(database_url))
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def admin(bootstrap_servers: str) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    yield client
    client.close()


@pytest.fixture
def topics(admin: KafkaAdminClient) -> Callable[..., str]:
    """Create a topic that this test alone uses: `topics("events", partitions=4, **{"retention.ms": "-1"})` -> name."""

    def create(stem: str = "events", partitions: int = 1, **config: str) -> str:
        name = f"{stem}-{uuid4().hex[:12]}"
        settings = {"message.timestamp.type": "LogAppendTime"} | config
        topic = {"num_partitions": partitions, "replication_factor": 1, "configs": settings}
        admin.create_topics({name: topic}, wait_for_metadata=True)
        return name

    return create


LONGEST_FIRST = (
    "test_pipeline.py",
    "streaming/test_store.py",
    "webhooks/test_flow.py",
    "operations/test_embedded.py",
    "webhooks/test_faults.py",
    "operations/test_up_supervisor.py",
    "streaming/test_topics.py",
    "accounts/test_aggregator_process.py",
    "streaming/test_unreadable_batches.py",
    "webhooks/test_api_schema.py",
    "accounts/test_checkpoint.py",
    "streaming/test_seeded_kills.py",
    "accounts/test_seller_erasure.py",
)
"""Files that take longest: begun first, so that all workers end together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: rank for rank, name in enumerate(LONGEST_FIRST)}
    folder = Path(__file__).parent
    items.sort(key=lambda item: ranks.get(str(item.path).removeprefix(f"{folder}/"), len(ranks)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What this machine lacks is told in one line, and its tests are not collected."""
    absent = missing_languages()
    if absent:
        terminalreporter.write_line(f"Receiver examples not run here, for want of: {'; '.join(absent)}")
