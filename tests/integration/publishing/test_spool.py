"""The spool on a real Kafka: kill -9 loses nothing, keeps each seller's order, and repeats nothing delivered."""

import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
from kafka.admin import KafkaAdminClient
from tests.integration.publishing.test_kafka import create, records

from greenlane.contracts.topics import fulfilment_topic
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.publishing import NotDelivered, Options, Publisher, Receipt, ReceiptOutcome, SpoolFull
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.spool.file import LEAST_BYTES, SpoolFile

SELLERS = 7


@pytest.fixture
def marketplace(bootstrap_servers: str) -> str:
    """A marketplace of this test alone, with its topic."""
    name = f"test-{uuid4().hex[:12]}"
    create(bootstrap_servers, name)
    return name


def numbered(found: list[Any]) -> dict[bytes, list[int]]:
    """The numbers in the values of the records, by seller, as they stand in the topic."""
    by_seller: dict[bytes, list[int]] = defaultdict(list)
    for record in found:
        by_seller[record.key].append(int(record.value.split()[0]))
    return by_seller


def first_copies(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


CHILD = """
    import sys
    from greenlane.publishing import Options, Publisher
    from greenlane.publishing.history.timeline import RawRecord
    servers, marketplace, path, first = sys.argv[1:]
    def heard(receipt):
        sys.stdout.write(f"{receipt.event_id} {receipt.outcome} {receipt.offset}\\n")
        sys.stdout.flush()
    publisher = Publisher(servers, marketplace, Options(spool=path, max_count=400), on_receipt=heard)
    number = int(first)
    while True:
        record = RawRecord(b"seller-%d" % (number % 7), b"%d " % number + b"x" * 200)
        publisher.publish_raw(record, name=str(number))
        number += 1
"""


def test_kill_9_loses_nothing_keeps_the_order_and_repeats_nothing_delivered(
    bootstrap_servers: str, marketplace: str, tmp_path: Path
) -> None:
    path, random_ = tmp_path / "events.spool", random.Random(5)  # noqa: S311 - a seed, no secret
    promised: set[int] = set()
    delivered: dict[int, int] = {}
    first = 0
    for _ in range(3):
        words = [sys.executable, "-c", dedent(CHILD), bootstrap_servers, marketplace, str(path), str(first)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(random_.randrange(1, 1_500))]
        child.kill()
        said += [line for line in child.stdout.readlines() if line.endswith(b"\n")]
        child.wait()
        child.stdout.close()
        for line in said:
            number, outcome, offset = line.decode().split()
            promised.add(int(number))
            if outcome == "delivered":
                delivered[int(number)] = int(offset)
        reader = SpoolFile.reader(path)
        first = reader.last_number
        reader.close()

    with Publisher(bootstrap_servers, marketplace, Options(spool=path, deadline=60)) as publisher:
        assert publisher.flush().spooled == 0

    found = records(bootstrap_servers, marketplace)
    by_seller = numbered(found)
    copies = [number for numbers in by_seller.values() for number in numbers]
    assert promised - set(copies) == set()
    assert len(promised) > 100
    last_copy = {int(record.value.split()[0]): record.offset for record in found}
    assert {number for number, offset in delivered.items() if last_copy[number] > offset} == set()
    for numbers in by_seller.values():
        assert first_copies(numbers) == sorted(set(numbers))


def test_events_that_were_taken_without_kafka_arrive_in_order_with_those_after(
    bootstrap_servers: str, marketplace: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.spool"
    with Publisher("127.0.0.1:1", marketplace, Options(spool=path)) as away:
        for number in range(300):
            away.publish_raw(RawRecord(b"seller-%d" % (number % SELLERS), b"%d" % number))
    heard: list[Receipt] = []

    with Publisher(bootstrap_servers, marketplace, Options(spool=path), on_receipt=heard.append) as publisher:
        for number in range(300, 400):
            publisher.publish_raw(RawRecord(b"seller-%d" % (number % SELLERS), b"%d" % number), name=str(number))
        tally = publisher.flush()

    assert (tally.delivered, tally.spooled, tally.failed, tally.unknown) == (400, 0, 0, 0)
    assert sum(receipt.outcome is ReceiptOutcome.DELIVERED for receipt in heard) == 400
    for seller, numbers in numbered(records(bootstrap_servers, marketplace)).items():
        assert numbers == [number for number in range(400) if b"seller-%d" % (number % SELLERS) == seller]


def test_what_kafka_refuses_for_good_is_kept_aside_and_stops_nobody(bootstrap_servers: str, tmp_path: Path) -> None:
    marketplace = f"test-{uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    topic = {"num_partitions": 4, "replication_factor": 1, "configs": {"max.message.bytes": "2000"}}
    admin.create_topics({fulfilment_topic(marketplace): topic}, wait_for_metadata=True)
    admin.close()
    path = tmp_path / "events.spool"

    publisher = Publisher(bootstrap_servers, marketplace, Options(spool=path, deadline=60))
    for number in range(60):
        value = b"%d " % number + b"x" * (5_000 if number in {3, 30, 31} else 50)
        publisher.publish_raw(RawRecord(b"seller-%d" % (number % 2), value), name=f"e{number}")
    tally = publisher.flush()
    with pytest.raises(NotDelivered, match="Kafka refused it for good"), publisher:
        pass

    assert (tally.delivered, tally.failed, tally.spooled) == (57, 3, 0)
    reader = SpoolFile.reader(path)
    assert [(one.event_id, one.seller) for one in reader.aside(10)] == [
        ("e3", "seller-1"), ("e30", "seller-0"), ("e31", "seller-1")
    ]  # fmt: skip
    reader.close()
    for numbers in numbered(records(bootstrap_servers, marketplace)).values():
        assert first_copies(numbers) == sorted(set(numbers))


def test_a_frozen_broker_fills_the_spool_and_then_gets_everything_in_order(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        assert kafka.pid is not None
        create(kafka.bootstrap_servers, "frozen-vn")
        path = tmp_path / "events.spool"
        options = Options(spool=path, deadline=2.0, max_count=50, spool_bytes=LEAST_BYTES)
        publisher = Publisher(kafka.bootstrap_servers, "frozen-vn", options)
        publisher.publish_raw(RawRecord(b"seller-0", b"0"))
        assert publisher.flush().delivered == 1
        os.kill(kafka.pid, signal.SIGSTOP)
        try:
            promised = [0]
            for number in range(1, 5_000):
                value = b"%d " % number + b"x" * 4_000
                try:
                    receipt = publisher.publish_raw(RawRecord(b"seller-%d" % (number % SELLERS), value)).result(60)
                except SpoolFull:
                    break
                if receipt.outcome is ReceiptOutcome.SPOOLED:
                    promised.append(number)
            assert publisher.flush().spooled == len(promised) - 1
            publisher.close()
        finally:
            os.kill(kafka.pid, signal.SIGCONT)
        with Publisher(kafka.bootstrap_servers, "frozen-vn", Options(spool=path, deadline=60)) as again:
            assert again.flush().spooled == 0
        by_seller = numbered(records(kafka.bootstrap_servers, "frozen-vn"))
    assert sorted({number for numbers in by_seller.values() for number in numbers}) == promised
    for numbers in by_seller.values():
        assert first_copies(numbers) == sorted(set(numbers))
