"""kill -9 of the relay at every point of a round: nothing is lost, every repeat is the same, the order is kept."""

import asyncio
import signal
import sys
from collections import defaultdict
from pathlib import Path

from tests.integration.publishing.outbox.dying_relay import POINTS
from tests.integration.publishing.outbox.harness import Shop, first_seen, row

ROOT = Path(__file__).parents[4]
SELLERS = ("s-0", "s-1", "s-2")


async def run(shop: Shop, point: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.publishing.outbox.dying_relay",
        shop.url, shop.marketplace, shop.bootstrap_servers, point, cwd=ROOT,
    )  # fmt: skip
    return await asyncio.wait_for(process.wait(), 120)


async def test_killed_at_every_point_it_loses_nothing_and_repeats_the_same_bytes(shop: Shop) -> None:
    rows = [row(number, SELLERS[number % 3]) for number in range(8 * len(POINTS))]
    for number, point in enumerate(POINTS):
        await shop.write(*rows[8 * number : 8 * number + 8])
        assert await run(shop, point) == -signal.SIGKILL, point
    assert await run(shop, "never") == 0
    assert set((await shop.states()).values()) == {"sent"}
    copies = defaultdict(list)
    for one in shop.records():
        copies[one.event_id].append((one.partition, one.key, one.value, one.headers))
    assert set(copies) == {one["id"] for one in rows}, "each stands there"
    assert all(copy == mine[0] for mine in copies.values() for copy in mine), "each repeat is the same"
    assert any(len(mine) > 1 for mine in copies.values()), "some were repeated, or the kills came too early"
    for seller in SELLERS:
        assert first_seen(shop.records(), seller) == [one["id"] for one in rows if one["aggregateid"] == seller]
