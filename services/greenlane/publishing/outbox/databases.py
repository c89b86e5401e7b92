"""The shop's database: PostgreSQL, MySQL or MariaDB, with the same few questions asked of each.

What is asked is written as functions of a SQLAlchemy connection. asyncpg runs them on the event loop; PyMySQL, which
knows no event loop, in a thread.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeVar

import asyncpg
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from greenlane.database.connection import Watch, open_database
from greenlane.database.direct import direct
from greenlane.publishing.outbox.table import NAME
from greenlane.settings import SettingsError

VARIABLE = "GREENLANE_OUTBOX_DATABASE_URL"
FAILURES = (SQLAlchemyError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a database that is away, or does not let us, answers with."""

_ISOLATION = "READ COMMITTED"
"""Each statement sees what is committed; MySQL would otherwise lock gaps that the shop wants to write into."""
_CONNECTIONS = 3
_CONNECT_SECONDS = 10
_PATIENCE_SECONDS = 45
"""For which the database waits for a relay that froze in a transaction, before it frees the rows for another one."""
_LONGEST_REASON = 200
_AGAIN_SECONDS = 5.0

Result = TypeVar("Result")


class Session(Protocol):
    """One transaction."""

    async def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Have the work done on the transaction's connection."""
        ...


class Database(Protocol):
    """Where the outbox is."""

    dialect: str

    def begin(self) -> contextlib.AbstractAsyncContextManager[Session]:
        """A transaction: committed at the end, rolled back by an error."""
        ...

    async def listen(self, heard: Callable[[], None]) -> None:
        """Say that rows were written, for as long as the process lives; where nobody tells, nothing is ever said."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


def database_of(url: SecretStr) -> Database:
    """The database of this URL; connects on first use. Raises SettingsError for what is no such URL."""
    text = url.get_secret_value()
    if not text:
        raise SettingsError(f"{VARIABLE}: not set; give the postgresql:// or mysql:// address of the outbox.")
    try:
        found = make_url(text)
    except ArgumentError:
        raise SettingsError(f"{VARIABLE}: not an address; write mysql://user:password@host:3306/name.") from None
    kind = found.get_backend_name()
    if kind in {"postgresql", "postgres"}:
        return _PostgreSql(url)
    if kind in {"mysql", "mariadb"}:
        return _MySql(found)
    raise SettingsError(f"{VARIABLE}: begins with {found.drivername}; write postgresql://… or mysql://….")


def why(error: BaseException) -> str:
    """The database's own words for a failure, bounded; our statements hold no data of the shop that it could quote."""
    original = getattr(error, "orig", None) or error
    cause = original.__cause__ or original
    number, *told = cause.args[:2] if not isinstance(cause, OSError) and len(cause.args) > 1 else (None, str(cause))
    text = str(told[0] if told else number) or type(cause).__name__
    return " ".join(text.split())[:_LONGEST_REASON]


class _Asynchronous:
    """A transaction of asyncpg."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        return await self._connection.run_sync(work)


class _PostgreSql:
    dialect = "postgresql"

    def __init__(self, url: SecretStr) -> None:
        watch = Watch(_PATIENCE_SECONDS, _PATIENCE_SECONDS)
        self._opened = open_database(url, connections=_CONNECTIONS, watch=watch)
        self._engine = self._opened.execution_options(isolation_level=_ISOLATION)

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Session]:
        async with self._engine.begin() as connection:
            yield _Asynchronous(connection)

    async def listen(self, heard: Callable[[], None]) -> None:
        while True:
            with contextlib.suppress(*FAILURES):  # the rounds tell of a database that is away
                async with direct(self._opened) as connection:
                    await connection.listen(NAME, lambda _: heard())
            await asyncio.sleep(_AGAIN_SECONDS)

    async def close(self) -> None:
        await self._opened.dispose()


class _InThreads:
    """A transaction of PyMySQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    async def run(self, work: Callable[[sa.Connection], Result]) -> Result:
        return await asyncio.to_thread(work, self._connection)


class _MySql:
    dialect = "mysql"

    def __init__(self, url: URL) -> None:
        own = {
            "connect_timeout": _CONNECT_SECONDS,
            "read_timeout": _PATIENCE_SECONDS,
            "write_timeout": _PATIENCE_SECONDS,
            "init_command": f"SET SESSION wait_timeout = {_PATIENCE_SECONDS}, time_zone = '+00:00'",
        }
        try:
            self._engine = sa.create_engine(
                url.set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"}),
                pool_size=_CONNECTIONS,
                max_overflow=0,
                pool_pre_ping=True,
                isolation_level=_ISOLATION,
                connect_args=own,
                hide_parameters=True,
            )
        except ImportError:
            raise SettingsError(
                f"{VARIABLE}: begins with {url.drivername}, and its driver is not installed; install greenlane[mysql]."
            ) from None

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Session]:
        connection = await asyncio.to_thread(self._engine.connect)
        try:
            yield _InThreads(connection)
            await asyncio.to_thread(connection.commit)
        finally:
            await asyncio.to_thread(connection.close)

    async def listen(self, heard: Callable[[], None]) -> None:  # noqa: ARG002 - MySQL tells nobody
        await asyncio.Event().wait()

    async def close(self) -> None:
        await asyncio.to_thread(self._engine.dispose)
