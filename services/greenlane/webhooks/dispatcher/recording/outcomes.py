"""TX3: the outcomes of a group of attempts are recorded together, fenced by attempt number and epoch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.database.direct import Direct, direct, direct_transaction
from greenlane.webhooks.dispatcher.claiming.claims import Claim, RowKey
from greenlane.webhooks.dispatcher.verdicts import Answer, Verdict, endpoint_after, row_after
from greenlane.webhooks.endpoint_states import change_state
from greenlane.webhooks.identity import Key
from greenlane.webhooks.sql import sql
from greenlane.webhooks.states import OPEN, EndpointState, Failure, Mode, State


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What became of one attempt; times in whole milliseconds from its start."""

    claim: Claim
    answer: Answer
    verdict: Verdict
    total_ms: int = 0
    headers_ms: int | None = None
    fresh_try: bool = False

    @property
    def made(self) -> bool:
        """Whether there was an attempt at all, or the delivery only waits on."""
        return self.answer.status is not None or self.answer.failure is not None


class Recorded(NamedTuple):
    """An outcome as it was written: the state may differ from the verdict's."""

    outcome: AttemptOutcome
    state: State


@dataclass(slots=True)
class Recording:
    """What a group became: its rows, how many were fenced off, and endpoints that now have something due."""

    rows: list[Recorded] = field(default_factory=list)
    fenced: int = 0
    ready: set[str] = field(default_factory=set)


_LOCK_ENDPOINTS = sa.text("""
    SELECT endpoint_id, state FROM endpoint WHERE endpoint_id = ANY(:endpoints)
    ORDER BY endpoint_id FOR NO KEY UPDATE""")

_LOCK_HEADS = sa.text("""
    SELECT h.endpoint_id, h.order_key, h.accepted_seq, h.accepted_event
    FROM order_head h JOIN unnest(CAST(:endpoints AS text[]), CAST(:keys AS text[])) AS k(endpoint_id, order_key)
      USING (endpoint_id, order_key)
    ORDER BY h.endpoint_id, h.order_key FOR UPDATE OF h""")

_FINISH = sql("""
    WITH r AS MATERIALIZED (
      SELECT * FROM unnest(
          CAST(:days AS date[]), CAST(:events AS text[]), CAST(:endpoints AS text[]), CAST(:attempts AS integer[]),
          CAST(:epochs AS bigint[]), CAST(:states AS text[]), CAST(:reasons AS text[]),
          CAST(:superseded_by AS text[]), CAST(:uncharged AS integer[]), CAST(:lost AS integer[]),
          CAST(:delays AS float8[]), CAST(:open AS boolean[]), CAST(:statuses AS smallint[]),
          CAST(:failures AS text[]), CAST(:headers AS integer[]), CAST(:totals AS integer[]),
          CAST(:fresh AS boolean[]))
        AS r(day, event_id, endpoint_id, attempt_no, epoch, state, reason, superseded_by, uncharged, lost, delay, open,
             status, failure, headers_ms, total_ms, fresh_try)),
    done AS (
      UPDATE delivery d
      SET state = r.state, reason = r.reason, lease_until = NULL, superseded_by = r.superseded_by,
          attempt_no = d.attempt_no - r.uncharged, lost_leases = d.lost_leases + r.lost,
          due_at = CASE WHEN r.lost + r.uncharged > 0 AND r.delay = 0 THEN d.due_at
                        ELSE now() + r.delay * interval '1 second' END,
          finished_at = CASE WHEN r.open THEN NULL ELSE now() END
      FROM r
      WHERE d.event_day = r.day AND d.event_id = r.event_id AND d.endpoint_id = r.endpoint_id
        AND d.state = 'leased' AND d.attempt_no = r.attempt_no AND d.epoch = r.epoch
      RETURNING d.event_id, d.endpoint_id, d.order_key, d.seq, d.state),
    logged AS (
      INSERT INTO attempt (event_id, endpoint_id, attempt_no, status, failure, headers_ms, total_ms, fresh_try)
      SELECT r.event_id, r.endpoint_id, r.attempt_no, r.status, r.failure, r.headers_ms, r.total_ms, r.fresh_try
      FROM r JOIN done USING (event_id, endpoint_id)
      WHERE r.status IS NOT NULL OR r.failure IS NOT NULL),
    moved AS (
      UPDATE order_head h SET delivered_seq = greatest(h.delivered_seq, done.seq)
      FROM done
      WHERE done.state = 'delivered' AND h.endpoint_id = done.endpoint_id AND h.order_key = done.order_key),
    promoted AS (
      UPDATE delivery d SET due_at = now()
      FROM done CROSS JOIN LATERAL (
        SELECT f.event_day, f.event_id FROM delivery f
        WHERE f.endpoint_id = done.endpoint_id AND f.order_key = done.order_key AND f.event_id <> done.event_id
          AND f.state IN ({OPEN}) ORDER BY f.seq LIMIT 1) n
      WHERE done.state NOT IN ({OPEN})
        AND d.event_day = n.event_day AND d.event_id = n.event_id AND d.endpoint_id = done.endpoint_id
        AND d.due_at = 'infinity'
      RETURNING d.endpoint_id)
    SELECT event_id, endpoint_id FROM done UNION ALL SELECT NULL, endpoint_id FROM promoted""")
"""Successors become due with the end of what they waited for; the lock of the head keeps new ones from being missed."""

_HEALTH = sa.text("""
    INSERT INTO endpoint_health AS h (endpoint_id, failures, failing_since, hold_until, last_success_at)
    SELECT endpoint_id, failures, CASE WHEN failures > 0 THEN now() END, now() + hold * interval '1 second',
           CASE WHEN succeeded THEN now() END
    FROM unnest(CAST(:endpoints AS text[]), CAST(:failures AS integer[]), CAST(:succeeded AS boolean[]),
                CAST(:holds AS float8[])) AS r(endpoint_id, failures, succeeded, hold) ORDER BY endpoint_id
    ON CONFLICT (endpoint_id) DO UPDATE SET
      failures = EXCLUDED.failures + CASE WHEN EXCLUDED.last_success_at IS NULL THEN h.failures ELSE 0 END,
      failing_since = CASE WHEN EXCLUDED.last_success_at IS NULL THEN coalesce(h.failing_since, EXCLUDED.failing_since)
                           ELSE EXCLUDED.failing_since END,
      hold_until = greatest(h.hold_until, EXCLUDED.hold_until),
      last_success_at = coalesce(EXCLUDED.last_success_at, h.last_success_at)
    WHERE h.failures > 0 OR EXCLUDED.failures > 0 OR EXCLUDED.hold_until IS NOT NULL
      OR h.last_success_at IS NULL OR h.last_success_at < now() - interval '10 seconds'""")
"""A success of an endpoint that is well is written down every 10 seconds only."""


_SET_ASIDE = sa.text("""
    UPDATE delivery SET state = 'quarantined', reason = 'unexpected', lease_until = NULL
    WHERE event_day = :day AND event_id = :event AND endpoint_id = :endpoint AND state = 'leased'""")


@dataclass(slots=True)
class _Written:
    outcome: AttemptOutcome
    state: State
    reason: str | None
    superseded_by: str | None = None


async def record(engine: AsyncEngine, outcomes: Sequence[AttemptOutcome]) -> Recording:
    """Write the outcomes in one transaction; one whose lease has passed to somebody else changes nothing.

    The order of the locks is the same everywhere: endpoints, then order heads, then deliveries.
    """
    async with direct_transaction(engine) as connection:
        before, after = await _endpoint_states(connection, outcomes)
        heads = await _lock_heads(connection, outcomes)
        planned = [_plan(outcome, after.get(outcome.claim.endpoint_id), heads) for outcome in outcomes]
        written, promoted = await _finish(connection, planned)
        recording = Recording([Recorded(row.outcome, row.state) for row in written], len(planned) - len(written))
        recording.ready = promoted
        await _health(connection, [row.outcome for row in written])
        for endpoint_id, state in after.items():
            if state is not before[endpoint_id]:
                await change_state(connection, endpoint_id, state, _cause(endpoint_id, outcomes))
                recording.ready.add(endpoint_id)
    return recording


async def set_aside(engine: AsyncEngine, row: RowKey) -> None:
    """Quarantine a leased delivery whose outcome cannot be recorded, until a person looks at it."""
    async with direct(engine) as connection:
        await connection.execute(_SET_ASIDE, {"day": row.day, "event": row.webhook_id, "endpoint": row.endpoint_id})


async def _endpoint_states(
    connection: Direct, outcomes: Sequence[AttemptOutcome]
) -> tuple[dict[str, EndpointState], dict[str, EndpointState]]:
    """States before and after, of the endpoints whose state matters: all but those with plain successes only."""
    touched = [item for item in outcomes if item.verdict.endpoint or item.verdict.state in OPEN]
    if not touched:
        return {}, {}
    found = await connection.execute(_LOCK_ENDPOINTS, {"endpoints": list({item.claim.endpoint_id for item in touched})})
    before = {row["endpoint_id"]: EndpointState(row["state"]) for row in found}
    after = dict(before)
    for item in touched:
        endpoint_id = item.claim.endpoint_id
        after[endpoint_id] = endpoint_after(after[endpoint_id], item.verdict.endpoint)
    return before, after


async def _lock_heads(connection: Direct, outcomes: Iterable[AttemptOutcome]) -> dict[Key, tuple[int, str]]:
    keys = sorted({key for outcome in outcomes if (key := _key(outcome))})
    if not keys:
        return {}
    found = await connection.execute(_LOCK_HEADS, _columns(keys))
    return {Key(row["endpoint_id"], row["order_key"]): (row["accepted_seq"], row["accepted_event"]) for row in found}


def _plan(outcome: AttemptOutcome, endpoint: EndpointState | None, heads: dict[Key, tuple[int, str]]) -> _Written:
    claim, verdict = outcome.claim, outcome.verdict
    state, reason = verdict.state, verdict.reason
    key = _key(outcome)
    if key and claim.mode is Mode.LATEST and state in OPEN:
        newest_seq, newest = heads[key]
        if newest_seq > claim.seq:
            return _Written(outcome, State.SUPERSEDED, reason, newest)
    if endpoint is not None:
        state, reason = row_after(claim.mode, state, reason, endpoint)
    return _Written(outcome, state, reason)


async def _finish(connection: Direct, planned: Sequence[_Written]) -> tuple[list[_Written], set[str]]:
    """What was written, and the endpoints at which something became due by it."""
    claims = [row.outcome.claim for row in planned]
    found = await connection.execute(
        _FINISH,
        {
            "days": [claim.day for claim in claims],
            "events": [claim.webhook_id for claim in claims],
            "endpoints": [claim.endpoint_id for claim in claims],
            "attempts": [claim.attempt_no for claim in claims],
            "epochs": [claim.epoch for claim in claims],
            "states": [row.state.value for row in planned],
            "reasons": [row.reason for row in planned],
            "superseded_by": [row.superseded_by for row in planned],
            "uncharged": [0 if row.outcome.verdict.charged else 1 for row in planned],
            "lost": [int(row.outcome.answer.failure is Failure.LEASE_LOST) for row in planned],
            "delays": [row.outcome.verdict.delay or 0.0 for row in planned],
            "open": [row.state in OPEN for row in planned],
            "statuses": [row.outcome.answer.status for row in planned],
            "failures": [row.outcome.answer.failure and row.outcome.answer.failure.value for row in planned],
            "headers": [row.outcome.headers_ms for row in planned],
            "totals": [row.outcome.total_ms for row in planned],
            "fresh": [row.outcome.fresh_try for row in planned],
        },
    )
    done = {(row["event_id"], row["endpoint_id"]) for row in found}
    written = [row for row in planned if (row.outcome.claim.webhook_id, row.outcome.claim.endpoint_id) in done]
    return written, {row["endpoint_id"] for row in found if row["event_id"] is None}


async def _health(connection: Direct, outcomes: Iterable[AttemptOutcome]) -> None:
    tally: dict[str, tuple[int, bool, float | None]] = {}
    for outcome in outcomes:
        charged = outcome.verdict.charged and outcome.answer.failure is not Failure.LEASE_LOST
        if not charged and outcome.verdict.hold is None:
            continue
        failures, succeeded, hold = tally.get(outcome.claim.endpoint_id, (0, False, None))
        holds = [seconds for seconds in (hold, outcome.verdict.hold) if seconds is not None]
        if charged:
            failures, succeeded = (0, True) if outcome.answer.success else (failures + 1, succeeded)
        tally[outcome.claim.endpoint_id] = (failures, succeeded, max(holds, default=None))
    if tally:
        await connection.execute(
            _HEALTH,
            {
                "endpoints": list(tally),
                "failures": [failures for failures, _, _ in tally.values()],
                "succeeded": [succeeded for _, succeeded, _ in tally.values()],
                "holds": [hold for _, _, hold in tally.values()],
            },
        )


def _cause(endpoint_id: str, outcomes: Iterable[AttemptOutcome]) -> str | None:
    """Why the endpoint's state changed, from the answer that asked for it."""
    for outcome in outcomes:
        if outcome.claim.endpoint_id == endpoint_id and outcome.verdict.endpoint:
            return outcome.verdict.reason or (outcome.answer.status and f"status_{outcome.answer.status}") or None
    return None


def _key(outcome: AttemptOutcome) -> Key | None:
    order_key = outcome.claim.order_key
    return None if order_key is None else Key(outcome.claim.endpoint_id, order_key)


def _columns(keys: Iterable[Key]) -> dict[str, list[str]]:
    listed = list(keys)
    return {"endpoints": [key.endpoint_id for key in listed], "keys": [key.order_key for key in listed]}
