"""What is forgotten: attempts recorded long ago. Deliveries, events and heads stay, for exactness rests on them."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.database.direct import direct

_PAGE = 5_000
_FORGET = sa.text("""
    DELETE FROM attempt WHERE attempt_id IN (
      SELECT attempt_id FROM (SELECT attempt_id, recorded_at FROM attempt ORDER BY attempt_id LIMIT :page) oldest
      WHERE recorded_at < now() - :seconds * interval '1 second')
    RETURNING attempt_id""")
"""Attempts are numbered in the order in which they were recorded, so the oldest are found without another index."""


async def forget_attempts(engine: AsyncEngine, kept_seconds: float, page: int = _PAGE) -> int:
    """Delete the attempts recorded longer ago, a page at a time; how many there were."""
    gone = 0
    async with direct(engine) as connection:
        while rows := await connection.execute(_FORGET, {"page": page, "seconds": kept_seconds}):
            gone += len(rows)
    return gone
