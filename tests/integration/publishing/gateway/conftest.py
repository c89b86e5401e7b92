"""What the gateway's tests share: a gateway, and marketplaces with topics of their own."""

from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
from kafka.admin import KafkaAdminClient
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.publishing.gateway.harness import Door, door_of

from greenlane.contracts.topics import declared_topics


@pytest.fixture
async def door(engine: AsyncEngine, bootstrap_servers: str) -> AsyncIterator[Door]:
    async with door_of(engine, bootstrap_servers) as door:
        yield door


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
