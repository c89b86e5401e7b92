"""What the doctor asks about the database of the dispatcher: whether it answers and whether its tables are current."""

import asyncpg
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from greenlane.database.connection import VERSION_TABLE, current_head, open_database
from greenlane.settings import SettingsError


async def inspect_database(database_url: SecretStr) -> str:
    """The server's version and the tables' revision in words. Raises SettingsError with what is wrong."""
    engine = open_database(database_url, connections=1)
    try:
        async with engine.connect() as connection:
            version = (await connection.execute(sa.text("SHOW server_version"))).scalar_one()
            revision = await connection.run_sync(_revision)
    except (OSError, TimeoutError, SQLAlchemyError, asyncpg.PostgresError) as error:
        raise SettingsError(
            f"The database cannot be used: {_reason(error)}; start PostgreSQL, or correct GREENLANE_DATABASE_URL."
        ) from error
    finally:
        await engine.dispose()
    if revision != current_head():
        raise SettingsError(
            f"The tables are at revision {revision}, not {current_head()}; the dispatcher brings them up to date at "
            "its start: greenlane run webhook_dispatcher."
        )
    return f"PostgreSQL {version}, tables at revision {revision}"


def _revision(connection: sa.Connection) -> str | None:
    """The revision that the migrations wrote down, None without tables."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _reason(error: BaseException) -> str:
    """The server's own words, without SQLAlchemy's around them."""
    original = getattr(error, "orig", None) or error
    cause = original.__cause__ or original
    return str(cause) or type(cause).__name__
