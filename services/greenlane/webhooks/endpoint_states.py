"""Changes the state of an endpoint, and with it what may be due to it."""

import sqlalchemy as sa

from greenlane.database.direct import Executes
from greenlane.webhooks.states import UNDIALLED, EndpointState

_SET_STATE = sa.text("""
    UPDATE endpoint SET state = :state, reason = :reason,
           confirmed_at = CASE WHEN :state = 'active' THEN now() ELSE confirmed_at END
    WHERE endpoint_id = :endpoint""")


_HOLD = sa.text("""
    UPDATE delivery SET state = 'held', reason = :state
    WHERE endpoint_id = :endpoint AND state = 'pending' AND mode <> 'unordered'""")


_RELEASE = sa.text("""
    UPDATE delivery SET state = 'pending', reason = NULL
    WHERE endpoint_id = :endpoint AND state = 'held'
      AND reason = ANY(:reasons)""")


_GATES = [
    *(state.value for state in (EndpointState.UNCONFIRMED, EndpointState.DISABLED, EndpointState.NEEDS_ATTENTION)),
    *(failure.value for failure in UNDIALLED),
]


async def change_state(connection: Executes, endpoint_id: str, state: EndpointState, reason: str | None) -> None:
    """Move an endpoint, which the caller has locked, to `state`: hold what waits for it, or let it go on."""
    await connection.execute(_SET_STATE, {"endpoint": endpoint_id, "state": state.value, "reason": reason})
    if state is EndpointState.ACTIVE:
        await connection.execute(_RELEASE, {"endpoint": endpoint_id, "reasons": _GATES})
    else:
        await connection.execute(_HOLD, {"endpoint": endpoint_id, "state": state.value})
