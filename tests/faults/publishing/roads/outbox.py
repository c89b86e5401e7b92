"""The outbox's road: the shop's own transactions; accepted is what is committed, refused is what the relay says."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
from tests.faults.publishing.events import is_bad
from tests.faults.publishing.journal import Verdict

INSERT = "INSERT INTO greenlane_outbox (id, type, aggregateid, time, payload) VALUES ($1, $2, $3, $4, $5)"
REFUSED = "SELECT DISTINCT id FROM greenlane_outbox WHERE state = 'refused' AND id = ANY($1::text[])"
PENDING = "SELECT count(*) FROM greenlane_outbox WHERE state = 'pending' AND id LIKE $1"


class Outbox:
    """One transaction for each turn. What the relay has not read yet has no verdict if it breaks the contract."""

    def __init__(self, client: str, url: str) -> None:
        self._client, self._url = client, url

    def send(self, events: list[tuple[int, dict[str, Any]]]) -> dict[int, Verdict]:
        """Write the rows, commit, and look which of them were refused before."""
        return asyncio.run(self._send(events))

    async def _send(self, events: list[tuple[int, dict[str, Any]]]) -> dict[int, Verdict]:
        connection = await asyncpg.connect(self._url)
        try:
            found = await connection.fetch(REFUSED, [event["id"] for _, event in events])
            refused = {row["id"] for row in found}
            fresh = [(number, event) for number, event in events if event["id"] not in refused]
            async with connection.transaction():
                await connection.executemany(INSERT, [_row(event) for _, event in fresh])
        finally:
            connection.terminate()
        accepted = {number: Verdict("accepted") for number, _ in fresh if not is_bad(number)}
        return accepted | {number: Verdict("refused") for number, event in events if event["id"] in refused}

    def finish(self) -> bool:
        """Whether the relay has moved every row of this client."""
        return asyncio.run(self._pending()) == 0

    async def _pending(self) -> int:
        connection = await asyncpg.connect(self._url)
        try:
            return int(await connection.fetchval(PENDING, f"{self._client}/%"))
        finally:
            connection.terminate()


def _row(event: dict[str, Any]) -> tuple[str, str, str, str, str]:
    return event["id"], event["type"], event["subject"], event["time"], json.dumps(event["data"])


def road(own: Path, url: str) -> Outbox:
    """From the words of a command."""
    return Outbox(own.name, url)
