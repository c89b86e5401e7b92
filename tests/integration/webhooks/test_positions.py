"""How far each partition was accepted stands in the database: a restore, a reset or a topic made anew loses nothing."""

import asyncio
import re
import subprocess
from dataclasses import replace

import asyncpg
import pytest
from kafka import KafkaAdminClient
from tests.integration.webhooks.harness import Receiver, World, decision, expected_id, until
from tests.integration.webhooks.tables import add_active, message

from greenlane.webhooks.dispatcher.intake.acceptance import CLOCKS_APART_MS, accept
from greenlane.webhooks.dispatcher.intake.messages import Message
from greenlane.webhooks.dispatcher.intake.positions import Committed, Mark, SourcePartition, start_of
from greenlane.webhooks.management.administration import Administration, administration
from greenlane.webhooks.states import EndpointState, Mode

PLACE = SourcePartition("decisions", 0)


def placed(sequence: int, offset: int) -> Message:
    return replace(message(Mode.FIFO, "s-1", sequence), place=PLACE, offset=offset)


async def test_what_was_accepted_before_is_nobodys_again_not_even_a_newer_endpoints(desk: Administration) -> None:
    await add_active(desk)
    first = {PLACE: Mark("id-1", 11)}
    assert (await accept(desk.engine, [placed(1, 10)], marks=first)).dispatched == 1
    await add_active(desk)
    again = await accept(desk.engine, [placed(1, 10), placed(2, 11)], marks={PLACE: Mark("id-1", 12)})
    assert (again.replayed, again.dispatched) == (1, 1)
    assert len(await desk.deliveries()) == 3
    other_topic = await accept(desk.engine, [placed(3, 0)], marks={PLACE: Mark("id-2", 1)})
    assert other_topic.dispatched == 1, "a topic made anew begins at 0"


async def test_two_dispatchers_with_one_partition_accept_each_record_once(desk: Administration) -> None:
    await add_active(desk)
    batches = [[placed(number, number) for number in range(start, start + 10)] for start in (0, 3, 5, 0)]
    accepted = await asyncio.gather(
        *(accept(desk.engine, batch, marks={PLACE: Mark("id", batch[-1].offset + 1)}) for batch in batches)
    )
    assert sum(item.dispatched for item in accepted) == len(await desk.deliveries())
    rest = [placed(number, number) for number in range(15, 20)]
    assert (await accept(desk.engine, rest, marks={PLACE: Mark("id", 20)})).dispatched == 5


async def test_nothing_of_a_transaction_that_failed_counts_as_accepted(desk: Administration) -> None:
    await add_active(desk)
    broken = replace(placed(1, 0), body="no bytes")  # type: ignore[arg-type] # the database refuses it
    with pytest.raises(asyncpg.DataError):
        await accept(desk.engine, [broken], marks={PLACE: Mark("id", 1)})
    assert (await accept(desk.engine, [placed(1, 0)], marks={PLACE: Mark("id", 1)})).dispatched == 1


@pytest.mark.parametrize("seconds", [-30, 30, 0])
async def test_clocks_of_kafka_and_the_database_may_differ(desk: Administration, seconds: int) -> None:
    await add_active(desk)
    async with desk.engine.connect() as connection:
        created = (await connection.exec_driver_sql("SELECT extract(epoch FROM created_at) FROM endpoint")).scalar_one()
    late = replace(placed(1, 0), appended_ms=int((float(created) + seconds) * 1000))
    assert (await accept(desk.engine, [late], marks={PLACE: Mark("id", 1)})).dispatched == 1
    history = replace(placed(2, 1), appended_ms=int(float(created) * 1000) - CLOCKS_APART_MS - 1)
    assert (await accept(desk.engine, [history], marks={PLACE: Mark("id", 2)})).unmatched == 1


@pytest.mark.parametrize(
    ("mark", "committed", "start"),
    [
        (None, None, 0),
        (None, Committed(7, of_another=False), 7),
        (None, Committed(7, of_another=True), 0),
        (Mark("id", 5), Committed(7, of_another=False), 5),
        (Mark("id", 9), Committed(7, of_another=False), 7),
        (Mark("id", 9), Committed(7, of_another=True), 0),
        (Mark("old", 9), Committed(7, of_another=False), 0),
        (Mark("id", 9), None, 0),
    ],
)
def test_reading_begins_where_nothing_is_lost(mark: Mark | None, committed: Committed | None, start: int) -> None:
    assert start_of("id", mark, committed) == start


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    assert process.wait(60) == 0


async def active(world: World, receiver: Receiver) -> None:
    async with administration(world.settings()) as webhooks:
        await webhooks.add_endpoint(receiver.url(), "demo-vn", types=["badge.granted"])

        async def confirmed() -> bool:
            return all(item.state is EndpointState.ACTIVE for item in await webhooks.list_endpoints())

        await until(confirmed)


def times(receiver: Receiver, *statements: object) -> list[int]:
    got = [item.id for item in receiver.got()]
    return [got.count(expected_id(statement)) for statement in statements]  # type: ignore[arg-type] # decisions


async def test_a_database_restored_from_before_gets_what_it_does_not_know_again(
    world: World, receiver: Receiver, database_url: str
) -> None:
    first, second, third = (decision("s-1", number) for number in (1, 2, 3))
    process = world.start()
    await active(world, receiver)
    await world.append(first)
    await until(lambda: times(receiver, first) == [1], 120)
    stop(process)
    backup = f"{database_url}_backup"
    admin = await asyncpg.connect(re.sub(r"/[^/]*$", "/postgres", database_url))
    try:
        await admin.execute(
            f'CREATE DATABASE "{backup.rpartition("/")[2]}" TEMPLATE "{database_url.rpartition("/")[2]}"'
        )
    finally:
        await admin.close()
    process = world.start()
    await world.append(second)
    await until(lambda: times(receiver, second) == [1], 120)
    stop(process)
    world.database_url = backup
    world.start()
    await world.append(third)
    await until(lambda: times(receiver, first, second, third) == [1, 2, 1], 120)


async def test_a_group_that_forgot_its_offsets_sends_nothing_twice_and_nothing_old_to_the_new(
    world: World, receiver: Receiver
) -> None:
    first, second = decision("s-1", 1), decision("s-1", 2)
    process = world.start()
    await active(world, receiver)
    await world.append(first)
    await until(lambda: times(receiver, first) == [1], 120)
    stop(process)
    world.start(group="another")
    await active(world, receiver)
    await world.append(second)
    await until(lambda: times(receiver, second) == [2], 120)
    assert times(receiver, first) == [1]


async def test_a_topic_made_anew_under_a_running_dispatcher_is_read_from_its_beginning(
    world: World, receiver: Receiver, admin: KafkaAdminClient
) -> None:
    before, after = [decision("s-1", number) for number in range(1, 6)], [decision("s-2", n) for n in range(1, 4)]
    world.start(topics_every=0.5)
    await active(world, receiver)
    await world.append(*before)
    await until(lambda: times(receiver, *before) == [1] * 5, 120)
    await asyncio.to_thread(admin.delete_topics, [world.decisions])
    log = world.folder / "dispatcher-0.log"
    await until(lambda: f"{world.decisions} does not exist" in log.read_text())
    topic = {"num_partitions": 2, "replication_factor": 1, "configs": {"message.timestamp.type": "LogAppendTime"}}
    await asyncio.to_thread(admin.create_topics, {world.decisions: topic}, wait_for_metadata=True)
    await world.append(*after)
    await until(lambda: times(receiver, *after) == [1] * 3, 120)
    assert times(receiver, *before) == [1] * 5
