"""The usual ways as processes: a plain Faust agent, and bare loops on confluent-kafka and aiokafka.

`python -m tests.benchmarks.usual_loops '{"kind": "faust_scorer", ...}'`; ends by SIGTERM. Every loop has its outputs
acknowledged before it commits. An agent of Faust's gets that by awaiting what `send` promises, one event after the
other; `faust_unacknowledged_scorer` does not wait, and so commits what may yet be lost.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from tests.benchmarks.usual_work import Record, entry_name, fold, new_account, read, scored, stated

from greenlane.contracts.assessments import account_key

COMMIT_SECONDS = 0.5
POLL_RECORDS = 2_000


def faust_app(options: dict[str, Any]) -> faust.App:
    return faust.App(
        options["group"],
        broker=f"aiokafka://{options['servers']}",
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=COMMIT_SECONDS,
        topic_partitions=options["partitions"],
        topic_replication_factor=1,
        topic_disable_leader=True,
        store="memory://",
        web_enabled=False,
        datadir=options["folder"],
    )


def faust_scorer(options: dict[str, Any], *, acknowledged: bool = True) -> faust.App:
    app = faust_app(options)
    output = app.topic(options["output"], key_serializer="raw", value_serializer="raw")

    @app.agent(app.topic(options["source"], key_serializer="raw", value_serializer="raw"))
    async def score(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            record = Record(
                message.topic,
                message.partition,
                message.offset,
                int(message.timestamp * 1000),
                message.key,
                message.value,
                message.headers,
            )
            found = scored(record)
            if found is not None:
                sent = await output.send(key=found[0], value=found[1])
                if acknowledged:
                    await sent

    return app


def faust_aggregator(options: dict[str, Any]) -> faust.App:
    app = faust_app(options)
    accounts = app.Table("accounts", default=None, partitions=options["partitions"])
    entries = app.Table("entries", default=None, partitions=options["partitions"])
    output = app.topic(options["output"], key_serializer="raw", value_serializer="raw")
    open_day = date.fromisoformat(options["open_day"])

    @app.agent(app.topic(options["source"], key_serializer="raw", value_serializer="raw"))
    async def account(stream: Any) -> None:
        async for value in stream:
            said = read(value)
            if said is None:
                continue
            seller = account_key(said.marketplace, said.seller_id).decode()
            kept = accounts.get(seller) or new_account()
            name = f"{seller}/{entry_name(said)}"
            entry = fold(kept, entries.get(name), said)
            if entry is None:
                continue
            entries[name], accounts[seller] = entry, kept
            key, statement = stated(kept, said, open_day)
            await (await output.send(key=key, value=statement))

    return app


def confluent_scorer(options: dict[str, Any]) -> None:
    from confluent_kafka import Consumer, Producer  # noqa: PLC0415 - only this contender needs it

    common = {"bootstrap.servers": options["servers"]}
    consumer = Consumer(
        common | {"group.id": options["group"], "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    producer = Producer(common | {"acks": "all", "enable.idempotence": True, "linger.ms": 5})
    consumer.subscribe([options["source"]])
    due = time.monotonic() + COMMIT_SECONDS
    while True:
        for message in consumer.consume(POLL_RECORDS, 0.05):
            record = Record(
                message.topic(),
                message.partition(),
                message.offset(),
                message.timestamp()[1],
                message.key(),
                message.value(),
                message.headers(),
            )
            found = scored(record)
            if found is not None:
                producer.produce(options["output"], key=found[0], value=found[1])
        producer.poll(0)
        if time.monotonic() > due:
            producer.flush()
            consumer.commit(asynchronous=True)
            due = time.monotonic() + COMMIT_SECONDS


async def aiokafka_scorer(options: dict[str, Any]) -> None:
    consumer = AIOKafkaConsumer(
        options["source"],
        bootstrap_servers=options["servers"],
        group_id=options["group"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=options["servers"], acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    await consumer.start()
    while True:
        fetched = await consumer.getmany(timeout_ms=50, max_records=POLL_RECORDS)
        found = [scored(record) for records in fetched.values() for record in records]
        sent = [await producer.send(options["output"], key=item[0], value=item[1]) for item in found if item]
        await asyncio.gather(*sent)
        if fetched:
            await consumer.commit()


FAUST_APPS: dict[str, Callable[[dict[str, Any]], faust.App]] = {
    "faust_scorer": faust_scorer,
    "faust_unacknowledged_scorer": partial(faust_scorer, acknowledged=False),
    "faust_aggregator": faust_aggregator,
}


def main() -> None:
    options = json.loads(sys.argv[1])
    kind = options["kind"]
    if kind == "confluent_scorer":
        confluent_scorer(options)
    elif kind == "aiokafka_scorer":
        asyncio.run(aiokafka_scorer(options))
    else:
        app = FAUST_APPS[kind](options)
        faust.Worker(app, loglevel="WARNING", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
