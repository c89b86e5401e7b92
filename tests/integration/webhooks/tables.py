"""Deliveries made, claimed and recorded straight in the dispatcher's tables, without Kafka and without receivers."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.webhooks.harness import DAY

from greenlane.webhooks.dispatcher.claiming.claims import Claim, Want, claim
from greenlane.webhooks.dispatcher.claiming.shards import renew
from greenlane.webhooks.dispatcher.intake.acceptance import accept
from greenlane.webhooks.dispatcher.intake.messages import Message, sequence_number
from greenlane.webhooks.dispatcher.recording.outcomes import AttemptOutcome, record
from greenlane.webhooks.dispatcher.verdicts import Answer, judge
from greenlane.webhooks.identity import shard_of, webhook_id
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.states import Mode

LATER = 4_000_000_000_000
OWNER = "tester"
URL = "http://127.0.0.1:9/hook"
ORPHANS = """
    SELECT count(*) FROM delivery d WHERE d.state = 'pending' AND d.due_at = 'infinity' AND NOT EXISTS (
      SELECT FROM delivery f WHERE f.endpoint_id = d.endpoint_id AND f.order_key = d.order_key AND f.seq < d.seq
        AND f.state IN ('pending', 'leased', 'held', 'quarantined'))"""


async def add_active(desk: Administration, marketplace: str = "demo-vn", seller: str | None = None, **more: Any) -> str:
    """An endpoint that counts as confirmed."""
    new = await desk.add_endpoint(URL, marketplace, seller, **more)
    await set_state(desk.engine, new.endpoint.endpoint_id, "active")
    async with desk.engine.begin() as connection:
        await connection.execute(sa.text("DELETE FROM delivery WHERE mode = 'unordered'"))
    return new.endpoint.endpoint_id


async def set_state(engine: AsyncEngine, endpoint_id: str, state: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            sa.text("UPDATE endpoint SET state = :state WHERE endpoint_id = :id"), {"state": state, "id": endpoint_id}
        )


def identity(mode: Mode, seller: str, sequence: int, marketplace: str = "demo-vn") -> str:
    return webhook_id(f"/marketplaces/{marketplace}", f"{mode}-{seller}-{sequence}")


def message(mode: Mode, seller: str, sequence: int, marketplace: str = "demo-vn") -> Message:
    family = "score" if mode is Mode.LATEST else "badge"
    return Message(
        webhook_id=identity(mode, seller, sequence, marketplace),
        day=DAY,
        type="seller.score.updated" if mode is Mode.LATEST else "badge.granted",
        mode=mode,
        order_key=f"{family}:{marketplace}/{seller}",
        seq=sequence_number(DAY, sequence),
        marketplace=marketplace,
        seller_id=seller,
        body=b"{}",
        appended_ms=LATER,
    )


async def take_in(desk: Administration, mode: Mode, seller: str, *sequences: int, marketplace: str = "demo-vn") -> None:
    for sequence in sequences:
        await accept(desk.engine, [message(mode, seller, sequence, marketplace)])


async def claimed(desk: Administration, endpoint_id: str, limit: int = 100) -> list[Claim]:
    epochs = (await renew(desk.engine, OWNER, 60.0)).epochs
    shard = shard_of(endpoint_id)
    return (await claim(desk.engine, OWNER, [Want(endpoint_id, shard, epochs[shard], limit)], 60.0)).claims


async def answered(desk: Administration, claims: list[Claim], answer: Answer) -> None:
    outcomes = [AttemptOutcome(item, answer, judge(item.mode, item.attempt_no, answer, 1.0), 12, 7) for item in claims]
    await record(desk.engine, outcomes)


async def sent(desk: Administration, endpoint_id: str) -> list[str]:
    """Everything due is sent and answered 200, until nothing is due; the ids in the order of sending."""
    order: list[str] = []
    while claims := await claimed(desk, endpoint_id):
        keys = [item.order_key for item in claims if item.order_key]
        assert len(keys) == len(set(keys)), "two of one order key were under way at once"
        order += [item.webhook_id for item in claims]
        await answered(desk, claims, Answer(200))
    return order


async def scalar(engine: AsyncEngine, query: str) -> Any:
    async with engine.begin() as connection:
        return (await connection.execute(sa.text(query))).scalar_one()
