"""What the doctor is told about the dispatcher's database."""

import pytest
from pydantic import SecretStr

from greenlane.database.connection import current_head, migrate
from greenlane.database.inspection import inspect_database
from greenlane.settings import SettingsError


async def test_tables_that_are_current_are_told_as_such_and_missing_ones_too(database_url: str) -> None:
    url = SecretStr(database_url)
    with pytest.raises(SettingsError, match="revision None"):
        await inspect_database(url)
    await migrate(url)
    assert (await inspect_database(url)).endswith(f"tables at revision {current_head()}")
