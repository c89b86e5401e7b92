"""What follows when an endpoint fails without a break: notices at 1, 24 and 72 hours, and in the end it is disabled."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.webhooks.dispatcher.verdicts import DISABLE_AFTER_ATTEMPTS, NOTICE_HOURS, should_disable
from greenlane.webhooks.endpoint_states import change_state
from greenlane.webhooks.states import EndpointState

_FAILING = sa.text("""
    SELECT e.endpoint_id, h.failing_since, h.failures, now() AS now
    FROM endpoint e JOIN endpoint_health h USING (endpoint_id)
    WHERE e.state = 'active' AND e.shard = ANY(CAST(:shards AS smallint[])) AND h.failures >= :failures
      AND h.failing_since IS NOT NULL
    ORDER BY e.endpoint_id FOR NO KEY UPDATE OF e""")

_NOTICES = sa.text("""
    INSERT INTO notice (endpoint_id, failing_since, hours)
    SELECT e.endpoint_id, h.failing_since, n.hours
    FROM endpoint e JOIN endpoint_health h USING (endpoint_id)
    JOIN unnest(CAST(:hours AS smallint[])) AS n(hours) ON h.failing_since <= now() - n.hours * interval '1 hour'
    WHERE e.state = 'active' AND e.shard = ANY(CAST(:shards AS smallint[]))
      AND NOT EXISTS (SELECT FROM notice o WHERE o.endpoint_id = e.endpoint_id
                        AND o.failing_since = h.failing_since AND o.hours = n.hours)
    ON CONFLICT DO NOTHING
    RETURNING endpoint_id, hours""")


class Notice(NamedTuple):
    """An endpoint has been failing for so many hours without one success."""

    endpoint_id: str
    hours: int


async def give_notices(engine: AsyncEngine, shards: Sequence[int]) -> list[Notice]:
    """Write the notices that are due down, each once per row of failures, and return the new ones."""
    async with engine.begin() as connection:
        found = await connection.execute(_NOTICES, {"shards": list(shards), "hours": list(NOTICE_HOURS)})
        return [Notice(row.endpoint_id, row.hours) for row in found]


async def disable_failing(engine: AsyncEngine, shards: Sequence[int]) -> list[str]:
    """Disable the endpoints of these shards that failed without a break for too long; their messages are held."""
    async with engine.begin() as connection:
        found = await connection.execute(_FAILING, {"shards": list(shards), "failures": DISABLE_AFTER_ATTEMPTS})
        tired = [row.endpoint_id for row in found if should_disable(row.failing_since, row.failures, row.now)]
        for endpoint_id in tired:
            await change_state(connection, endpoint_id, EndpointState.DISABLED, "failing")
    return tired
