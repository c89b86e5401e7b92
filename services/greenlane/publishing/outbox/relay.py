"""Moves rows from the table to Kafka, round by round.

A round locks the first pending rows, appends what keeps the contract, and marks what was acknowledged, in one
transaction. A relay that dies in it leaves its rows pending: they are sent again in the same bytes, and count once.

The order of a seller's events: a round takes a seller's rows from the first pending one on and leaves none out. So
before a relay appends a row, it has appended every earlier pending row of that seller, or found it marked. This holds
without any lock: the locks only keep two relays from doing the same work.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import structlog

from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.topics import MAX_EVENT_BYTES, fulfilment_topic
from greenlane.publishing.outbox.checking import Ready, checked, reason_of
from greenlane.publishing.outbox.databases import Database
from greenlane.publishing.outbox.sending import Client, Sending, send
from greenlane.publishing.outbox.table import Row, Waiting, end, locked, waiting

_ROWS = 500
_BYTES = 4 * 1_048_576
"""Of the payloads that a round holds; a payload over the largest event is never fetched."""
_BROKEN = "unexpected_error: row: could not be checked, which is a fault of Greenlane's; report it with its log"
_log = structlog.get_logger("greenlane.outbox")


class Round(NamedTuple):
    """How many rows were sent, refused and left pending for want of an answer, and what is in the way.

    `busy` rows were somebody else's: another relay has locked them.
    """

    sent: int = 0
    refused: int = 0
    unanswered: int = 0
    busy: int = 0
    obstacle: str = ""


@dataclass
class Relay:
    """The relay of one marketplace: its table and its topic. `broken` is told of rows that only a fault refuses."""

    database: Database
    marketplace: str
    keep: bool
    broken: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.time

    async def round(self, client: Client) -> Round:
        """One round; raises what the database raises, and then nothing was marked."""
        async with self.database.begin() as session:
            seen = first_of(await session.run(partial(waiting, most=_ROWS)))
            if not seen:
                return Round()
            rows = await session.run(partial(locked, positions=[one.position for one in seen]))
            mine = unovertaken(seen, rows)
            now_ms = int(self.clock() * 1000)
            ready, refusals = self._checked(mine, now_ms)
            done = await send(client, fulfilment_topic(self.marketplace), ready, now_ms)
            refusals |= done.refusals
            await session.run(partial(end, sent=done.sent, refusals=refusals, keep=self.keep))
        for position, reason in refusals.items():
            _log.warning("a row is refused", offset=position, reason=reason.partition(":")[0])
        return _round(seen, mine, done, refusals)

    def _checked(self, rows: Iterable[Row], now_ms: int) -> tuple[list[Ready], dict[int, str]]:
        ready: list[Ready] = []
        refusals: dict[int, str] = {}
        for row in rows:
            try:
                ready.append(checked(row, self.marketplace, now_ms))
            except Refusal as refusal:
                refusals[row.position] = reason_of(refusal)
            except Exception as error:  # noqa: BLE001 - else this row would end the relay again and again
                _log.error("a row cannot be checked", offset=row.position, exc_info=error)
                self.broken()
                refusals[row.position] = _BROKEN
        return ready, refusals


def first_of(seen: Sequence[Waiting]) -> Sequence[Waiting]:
    """As many of the first rows as fit into a round's bytes, and one at least."""
    held = 0
    for count, one in enumerate(seen):
        held += one.size if one.size <= MAX_EVENT_BYTES else 0
        if held > _BYTES and count:
            return seen[:count]
    return seen


def unovertaken(seen: Iterable[Waiting], rows: Sequence[Row]) -> list[Row]:
    """The locked rows before which no row of the same seller was seen that is not locked; in their order."""
    mine = {row.position: row for row in rows}
    behind: set[str] = set()
    taken = []
    for one in seen:
        row = mine.get(one.position)
        if row is None:
            behind.add(one.aggregateid)
        elif row.aggregateid not in behind:
            taken.append(row)
    return taken


def _round(seen: Sequence[Waiting], mine: Sequence[Row], done: Sending, refused: Mapping[int, str]) -> Round:
    unanswered = len(mine) - len(done.sent) - len(refused)
    return Round(len(done.sent), len(refused), unanswered, len(seen) - len(mine), done.obstacle)
