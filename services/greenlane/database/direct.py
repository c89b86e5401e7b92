"""asyncpg itself, out of SQLAlchemy's pool: for the statements that run hundreds of times a second.

The layer between costs more than the driver there; everything else goes through it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from typing import Any, Protocol

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncEngine

_DIALECT = dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it without types


class Executes(Protocol):
    """What runs a statement: a `Direct` or SQLAlchemy's own connection."""

    async def execute(self, statement: sa.TextClause, parameters: Mapping[str, Any], /) -> Any:
        """Run the statement with values for its named parameters."""
        ...


class Direct:
    """One connection; its rows are asyncpg's, read by column name or position."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def execute(self, statement: sa.TextClause, parameters: Mapping[str, Any], /) -> list[asyncpg.Record]:
        """Run the statement, prepared once for each connection; raises asyncpg's errors, which `will_pass` knows."""
        text, names = _native(statement)
        rows: list[asyncpg.Record] = await self._driver.fetch(text, *[parameters[name] for name in names])
        return rows

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Pass on what is notified on the channel, until the connection is lost."""
        lost = asyncio.Event()

        def on_notice(_connection: object, _pid: int, _channel: str, payload: str) -> None:
            heard(payload)

        self._driver.add_termination_listener(lambda _: lost.set())
        await self._driver.add_listener(channel, on_notice)
        try:
            await lost.wait()
        finally:
            if not self._driver.is_closed():
                await self._driver.remove_listener(channel, on_notice)

    def transaction(self) -> Any:
        """Everything inside this context manager is one transaction."""
        return self._driver.transaction()


@contextlib.asynccontextmanager
async def direct(engine: AsyncEngine) -> AsyncIterator[Direct]:
    """A connection on which every statement is a transaction."""
    async with engine.connect() as pooled:
        driver = (await pooled.get_raw_connection()).driver_connection
        assert driver is not None
        try:
            yield Direct(driver)
        except asyncpg.InternalClientError:
            await pooled.invalidate()
            raise
        finally:
            if driver.is_closed():
                await pooled.invalidate()


@contextlib.asynccontextmanager
async def direct_transaction(engine: AsyncEngine) -> AsyncIterator[Direct]:
    """A connection whose statements are one transaction, committed at the end or rolled back by an error."""
    async with direct(engine) as connection, connection.transaction():
        yield connection


@cache
def _native(statement: sa.TextClause) -> tuple[str, tuple[str, ...]]:
    """The statement with the driver's numbered parameters, and their names in that order."""
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())
