"""What the outbox's tests share: shops on PostgreSQL and on MariaDB, and a connection to Kafka."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import asyncpg
import pymysql
import pytest
from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient
from sqlalchemy.engine import make_url
from tests.integration.publishing.outbox.harness import Shop, shop_of
from tests.integration.publishing.outbox.mariadb import some_mysql

from greenlane.contracts.topics import declared_topics
from greenlane.publishing.sdk.link import producer_of


@pytest.fixture(scope="session")
def mysql() -> Iterator[str | None]:
    with some_mysql() as url:
        yield url


@pytest.fixture
def mysql_url(mysql: str | None) -> str:
    """The URL of an empty database that this test alone uses."""
    if mysql is None:
        pytest.skip("no MariaDB is installed (Debian package mariadb-server), and no GREENLANE_TEST_MYSQL_URL is set")
    name = f"test_{uuid4().hex}"
    found = make_url(mysql)
    with pymysql.connect(
        host=found.host, port=found.port or 3306, user=found.username, password=str(found.password or "")
    ) as connection:
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return re.sub(r"/[^/]*$", f"/{name}", mysql)


async def empty_database(postgres_url: str) -> str:
    """The URL of a fresh database on this PostgreSQL."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return re.sub(r"/[^/]*$", f"/{name}", postgres_url)


@pytest.fixture
def market(admin: KafkaAdminClient) -> Callable[[], str]:
    """Makes a marketplace whose topic has three partitions."""

    def create() -> str:
        name = f"m-{uuid4().hex[:12]}"
        declared = declared_topics((name,))[0]
        topic = {"num_partitions": 3, "replication_factor": 1, "configs": declared.config()}
        admin.create_topics({declared.name: topic}, wait_for_metadata=True)
        return name

    return create


@pytest.fixture(params=["postgresql", "mysql"])
async def shop(
    request: pytest.FixtureRequest, market: Callable[[], str], bootstrap_servers: str
) -> AsyncIterator[Shop]:
    if request.param == "postgresql":
        url = await empty_database(request.getfixturevalue("postgres").database_url)
    else:
        url = request.getfixturevalue("mysql_url")
    shop = shop_of(url, market(), bootstrap_servers)
    await shop.make_table()
    yield shop
    await shop.database.close()


@pytest.fixture
async def producer(bootstrap_servers: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = producer_of(bootstrap_servers, "outbox")
    await producer.start()
    yield producer
    await producer.stop()
