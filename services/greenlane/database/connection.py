"""The connection to PostgreSQL and the tables in it, brought to the current version."""

from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from greenlane.settings import SettingsError

_VARIABLE = "GREENLANE_DATABASE_URL"
_MIGRATION_LOCK = 0x67_72_65_65_6E  # "green": one process migrates at a time
_CONNECT_SECONDS = 10
_LIMITS = """
    SELECT set_config('idle_in_transaction_session_timeout', $1, false),
           CASE WHEN current_setting('server_version_num')::integer >= 170000
                THEN set_config('transaction_timeout', $2, false) END"""
"""Before PostgreSQL 17 only transactions that lie idle are watched, not those whose next statement is half prepared."""
_BY_KEY = """
    SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
           set_config('enable_mergejoin', 'off', false)"""
"""Without statistics PostgreSQL takes a table for empty and reads all of it for each handful of rows, until it has
counted them. Statistics are missing for a minute after the tables were made, restored or filled at once."""
_PASSING = ("08", "40", "53", "57", "25006", "25P")
"""SQLSTATE classes: connection, roll-back for others, resources, shut-down and time-out, read-only, ended early."""
_PASSING_ERRORS = (OSError, TimeoutError, InterfaceError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The last one: asyncpg loses its place when a server shuts down in the middle of a preparation."""


class Watch(NamedTuple):
    """Seconds that a transaction may take (0: no limit), and for which it may lie idle."""

    patience: float = 30.0
    idle: float = 5.0


_WATCH = Watch()


def open_database(
    database_url: SecretStr,
    *,
    connections: int = 8,
    ping: bool = True,
    watch: Watch = _WATCH,
    by_key: bool = False,
) -> AsyncEngine:
    """An engine for `postgresql://…`; connects on first use. SettingsError if the text is missing or no such URL.

    Without `ping` a connection is used as it lies in the pool: for callers that try again after an outage anyway.
    The server watches that no transaction takes longer than `watch` says: else a process that froze inside one would
    keep its locks. With `by_key` rows are found by an index wherever one serves.
    """
    engine = create_async_engine(
        _asyncpg_url(database_url.get_secret_value()),
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=ping,
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "command_timeout": watch.patience or None,
        },
        hide_parameters=True,
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(_LIMITS, (f"{watch.idle:.0f}s", f"{watch.patience:.0f}s"))
        if by_key:
            cursor.execute(_BY_KEY)
        connection.commit()

    return engine


async def migrate(database_url: SecretStr) -> None:
    """Bring the tables to the current version; safe to run from several processes at once.

    Raises SettingsError when the database cannot be reached or refuses the log-in.
    """
    engine = open_database(database_url, connections=1, watch=Watch(patience=0))
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            await connection.run_sync(_upgrade)
    except (OSError, TimeoutError, SQLAlchemyError) as error:
        place = engine.url.render_as_string(hide_password=True)
        raise SettingsError(
            f"{_VARIABLE}: {place} cannot be used ({_cause(error)}); start PostgreSQL or correct the variable."
        ) from error
    finally:
        await engine.dispose()


def will_pass(error: BaseException) -> bool:
    """Whether a failure of the database ends by itself (an outage, a restart, a deadlock): trying again helps.

    A value that the database cannot take is no outage, though asyncpg derives its error from those of connections.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, asyncpg.DataError) or isinstance(getattr(original, "__cause__", None), asyncpg.DataError):
        return False
    if isinstance(error, _PASSING_ERRORS):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(original, "sqlstate", None)
    return str(state or "").startswith(_PASSING)


def current_head() -> str | None:
    """The revision that this version of the code works with."""
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def _upgrade(connection: sa.Connection) -> None:
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _asyncpg_url(text: str) -> URL:
    if not text:
        raise SettingsError(f"{_VARIABLE}: not set; give a postgresql:// address or start the embedded one.")
    try:
        url = make_url(text)
    except ArgumentError:
        raise SettingsError(f"{_VARIABLE}: not an address; write postgresql://user:password@host:5432/name.") from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingsError(f"{_VARIABLE}: begins with {url.drivername}; write postgresql://user:password@host/name.")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def _cause(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    return type(original.__cause__ or original).__name__


VERSION_TABLE = "webhook_schema_version"
"""Where Alembic keeps the revision of these tables."""
