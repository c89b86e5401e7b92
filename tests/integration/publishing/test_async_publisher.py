"""The asyncio publisher on a real Kafka: the same contract, and who finds no room waits."""

import asyncio
import contextlib
import os
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.publishing.test_kafka import create, records

from greenlane.operations.embedded import EmbeddedKafka
from greenlane.publishing import (
    AsyncPublisher,
    NotDelivered,
    Options,
    PublisherBusy,
    PublisherError,
    PublisherUnavailable,
    Receipt,
    ReceiptOutcome,
    Refusal,
)
from greenlane.publishing.history.timeline import RawRecord


@pytest.fixture
def marketplace(bootstrap_servers: str) -> str:
    """A marketplace of this test alone, with its topic."""
    name = f"test-{uuid4().hex[:12]}"
    create(bootstrap_servers, name)
    return name


def an_event(marketplace: str, number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0", "type": "greenlane.parcel.packed.v1", "source": f"/marketplaces/{marketplace}",
        "id": f"order-{number}.packed", "subject": f"seller-{number % 5}", "time": "2026-07-01T09:30:00+07:00",
        "data": {"parcel_id": f"order-{number}", "country": "VN"},
    }  # fmt: skip


async def test_every_event_has_its_receipt_and_a_bad_one_is_refused(bootstrap_servers: str, marketplace: str) -> None:
    heard: list[Receipt] = []
    async with AsyncPublisher(bootstrap_servers, marketplace, on_receipt=heard.append) as publisher:
        first = await publisher.publish_and_wait(an_event(marketplace, 0))
        with pytest.raises(Refusal, match="subject: is missing"):
            await publisher.publish(
                {name: value for name, value in an_event(marketplace, 1).items() if name != "subject"}
            )
        others = [await publisher.publish(an_event(marketplace, number)) for number in range(1, 200)]
        receipts = [first, *await asyncio.gather(*others)]
        assert (await publisher.flush()).delivered == 200

    assert {receipt.outcome for receipt in receipts} == {ReceiptOutcome.DELIVERED}
    assert [receipt.event_id for receipt in receipts] == [f"order-{number}.packed" for number in range(200)]
    assert sorted(receipt.event_id for receipt in heard) == sorted(receipt.event_id for receipt in receipts)
    assert len(records(bootstrap_servers, marketplace)) == 200


async def test_hundreds_of_tasks_wait_for_room_and_keep_their_order(bootstrap_servers: str, marketplace: str) -> None:
    async with AsyncPublisher(bootstrap_servers, marketplace, Options(max_count=10)) as publisher:

        async def send(number: int) -> Receipt:
            record = RawRecord(b"seller-%d" % (number % 3), b"%d" % number)
            return await (await publisher.publish_raw(record, name=str(number)))

        receipts = await asyncio.gather(*(send(number) for number in range(400)))

    assert [receipt.event_id for receipt in receipts] == [str(number) for number in range(400)]
    by_seller = defaultdict(list)
    for record in records(bootstrap_servers, marketplace):
        by_seller[record.key].append(int(record.value))
    assert all(numbers == sorted(numbers) for numbers in by_seller.values())
    assert sum(map(len, by_seller.values())) == 400


async def test_a_silent_broker_leaves_the_loop_free_and_every_wait_ends_by_the_deadline(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        assert kafka.pid is not None
        create(kafka.bootstrap_servers, "silent-vn")
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        turning = asyncio.create_task(turn())
        publisher = AsyncPublisher(kafka.bootstrap_servers, "silent-vn", Options(max_count=5, deadline=2.0))
        await publisher.__aenter__()
        await publisher.publish_and_wait(an_event("silent-vn", 0))
        os.kill(kafka.pid, signal.SIGSTOP)
        try:
            taken = [await publisher.publish(an_event("silent-vn", number)) for number in range(1, 6)]
            with contextlib.suppress(PublisherBusy):  # it is taken where the first ones expire before its own deadline
                taken.append(await publisher.publish(an_event("silent-vn", 6)))
            before = turns
            with pytest.raises(NotDelivered) as lost:
                await publisher.__aexit__(None, None, None)
            assert turns > before, "the loop goes on while the publisher waits"
        finally:
            os.kill(kafka.pid, signal.SIGCONT)
        turning.cancel()

    receipts = [await future for future in taken]
    assert {receipt.outcome for receipt in receipts} == {ReceiptOutcome.UNKNOWN}
    assert lost.value.count == len(taken)


async def test_with_a_spool_an_event_is_promised_and_later_delivered(
    bootstrap_servers: str, marketplace: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.spool"
    heard: list[Receipt] = []
    async with AsyncPublisher("127.0.0.1:1", marketplace, Options(spool=path, deadline=5)) as publisher:
        assert (await publisher.publish_and_wait(an_event(marketplace, 1))).outcome is ReceiptOutcome.SPOOLED
    options = Options(spool=path)
    async with AsyncPublisher(bootstrap_servers, marketplace, options, on_receipt=heard.append) as publisher:
        await publisher.publish(an_event(marketplace, 2))
        assert (await publisher.flush()).spooled == 0
    delivered = {receipt.event_id for receipt in heard if receipt.outcome is ReceiptOutcome.DELIVERED}
    assert delivered == {"order-1.packed", "order-2.packed"}


async def test_a_publisher_without_a_broker_or_before_it_is_entered_says_so(marketplace: str) -> None:
    with pytest.raises(PublisherUnavailable, match="no Kafka answers"):
        async with AsyncPublisher("127.0.0.1:1", marketplace):
            pass
    with pytest.raises(PublisherError, match="async with"):
        await AsyncPublisher("127.0.0.1:1", marketplace).publish(an_event(marketplace, 1))
