"""Rows that a shop writes in SQL become records, in order and once; bad rows are named and keep nobody."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr
from tests.integration.publishing.outbox.harness import Shop, execute, first_seen, row, write

from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.topics import fulfilment_topic
from greenlane.publishing.outbox.databases import database_of
from greenlane.publishing.outbox.ddl import ddl
from greenlane.publishing.outbox.relay import Relay
from greenlane.publishing.outbox.table import missing_columns, remove_sent, standing

NOW_MS = 1_800_000_000_000


def relay_of(shop: Shop, *, keep: bool = True) -> Relay:
    return Relay(shop.database, shop.marketplace, keep)


@dataclass(frozen=True)
class Appended:
    """A record as the scorers read it."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    partition: int = 0
    offset: int = 0
    timestamp: int = NOW_MS


async def test_committed_rows_become_records_that_the_scorers_accept_and_rolled_back_ones_do_not(
    shop: Shop, producer: AIOKafkaProducer
) -> None:
    rows = [row(number, f"s-{number % 5}") for number in range(40)]
    await shop.write(*rows)
    with pytest.raises(ZeroDivisionError):
        await _write_and_fail(shop)
    done = await relay_of(shop).round(producer)
    assert (done.sent, done.refused, done.unanswered, done.obstacle) == (40, 0, 0, "")
    assert (await relay_of(shop).round(producer)).sent == 0
    records = shop.records()
    assert Counter(one.event_id for one in records) == Counter(one["id"] for one in rows)
    by_id = {one["id"]: one for one in rows}
    for one in records:
        written = by_id[one.event_id]
        assert one.value == written["payload"].encode(), "the payload's own bytes"
        assert one.headers["ce_time"] == written["time"].encode()
        appended = Appended(fulfilment_topic(shop.marketplace), one.key, one.value, tuple(one.headers.items()))
        reading = read_event(appended)
        assert reading.refusal is None
        assert reading.event is not None
        assert (reading.event.subject, reading.event.source) == (
            written["aggregateid"], f"/marketplaces/{shop.marketplace}",
        )  # fmt: skip
    for number in range(5):
        mine = [one["id"] for one in rows if one["aggregateid"] == f"s-{number}"]
        assert first_seen(records, f"s-{number}") == mine
    assert set((await shop.states()).values()) == {"sent"}


async def _write_and_fail(shop: Shop) -> None:
    async with shop.database.begin() as session:
        await write(session, [row(99)])
        raise ZeroDivisionError


BAD = {
    "no-json": ({"payload": "{'parcel_id': 'x'}"}, "not_json: payload"),
    "two-values": ({"payload": '{"parcel_id": "x"}, "subject": "s-9"'}, "not_json: payload"),
    "closed-early": ({"payload": '{}}, {"a": 1'}, "not_json: payload"),
    "a-list": ({"payload": "[]"}, "schema_violation: payload"),
    "empty": ({"payload": ""}, "not_json: payload"),
    "deep": ({"payload": "[" * 200_000}, "too_deep: payload"),
    "megabytes": ({"payload": '{"parcel_id": "' + "x" * 3_000_000 + '"}'}, "too_large: payload"),
    "just-too-large": ({"payload": "x" * 262_144}, "payload"),
    "escaped-nul": ({"payload": '{"parcel_id": "a\\u0000"}'}, "payload.parcel_id"),
    "unknown-field": ({"payload": '{"parcel_id": "x", "reason_code": 1}'}, "payload.reason_code"),
    "other-type": ({"type": "greenlane.parcel.lost.v1"}, "unknown_type: type"),
    "naive": ({"time": "2026-07-01T09:30:00"}, "naive_time: time"),
    "future": ({"time": "2199-07-01T09:30:00Z"}, "future_time: time"),
    "no-time": ({"time": "now"}, "time"),
    "seller": ({"aggregateid": "a person's name"}, "aggregateid"),
    "quotes": ({"aggregateid": '","subject":"s-1'}, "aggregateid"),
    "bad id": ({}, "id"),
}


async def test_bad_rows_are_refused_with_column_and_remedy_and_their_neighbours_are_sent(
    shop: Shop, producer: AIOKafkaProducer
) -> None:
    rows = []
    for number, (name, (changed, _)) in enumerate(BAD.items()):
        rows += [row(number), row(number) | {"id": name} | changed]
    await shop.write(*rows)
    await shop.run(
        "INSERT INTO greenlane_outbox (id, type, aggregatetype, aggregateid, time, payload) VALUES "
        "('stranger', :type, 'another-vn', 's-1', :time, :payload)",
        **{name: rows[0][name] for name in ("type", "time", "payload")},
    )
    sent = 0
    while done := await relay_of(shop).round(producer):
        sent += done.sent
        if not done.sent and not done.refused:
            break
    assert sent == len(BAD)
    refusals = await shop.refusals()
    assert set(refusals) == {*BAD, "stranger"}
    for name, (_, expected) in BAD.items():
        assert expected in refusals[name], (name, refusals[name])
        assert ": " in refusals[name]
        assert "x" * 50 not in refusals[name], "no value is repeated"
    assert refusals["stranger"].startswith("source_mismatch: aggregatetype: must be ")
    assert first_seen(shop.records(), "s-1") == [f"p-{number}.packed" for number in range(len(BAD))]
    await shop.run(
        "UPDATE greenlane_outbox SET payload = :payload, state = 'pending' WHERE id = 'a-list'",
        payload=row(77)["payload"],
    )
    assert (await relay_of(shop).round(producer)).sent == 1
    assert (await shop.states())["a-list"] == "sent"


async def test_a_transaction_that_commits_late_is_neither_waited_for_nor_lost(
    shop: Shop, producer: AIOKafkaProducer
) -> None:
    relay = relay_of(shop)
    async with shop.database.begin() as slow:
        await write(slow, [row(1, "s-1"), row(2, "s-2")])
        await shop.write(row(3, "s-1"))
        assert (await relay.round(producer)).sent == 1, "an uncommitted row holds nobody up"
        await shop.write(row(4, "s-1"))
    assert (await relay.round(producer)).sent == 3
    seen = first_seen(shop.records(), "s-1")
    assert set(seen) == {"p-1.packed", "p-3.packed", "p-4.packed"}
    assert seen.index("p-3.packed") < seen.index("p-4.packed"), "4 was written after 3 had been committed"


async def test_two_relays_at_once_lose_nothing_and_keep_every_sellers_order(
    shop: Shop, producer: AIOKafkaProducer
) -> None:
    sellers, each = [f"s-{number}" for number in range(6)], 25
    written = asyncio.Event()

    async def sell(seller: str) -> None:
        for number in range(each):
            await shop.write(row(number, seller, id=f"{seller}:{number}"))

    async def move(database_url: str) -> int:
        database = database_of(SecretStr(database_url))
        relay = Relay(database, shop.marketplace, keep=True)
        count = 0
        while True:
            over = written.is_set()
            done = await relay.round(producer)
            count += done.sent
            if over and not done.sent and not done.busy:
                break
            await asyncio.sleep(0)
        await database.close()
        return count

    async def sell_all() -> None:
        await asyncio.gather(*(sell(seller) for seller in sellers))
        written.set()

    _, *counts = await asyncio.gather(sell_all(), move(shop.url), move(shop.url))
    assert set((await shop.states()).values()) == {"sent"}
    records = shop.records()
    for seller in sellers:
        assert first_seen(records, seller) == [f"{seller}:{number}" for number in range(each)]
    assert sum(counts) == len(records), "each relay says what it sent"


async def test_while_one_relay_holds_rows_another_one_takes_none_of_them(
    shop: Shop, producer: AIOKafkaProducer
) -> None:
    await shop.write(*(row(number, f"s-{number % 2}") for number in range(6)))
    async with shop.database.begin() as session:
        await execute(session, "SELECT id FROM greenlane_outbox WHERE id = 'p-0.packed' FOR UPDATE", {})
        done = await relay_of(shop).round(producer)
        assert (done.sent, done.busy) == (3, 3), "not a row of the seller whose first one is somebody else's"
    assert (await relay_of(shop).round(producer)).sent == 3
    assert first_seen(shop.records(), "s-0") == ["p-0.packed", "p-2.packed", "p-4.packed"]


async def test_sent_rows_are_removed_after_their_days_and_refused_ones_stay(
    shop: Shop, producer: AIOKafkaProducer
) -> None:
    await shop.write(row(1), row(2), row(3, payload="{}"))
    await relay_of(shop).round(producer)
    async with shop.database.begin() as session:
        told = await session.run(standing)
        assert (told.pending, told.refused, told.oldest_seconds) == (0, 1, 0.0)
        assert await session.run(lambda connection: remove_sent(connection, 7, 100)) == 0
    await shop.run("UPDATE greenlane_outbox SET ended_at = '2026-01-01 00:00:00'")
    async with shop.database.begin() as session:
        assert await session.run(lambda connection: remove_sent(connection, 7, 1)) == 1
        assert await session.run(lambda connection: remove_sent(connection, 7, 100)) == 1
    await shop.write(row(4))
    async with shop.database.begin() as session:
        told = await session.run(standing)
    assert told.pending == 1
    assert 0 <= told.oldest_seconds < 60
    assert (await relay_of(shop, keep=False).round(producer)).sent == 1
    assert await shop.states() == {"p-3.packed": "refused"}


async def test_what_the_file_grants_is_all_that_the_relay_needs(shop: Shop, producer: AIOKafkaProducer) -> None:
    user = f"relay_{uuid4().hex[:12]}"
    mysql = shop.database.dialect == "mysql"
    await shop.run(f"CREATE USER {user} {'IDENTIFIED BY' if mysql else 'PASSWORD'} 'secret'")
    text = ddl("mysql" if mysql else "postgresql", shop.marketplace)
    grant = next(line for line in text.splitlines() if "GRANT" in line).removeprefix("--")
    grant = grant.replace("the_relays_user;", user)
    await shop.run(grant)
    await shop.write(row(1), row(2, payload="{}"))
    url = re.sub(r"//[^@]*@", f"//{user}:secret@", shop.url)
    database = database_of(SecretStr(url))
    done = await Relay(database, shop.marketplace, keep=True).round(producer)
    assert (done.sent, done.refused) == (1, 1)
    assert (await shop.states()) == {"p-1.packed": "sent", "p-2.packed": "refused"}
    async with database.begin() as session:
        assert await session.run(missing_columns) == []
        assert await session.run(lambda connection: remove_sent(connection, 7, 100)) == 0
    assert (await shop.run("SELECT count(*) FROM greenlane_outbox"))[0][0] == 2
    await database.close()
