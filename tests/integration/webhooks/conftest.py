"""What the tests of webhooks share: a world of topics and tables, its management, and a receiver."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.webhooks.harness import Receiver, World, receiving, world_of

from greenlane.webhooks.management.administration import Administration, administration
from greenlane.webhooks.vault import Vault


@pytest.fixture
def world(database_url: str, bootstrap_servers: str, topics: Callable[..., str], tmp_path: Path) -> Iterator[World]:
    with world_of(database_url, bootstrap_servers, topics, tmp_path) as world:
        yield world


@pytest.fixture
async def webhooks(world: World) -> AsyncIterator[Administration]:
    async with administration(world.settings()) as webhooks:
        yield webhooks


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def desk(engine: AsyncEngine) -> Administration:
    return Administration(engine, Vault(b"k" * 32), allow_private=True)
