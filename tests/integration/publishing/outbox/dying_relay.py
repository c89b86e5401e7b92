"""A relay that kills itself at one point of its second round: URL MARKETPLACE BOOTSTRAP_SERVERS POINT."""

import asyncio
import os
import signal
import sys
from typing import Any

from pydantic import SecretStr

from greenlane.publishing.outbox import relay, sending
from greenlane.publishing.outbox.databases import database_of
from greenlane.publishing.sdk.link import producer_of

POINTS = ("claimed", "appended", "acknowledged", "marked", "committed")
_rounds = 0


def _die_at(point: str, wanted: str) -> None:
    if point == wanted and _rounds == 2:
        os.kill(os.getpid(), signal.SIGKILL)


def _alter(wanted: str) -> None:
    altered: Any = relay
    lane_type: Any = sending._Lane
    locked, send, end, append = altered.locked, altered.send, altered.end, lane_type._append

    def dying_locked(*arguments: Any, **named: Any) -> Any:
        found = locked(*arguments, **named)
        _die_at("claimed", wanted)
        return found

    async def dying_append(lane: Any, batch: Any) -> Any:
        if wanted == "appended" and _rounds == 2:
            await lane.client.send_batch(batch, lane.topic, partition=lane.partition)
            await asyncio.sleep(0.05)
            _die_at("appended", wanted)
        return await append(lane, batch)

    async def dying_send(*arguments: Any, **named: Any) -> Any:
        done = await send(*arguments, **named)
        _die_at("acknowledged", wanted)
        return done

    def dying_end(*arguments: Any, **named: Any) -> None:
        end(*arguments, **named)
        _die_at("marked", wanted)

    altered.locked, altered.send, altered.end = dying_locked, dying_send, dying_end
    lane_type._append = dying_append


async def _main(url: str, marketplace: str, bootstrap_servers: str, wanted: str) -> None:
    global _rounds  # noqa: PLW0603 - a process of its own
    _alter(wanted)
    relay._ROWS = 4
    database, producer = database_of(SecretStr(url)), producer_of(bootstrap_servers, "outbox")
    await producer.start()
    one = relay.Relay(database, marketplace, keep=True)
    while True:
        _rounds += 1
        done = await one.round(producer)
        _die_at("committed", wanted)
        if not done.sent and not done.busy:
            break
    await producer.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:5]))
