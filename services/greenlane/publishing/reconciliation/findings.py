"""What differs between list and topic, the worst first, each with why and what to do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from sqlite3 import Row
from typing import Any

from greenlane.publishing.reconciliation.steps import CANCELLED_STEP, word_of
from greenlane.publishing.reconciliation.workspace import Workspace

DAY_MS = 86_400_000
OTHER_TIME_MS = 36 * 3_600_000
"""A list that has days alone is off by up to half a day and a time zone: more is another time."""


class Kind(StrEnum):
    """What may be wrong, the worst first."""

    MISSING = "missing"
    REFUSED = "refused"
    OTHER_SELLER = "other_seller"
    DOUBLED = "doubled"
    UNKNOWN = "unknown"
    OTHER_TIME = "other_time"
    DELAYED = "delayed"
    CANNOT_BE_KNOWN = "cannot_be_known"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs: which parcel and step, since which line of the list, where on the topic, why, what to do.

    `reason` is a stable word. `delay_hours` and `decided_without` (closed days that were decided without it) are of
    what was delayed; `late`: it counts in no account any more.
    """

    kind: Kind
    reason: str
    parcel: str
    step: str
    seller: str
    line: int | None
    because: str
    remedy: str
    places: tuple[str, ...] = ()
    letter: str | None = None
    fields: tuple[str, ...] = ()
    delay_hours: float | None = None
    decided_without: int | None = None
    late: bool | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the findings depend on beside the two sides.

    `told` are the steps of which the list tells. `lost_until` (ms) is when the oldest record was appended that the
    topic still holds, where it lost its beginning. `unreadable` counts offsets that nobody can read. `lateness_days`
    is after how many closed days an event counts in no account. `broker_times`: the topic's times are the broker's.
    """

    topic: str
    told: frozenset[int]
    tells_sellers: bool
    lost_until: int | None
    unreadable: int
    delayed_after_ms: int
    lateness_days: int
    broker_times: bool = True


def findings(workspace: Workspace, terms: Terms) -> Iterator[Finding]:
    """Every finding, the worst kind first. `absences` has prepared the workspace."""
    yield from _absent(workspace, terms, known=True)
    yield from _refused(workspace, terms)
    if terms.tells_sellers:
        yield from _other_seller(workspace, terms)
    else:
        yield from _two_sellers(workspace, terms)
    yield from doubled(workspace, terms)
    yield from _unknown(workspace, terms)
    yield from _other_time(workspace, terms)
    if terms.broker_times:
        yield from _delayed(workspace, terms)
    yield from _absent(workspace, terms, known=False)


_ABSENCES = """
CREATE TABLE absent AS SELECT s.parcel, s.step, s.at, s.line, l.seller, 0 AS refused
  FROM steps s JOIN listed l USING (parcel)
  WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.parcel = s.parcel AND e.step = s.step)
  AND NOT EXISTS (SELECT 1 FROM refusals r WHERE r.parcel = s.parcel AND r.step = s.step);
"""
_ABSENT_PARCELS = """
INSERT INTO absent SELECT l.parcel, -1, NULL, l.line, l.seller, 0 FROM listed l
  WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.parcel = l.parcel)
  AND NOT EXISTS (SELECT 1 FROM refusals r WHERE r.parcel = l.parcel AND r.step >= 0);
"""
_REFUSED_ABSENCES = """
CREATE INDEX absent_parcel ON absent (parcel, step);
UPDATE absent SET refused = 1 WHERE
  (SELECT count(DISTINCT r.event_id || r.part || '/' || r.off) FROM refusals r
   WHERE r.parcel = absent.parcel AND r.step = -1)
  >= (SELECT count(*) FROM absent other WHERE other.parcel = absent.parcel)
"""


def absences(workspace: Workspace, terms: Terms) -> None:
    """Note the steps of which no event stands; those that a refused record of no known step explains are marked."""
    script = _ABSENCES + ("" if terms.told else _ABSENT_PARCELS) + _REFUSED_ABSENCES
    workspace.prepare(script)


def _absent(workspace: Workspace, terms: Terms, *, known: bool) -> Iterator[Finding]:
    """Steps that are missing, or of which the topic may have held an event that retention took."""
    for row in workspace.ask("SELECT * FROM absent WHERE NOT refused ORDER BY line, step"):
        lost = terms.lost_until is not None and (row["at"] is None or row["at"] - DAY_MS < terms.lost_until)
        if lost is known:
            continue
        step = word_of(row["step"])
        what = f"no {step} event" if step else "no event"
        about = row["parcel"], step, row["seller"], row["line"]
        if lost:
            assert terms.lost_until is not None, "it is what lost means"
            because = (
                f"{what} of it is left on the topic, which holds nothing from before {moment_text(terms.lost_until)} "
                "on every partition any more: it may have been there"
            )
            remedy = "compare lists before retention removes the events; its account tells whether it counted"
            yield Finding(Kind.CANNOT_BE_KNOWN, "retention", *about, because, remedy)
            continue
        because = f"{what} of it stands on the topic"
        reason = "dropped"
        if terms.unreadable:
            because += f"; it may be among {terms.unreadable:,} offsets that nobody can read"
            reason = "dropped_or_unreadable"
        yield Finding(Kind.MISSING, reason, *about, because, "publish it; an event that arrives twice counts once")


_REFUSED = """
SELECT r.*, count(*) AS times, l.line FROM refusals r LEFT JOIN listed l USING (parcel)
WHERE (l.parcel IS NOT NULL OR (r.parcel = '' AND r.appended >= coalesce((SELECT min(at) FROM steps), 0) - 86400000))
AND NOT EXISTS (SELECT 1 FROM events e WHERE r.event_id <> '' AND e.event_id = r.event_id
                AND (r.parcel = '' OR e.parcel = r.parcel))
AND NOT EXISTS (SELECT 1 FROM events e WHERE e.parcel = r.parcel AND e.step = r.step AND r.step >= 0
                AND e.appended >= r.appended)
AND NOT (r.step = -1 AND r.parcel <> '' AND EXISTS (SELECT 1 FROM events e WHERE e.parcel = r.parcel)
         AND NOT EXISTS (SELECT 1 FROM absent a WHERE a.parcel = r.parcel))
GROUP BY CASE r.parcel WHEN '' THEN r.part || '/' || r.off ELSE r.parcel || '/' || r.step END, r.code
ORDER BY l.line IS NULL, l.line, r.part, r.off
"""


def _refused(workspace: Workspace, terms: Terms) -> Iterator[Finding]:
    """Refused records of which no event came later; one without a readable parcel may be of any."""
    for row in workspace.ask(_REFUSED):
        problems = json.loads(row["problems"])
        text = "; ".join(f"{path or 'record'} {message}" for path, message in problems[:3])
        because = f"refused ({row['code']}): {text}"
        if row["times"] > 1:
            because += f"; {row['times']} such records"
        if not row["parcel"]:
            because += "; it does not say which parcel it is about"
        remedy = "correct the field at its source and publish the event again"
        if row["code"] in {"unexpected_error", "skipped", "output_too_large"}:
            remedy = "tell your operator the dead letter's id; it can be re-driven once the cause is mended"
        yield Finding(
            Kind.REFUSED, row["code"], row["parcel"], word_of(row["step"]), row["seller"], row["line"], because, remedy,
            (place_text(terms, row),), row["letter"], tuple(path or "record" for path, _ in problems),
        )  # fmt: skip


_OTHER_SELLER = """
SELECT e.*, l.seller AS owner, l.line, min(e.off) FROM events e JOIN listed l USING (parcel)
WHERE l.sellers = 1 AND e.seller <> l.seller AND NOT EXISTS
  (SELECT 1 FROM events c WHERE c.parcel = e.parcel AND c.seller = e.seller AND c.step = ?)
GROUP BY e.parcel, e.step, e.seller ORDER BY l.line, e.step
"""


def _other_seller(workspace: Workspace, terms: Terms) -> Iterator[Finding]:
    for row in workspace.ask(_OTHER_SELLER, CANCELLED_STEP):
        yield Finding(
            Kind.OTHER_SELLER, "other_seller", row["parcel"], word_of(row["step"]), row["owner"], row["line"],
            f"the event names {row['seller']}, the list {row['owner']}: it counts in the account of the former",
            f"publish cancelled with subject {row['seller']}, then the event with subject {row['owner']} and an id of "
            "its own",
            (place_text(terms, row),),
        )  # fmt: skip


_TWO_SELLERS = """
SELECT e.*, l.line, count(DISTINCT e.seller) AS owners, min(e.seller) AS one, max(e.seller) AS other
FROM events e JOIN listed l USING (parcel)
WHERE NOT EXISTS (SELECT 1 FROM events c WHERE c.parcel = e.parcel AND c.seller = e.seller AND c.step = ?)
GROUP BY e.parcel, e.step HAVING owners > 1 ORDER BY l.line, e.step
"""


def _two_sellers(workspace: Workspace, terms: Terms) -> Iterator[Finding]:
    """Where the list does not say whose a parcel is: steps that count in more than one account."""
    for row in workspace.ask(_TWO_SELLERS, CANCELLED_STEP):
        yield Finding(
            Kind.DOUBLED, "two_sellers", row["parcel"], word_of(row["step"]), row["one"], row["line"],
            f"events of {row['one']} and of {row['other']} stand: it counts in both accounts",
            "publish cancelled with the subject of whoever did not sell it",
            (place_text(terms, row),),
        )  # fmt: skip


_DOUBLED = """
SELECT e.parcel, e.step, e.seller, e.revision, l.line, count(DISTINCT e.event_id) AS ids
FROM events e JOIN listed l USING (parcel)
WHERE e.step <> ? AND NOT EXISTS (SELECT 1 FROM events n WHERE n.parcel = e.parcel AND n.seller = e.seller
  AND ((n.step = e.step AND n.revision > e.revision) OR n.step = ?))
GROUP BY e.parcel, e.step, e.seller, e.revision HAVING count(DISTINCT e.content) > 1 ORDER BY l.line, e.step
"""
_SAME_ID = """
SELECT e.event_id, min(l.line) AS line, count(DISTINCT e.parcel || '/' || e.step || '/' || e.revision) AS about
FROM events e JOIN listed l USING (parcel)
WHERE e.event_id IN (SELECT event_id FROM events GROUP BY event_id HAVING count(DISTINCT content) > 1)
GROUP BY e.event_id HAVING about > 1 ORDER BY line
"""


def doubled(workspace: Workspace, terms: Terms) -> Iterator[Finding]:
    """Two different events of one revision of a step, and one id for events about different things."""
    for row in workspace.ask(_DOUBLED, CANCELLED_STEP, CANCELLED_STEP):
        one_id = row["ids"] == 1
        events = list(
            workspace.ask(
                "SELECT * FROM events WHERE parcel = ? AND step = ? AND seller = ? AND revision = ? "
                "ORDER BY at DESC, event_id DESC, appended LIMIT 5",
                row["parcel"], row["step"], row["seller"], row["revision"],
            )
        )  # fmt: skip
        if one_id:
            because = f"the id {events[0]['event_id']} was published again with other content: only one of them counts"
        else:
            ids = " and ".join(dict.fromkeys(event["event_id"] for event in events))
            because = f"different events of one revision: {ids}; only the first one named counts, by time and then id"
        yield Finding(
            Kind.DOUBLED, "same_id" if one_id else "same_step", row["parcel"], word_of(row["step"]), row["seller"],
            row["line"], because, "publish a correction with a higher revision that says what is right",
            tuple(place_text(terms, event) for event in events),
        )  # fmt: skip
    for row in workspace.ask(_SAME_ID):
        events = list(workspace.ask("SELECT * FROM events WHERE event_id = ? LIMIT 5", row["event_id"]))
        about = " and ".join(dict.fromkeys(f"{event['parcel']} {word_of(event['step'])}" for event in events))
        yield Finding(
            Kind.DOUBLED, "id_of_several", events[0]["parcel"], word_of(events[0]["step"]), events[0]["seller"],
            row["line"], f"the id {row['event_id']} is of different events: {about}; whoever drops repeats by their id "
            "loses one", "give each event an id of its own",
            tuple(place_text(terms, event) for event in events),
        )  # fmt: skip


_UNKNOWN = """
SELECT e.*, min(e.off), l.line FROM events e LEFT JOIN listed l USING (parcel)
WHERE NOT EXISTS (SELECT 1 FROM unclear u WHERE u.parcel = e.parcel AND (u.step IS NULL OR u.step = e.step))
AND NOT EXISTS (SELECT 1 FROM events c WHERE c.parcel = e.parcel AND c.seller = e.seller AND c.step = ?)
AND CASE WHEN l.parcel IS NULL THEN ? OR EXISTS (SELECT 1 FROM spans s
                                               WHERE s.step = e.step AND e.at BETWEEN s.first AND s.last)
    ELSE EXISTS (SELECT 1 FROM spans s WHERE s.step = e.step AND e.at BETWEEN s.first AND s.last)
         AND NOT EXISTS (SELECT 1 FROM steps t WHERE t.parcel = e.parcel AND t.step = e.step) END
GROUP BY e.parcel, e.step ORDER BY e.at
"""
_SPANS = "CREATE TABLE spans AS SELECT step, min(at) AS first, max(at) AS last FROM steps GROUP BY step"


def _unknown(workspace: Workspace, terms: Terms) -> Iterator[Finding]:
    """Events that the list lacks, between its first and its last time of their step; without times, all of them."""
    workspace.prepare(_SPANS)
    for row in workspace.ask(_UNKNOWN, CANCELLED_STEP, not terms.told):
        listed = row["line"] is not None
        because = (
            f"the list has the parcel and says nothing of its being {word_of(row['step'])}"
            if listed
            else "the list lacks the parcel"
        )
        yield Finding(
            Kind.UNKNOWN, "step_not_listed" if listed else "parcel_not_listed", row["parcel"], word_of(row["step"]),
            row["seller"], row["line"], f"{because}; it counts in the account",
            "complete the list if it happened; else publish cancelled for the parcel" if not listed
            else "complete the list if it happened; else publish a correction, or cancelled if the parcel never was",
            (place_text(terms, row),),
        )  # fmt: skip


_OTHER_TIME = """
SELECT s.parcel, s.step, s.at AS told, s.line, e.*, min(abs(e.at - s.at)) AS off_by
FROM steps s JOIN events e USING (parcel, step)
GROUP BY s.parcel, s.step HAVING off_by > ? ORDER BY s.line, s.step
"""


def _other_time(workspace: Workspace, terms: Terms) -> Iterator[Finding]:
    for row in workspace.ask(_OTHER_TIME, OTHER_TIME_MS):
        yield Finding(
            Kind.OTHER_TIME, "other_time", row["parcel"], word_of(row["step"]), row["seller"], row["line"],
            f"the event says {moment_text(row['at'])}, the list {moment_text(row['told'])}: it counts on another day",
            "publish a correction with a higher revision and the right time, or correct the list",
            (place_text(terms, row),),
        )  # fmt: skip


_DELAYS = """
CREATE TABLE delays AS SELECT *, appended / 86400000 - at / 86400000 > {} AS late FROM
(SELECT e.parcel, e.step, e.seller, e.at, e.part, e.off, min(e.appended) AS appended, l.line
FROM events e JOIN listed l USING (parcel) GROUP BY e.parcel, e.step
HAVING min(e.appended) - e.at > {})
"""


def _delayed(workspace: Workspace, terms: Terms) -> Iterator[Finding]:
    workspace.prepare(_DELAYS.format(int(terms.lateness_days), int(terms.delayed_after_ms)))
    for row in workspace.ask("SELECT * FROM delays ORDER BY appended - at DESC, line"):
        hours = (row["appended"] - row["at"]) / 3_600_000
        closed = row["appended"] // DAY_MS - row["at"] // DAY_MS
        late = bool(row["late"])
        because = f"happened {moment_text(row['at'])}, appended {moment_text(row['appended'])}: {hours:,.1f} h later"
        because += f"; where the clock closes days, {closed} closed days were decided without it"
        if late:
            because += f", and after {terms.lateness_days} of them it counts in no account"
        yield Finding(
            Kind.DELAYED, "late" if late else "delayed", row["parcel"], word_of(row["step"]), row["seller"],
            row["line"], because, "publish what happened on the day on which it happens",
            (place_text(terms, row),), delay_hours=round(hours, 2), decided_without=closed, late=late,
        )  # fmt: skip


def moment_text(milliseconds: int) -> str:
    """A time in UTC to the second."""
    found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return found.strftime("%Y-%m-%d %H:%M:%SZ")


def place_text(terms: Terms, row: Row | dict[str, Any]) -> str:
    """Where a record stands."""
    return f"{terms.topic} partition {row['part']} offset {row['off']}"
