"""The log of attempts is kept for so long and no longer."""

import sqlalchemy as sa
from pydantic import SecretStr
from tests.integration.webhooks.tables import scalar

from greenlane.database.connection import migrate, open_database
from greenlane.webhooks.dispatcher.recording.retention import forget_attempts

_DAYS = 86_400.0
_ATTEMPTS = sa.text("""
    INSERT INTO attempt (event_id, endpoint_id, attempt_no, recorded_at, total_ms, fresh_try)
    SELECT 'msg', 'ep', n, now() - (10 - n) * interval '1 day', 1, false FROM generate_series(1, 10) AS n""")


async def test_old_attempts_are_forgotten_page_by_page_and_young_ones_kept(database_url: str) -> None:
    await migrate(SecretStr(database_url))
    engine = open_database(SecretStr(database_url))
    try:
        async with engine.begin() as connection:
            await connection.execute(_ATTEMPTS)
        assert await forget_attempts(engine, 4.5 * _DAYS, page=2) == 5
        assert await scalar(engine, "SELECT array_agg(attempt_no ORDER BY attempt_no) FROM attempt") == [6, 7, 8, 9, 10]
        assert await forget_attempts(engine, 4.5 * _DAYS) == 0
    finally:
        await engine.dispose()
