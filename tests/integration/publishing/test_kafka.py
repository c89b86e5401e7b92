"""The publishing SDK on a real Kafka: everything arrives as published, and what a silent broker swallows is named."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from aiokafka.partitioner import murmur2
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.structs import TopicPartition
from typer.testing import CliRunner

from greenlane.cli.app import app
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.topics import MAX_EVENT_BYTES, fulfilment_topic
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.publishing.files.reading import read_file
from greenlane.publishing.files.sending import Sending
from greenlane.publishing.history.replay import Pace, replay
from greenlane.publishing.history.timeline import Kind, RawRecord
from greenlane.publishing.sdk.publisher import Options, Publisher
from greenlane.publishing.sdk.receipts import NotDelivered, PublisherBusy, PublisherUnavailable, Receipt, ReceiptOutcome
from greenlane.publishing.simulator.malformed import malformed_records
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate

PARTITIONS = 4


class Own(NamedTuple):
    """A broker that a test may stop, by its process id, and a marketplace whose topic it has."""

    bootstrap_servers: str
    pid: int
    marketplace: str


def create(bootstrap_servers: str, marketplace: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    configs = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(MAX_EVENT_BYTES)}
    topic = {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": configs}
    admin.create_topics({fulfilment_topic(marketplace): topic}, wait_for_metadata=True)
    admin.close()


@pytest.fixture
def marketplace(bootstrap_servers: str) -> str:
    """A marketplace of this test alone, with its topic."""
    name = f"test-{uuid4().hex[:12]}"
    create(bootstrap_servers, name)
    return name


def records(bootstrap_servers: str, marketplace: str) -> list[Any]:
    """Everything in the marketplace's topic."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
    )
    partitions = [TopicPartition(fulfilment_topic(marketplace), number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    found: list[Any] = []
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for batch in consumer.poll(timeout_ms=500).values():
            found.extend(batch)
    consumer.close()
    return found


def some_events(marketplace: str, count: int) -> list[FulfilmentEvent]:
    plan = SimulationPlan(sellers=24, days=40, marketplace=marketplace, malformed=0)
    history = simulate(plan)
    events: list[FulfilmentEvent] = []
    while len(events) < count:
        payload = next(history).payload
        assert not isinstance(payload, RawRecord)
        events.append(payload)
    return events


@pytest.mark.parametrize("options", [Options(), Options(mode="structured")], ids=["binary", "structured"])
def test_every_event_arrives_once_and_reads_back(bootstrap_servers: str, marketplace: str, options: Options) -> None:
    events = list({event.id: event for event in some_events(marketplace, 500)}.values())
    heard: list[Receipt] = []

    with Publisher(bootstrap_servers, marketplace, options, on_receipt=heard.append) as publisher:
        futures = [publisher.publish(event) for event in events]
        tally = publisher.flush()

    found = records(bootstrap_servers, marketplace)
    read = [read_event(record) for record in found]
    assert {reading.event.id: reading.event for reading in read if reading.event} == {
        event.id: event for event in events
    }
    assert (len(found), tally.delivered, tally.pending) == (len(events), len(events), 0)
    places = {(record.partition, record.offset) for record in found}
    assert {(receipt.partition, receipt.offset) for receipt in (future.result() for future in futures)} == places
    assert Counter(receipt.outcome for receipt in heard) == {ReceiptOutcome.DELIVERED: len(events)}


def test_the_key_is_the_seller_and_the_partition_kafka_s_own(bootstrap_servers: str, marketplace: str) -> None:
    with Publisher(bootstrap_servers, marketplace) as publisher:
        for event in some_events(marketplace, 200):
            publisher.publish(event)

    found = records(bootstrap_servers, marketplace)
    assert len({record.partition for record in found}) > 1
    for record in found:
        headers = dict(record.headers)
        assert record.key == headers["ce_subject"]
        assert headers["content-type"] == b"application/json"
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % PARTITIONS


def test_a_mapping_and_json_bytes_are_checked_and_published_like_a_model(
    bootstrap_servers: str, marketplace: str
) -> None:
    (event,) = some_events(marketplace, 1)

    with Publisher(bootstrap_servers, marketplace) as publisher:
        publisher.publish(event.model_dump(mode="json", exclude_none=True))
        publisher.publish(event.model_dump_json().encode())

    assert [read_event(record).event for record in records(bootstrap_servers, marketplace)] == [event, event]


def test_a_bad_event_is_refused_before_it_is_sent(bootstrap_servers: str, marketplace: str) -> None:
    (event,) = some_events(marketplace, 1)
    document = event.model_dump(mode="json", exclude_none=True)

    with Publisher(bootstrap_servers, marketplace) as publisher:
        with pytest.raises(Refusal, match="surprise: is not a field"):
            publisher.publish(document | {"surprise": 1})
        for wrong, code in (
            ({"source": "/marketplaces/another"}, DeadLetterCode.SOURCE_MISMATCH),
            ({"time": "2999-01-01T00:00:00Z"}, DeadLetterCode.FUTURE_TIME),
        ):
            model = type(event).model_validate_json(json.dumps(document | wrong))
            for bad in (document | wrong, model):
                with pytest.raises(Refusal) as caught:
                    publisher.publish(bad)
                assert caught.value.code is code

    assert records(bootstrap_servers, marketplace) == []


@pytest.mark.parametrize(
    "body",
    [
        {"components": [{"role": "outer", "mass_g": float("nan")}]},
        {"components": [{"role": "outer", "mass_g": float("inf")}]},
        {"components": [{"role": "outer", "mass_g": {1.0}}]},
        {"components": [{"role": "outer", "mass_g": 1.0, "certificate": None, 7: 1}]},
        {"receiver_name": "Lan"},
        {"receiver_name": "x" * MAX_EVENT_BYTES},
        {"components": [{"role": "outer", "mass_g": 1e-300}]},
    ],
    ids=["nan", "infinity", "set", "number-as-name", "unknown", "large", "nothing"],
)
def test_what_json_or_the_contract_cannot_say_is_refused_and_nothing_sent(
    bootstrap_servers: str, marketplace: str, body: dict[Any, Any]
) -> None:
    event = some_events(marketplace, 1)[0].model_dump(mode="json", exclude={"data"})
    document = event | {"type": "greenlane.parcel.packed.v1", "data": {"parcel_id": "p1", "country": "VN"} | body}
    with Publisher(bootstrap_servers, marketplace, Options(strict=True)) as publisher:
        with pytest.raises(Refusal):
            publisher.publish(document)
        tally = publisher.tally

    assert (tally.delivered, tally.failed, tally.unknown, tally.pending) == (0, 0, 0, 0)
    assert records(bootstrap_servers, marketplace) == []


def test_the_example_of_the_readme_publishes_its_event(
    bootstrap_servers: str, marketplace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (block,) = (block for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "Publisher" in block)
    monkeypatch.setenv("GREENLANE_KAFKA_BOOTSTRAP_SERVERS", bootstrap_servers)

    exec(compile(block.replace("demo-vn", marketplace), "README.md", "exec"), {})  # noqa: S102 - our own README

    (record,) = records(bootstrap_servers, marketplace)
    event = read_event(record).event
    assert event is not None
    assert event.id == "order-1001.packed"


def test_unchecked_bytes_arrive_as_they_are(bootstrap_servers: str, marketplace: str) -> None:
    cases = malformed_records(marketplace)

    with Publisher(bootstrap_servers, marketplace) as publisher:
        for case in cases:
            publisher.publish_raw(case.record, name=case.name)

    found = records(bootstrap_servers, marketplace)
    assert Counter((record.key, record.value, tuple(record.headers)) for record in found) == Counter(
        (case.record.key, case.record.value, case.record.headers) for case in cases
    )
    codes = Counter(reading.refusal.code for reading in map(read_event, found) if reading.refusal)
    assert codes == Counter(case.code for case in cases)


def test_a_record_the_broker_refuses_is_named_as_failed(bootstrap_servers: str, marketplace: str) -> None:
    large = RawRecord(b"seller", b"x" * (MAX_EVENT_BYTES + 1))

    with (
        pytest.raises(NotDelivered, match="too-large") as caught,
        Publisher(bootstrap_servers, marketplace) as publisher,
    ):
        future = publisher.publish_raw(large, name="too-large")

    assert future.result().outcome is ReceiptOutcome.FAILED
    assert caught.value.receipts == (future.result(),)
    assert records(bootstrap_servers, marketplace) == []


def test_a_replay_publishes_the_history_and_closes_its_days(bootstrap_servers: str, marketplace: str) -> None:
    plan = SimulationPlan(sellers=16, days=12, marketplace=marketplace, late=4, malformed=12)
    closed: list[tuple[str, int]] = []

    with Publisher(bootstrap_servers, marketplace) as publisher:

        def close(name: str, first: date, last: date) -> None:
            assert len(records(bootstrap_servers, name)) == publisher.tally.delivered
            closed.append((name, (last - first).days + 1))

        report = replay(simulate(plan), publisher, Pace(close_every=5), close)

    found = records(bootstrap_servers, marketplace)
    assert closed == [(marketplace, 5), (marketplace, 5), (marketplace, 2)]
    assert len(found) == report.published
    assert sum(read_event(record).event is None for record in found) == report.by_kind[Kind.MALFORMED] == 12
    assert report.by_kind == Counter(item.kind for item in simulate(plan))


def test_no_topic_is_said_at_once_with_the_remedy(bootstrap_servers: str) -> None:
    with pytest.raises(PublisherUnavailable, match="greenlane topics apply"):
        Publisher(bootstrap_servers, f"nobody-{uuid4().hex[:8]}")


def test_no_broker_is_said_with_the_address() -> None:
    with pytest.raises(PublisherUnavailable, match=r"127\.0\.0\.1:1\b"):
        Publisher("127.0.0.1:1", "demo-vn", Options(deadline=1.0))


def lines(events: list[FulfilmentEvent]) -> list[bytes]:
    return [event.model_dump_json(exclude_none=True).encode() for event in events]


def counts(published: int = 0, refused: int = 0, not_sent: int = 0, unknown: int = 0) -> dict[str, int]:
    read = published + refused + not_sent + unknown
    ends = {"published": published, "refused": refused, "not_sent": not_sent, "unknown": unknown}
    return {"read": read, **ends, "unchecked": 0}


class Published(NamedTuple):
    """What `greenlane publish --json` of a file did."""

    code: int
    counts: dict[str, int]
    said: str


@pytest.fixture
def publish_file(bootstrap_servers: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Published]:
    """Publish a file with these marketplaces configured."""

    def publish(content: bytes, marketplaces: str, *options: str, servers: str = bootstrap_servers) -> Published:
        file = tmp_path / "events.jsonl"
        file.write_bytes(content)
        monkeypatch.setenv("GREENLANE_KAFKA_BOOTSTRAP_SERVERS", servers)
        monkeypatch.setenv("GREENLANE_MARKETPLACES", marketplaces)
        done = CliRunner().invoke(app, ["publish", str(file), "--json", *options])
        return Published(done.exit_code, json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr)

    return publish


def test_what_is_bad_in_a_file_is_left_out_and_named_and_every_event_counted(
    bootstrap_servers: str, marketplace: str, publish_file: Callable[..., Published]
) -> None:
    good = some_events(marketplace, 4)
    stranger = good[0].model_copy(update={"source": "/marketplaces/shop-th"})
    first, second, third, last = lines(good)

    done = publish_file(
        b"\n".join([b"no event", first, *lines([stranger]), second, b'{"specversion": "1.0",', third, last]),
        marketplace,
    )

    assert (done.code, done.counts) == (1, counts(published=4, refused=2, not_sent=1))
    assert "1 of shop-th not sent, from line 3 on" in done.said
    assert "export GREENLANE_MARKETPLACES=" in done.said
    found = [reading.event for reading in map(read_event, records(bootstrap_servers, marketplace))]
    assert Counter(event.id for event in found if event) == Counter(event.id for event in good)


def test_an_array_cut_short_is_published_up_to_the_cut(
    marketplace: str, publish_file: Callable[..., Published]
) -> None:
    events = lines(some_events(marketplace, 3))

    done = publish_file(b"[" + b",\n".join(events)[:-20], marketplace)

    assert (done.code, done.counts) == (1, counts(published=2, refused=1))


def test_a_marketplace_without_its_topic_holds_up_no_other(
    marketplace: str, publish_file: Callable[..., Published]
) -> None:
    events = some_events(marketplace, 2)
    homeless = [event.model_copy(update={"source": "/marketplaces/no-topic-yet"}) for event in events]

    done = publish_file(b"\n".join(lines([homeless[0], *events, homeless[1]])), f"{marketplace},no-topic-yet")

    assert (done.code, done.counts) == (1, counts(published=2, not_sent=2))
    assert "2 of no-topic-yet not sent, from line 1 on" in done.said
    assert "greenlane topics apply" in done.said


def test_without_a_broker_nothing_is_sent_and_everything_is_counted(publish_file: Callable[..., Published]) -> None:
    events = lines(some_events("demo-vn", 3))

    done = publish_file(b"\n".join([*events, b"no event"]), "demo-vn", servers="127.0.0.1:1")

    assert (done.code, done.counts) == (1, counts(refused=1, not_sent=3))
    assert "127.0.0.1:1" in done.said


def test_an_event_that_is_published_unchecked_is_counted_once(
    bootstrap_servers: str, marketplace: str, publish_file: Callable[..., Published]
) -> None:
    (good,) = lines(some_events(marketplace, 1))

    done = publish_file(good + b'\n{"specversion": "1.0"}\n[', marketplace, "--unchecked")

    assert (done.code, done.counts) == (1, counts(published=2, refused=1) | {"unchecked": 1})
    assert len(records(bootstrap_servers, marketplace)) == 2


def test_ctrl_c_in_the_middle_still_says_what_became_of_every_event(bootstrap_servers: str, marketplace: str) -> None:
    env = os.environ | {
        "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "GREENLANE_MARKETPLACES": marketplace,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "greenlane", "publish", "-", "--json"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n".join([*lines(some_events(marketplace, 5)), b"no event\n"]))
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["line"] == 6
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert json.loads(out) == counts(published=5, refused=1)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert len(records(bootstrap_servers, marketplace)) == 5


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[EmbeddedKafka]:
    """A broker that these tests may stop."""
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def own(own_kafka: EmbeddedKafka) -> Own:
    """That broker, with a topic of this test alone."""
    assert own_kafka.pid is not None
    name = f"test-{uuid4().hex[:12]}"
    create(own_kafka.bootstrap_servers, name)
    return Own(own_kafka.bootstrap_servers, own_kafka.pid, name)


def publish_until_busy(send: Callable[[int], Future[Receipt]], most: int) -> list[Future[Receipt]]:
    """Send until there is no room; what was taken until then."""
    taken: list[Future[Receipt]] = []
    for number in range(most):
        try:
            taken.append(send(number))
        except PublisherBusy:
            return taken
    pytest.fail(f"the publisher took all of {most} records")


def test_a_silent_broker_fills_the_room_and_no_more_and_every_event_is_named(own: Own) -> None:
    """kafka-python alone took 150,000 records into memory from a frozen broker and named none of them at close."""
    limit = 300
    threads = set(threading.enumerate())
    events = list({event.id: event for event in some_events(own.marketplace, 1_000)}.values())
    publisher = Publisher(own.bootstrap_servers, own.marketplace, Options(max_count=limit, deadline=2.0))
    acknowledged = publisher.publish(events[0]).result(timeout=30)

    with frozen(own.pid):
        taken = publish_until_busy(lambda number: publisher.publish(events[1 + number], wait=0), len(events) - 1)
        assert publisher.tally.pending == limit == len(taken)
        lost = publisher.close()
        tally = publisher.tally
        left = [thread.name for thread in set(threading.enumerate()) - threads]

    ids = [event.id for event in events[1 : limit + 1]]
    assert acknowledged.outcome is ReceiptOutcome.DELIVERED
    assert (tally.delivered, tally.failed + tally.unknown, tally.pending) == (1, limit, 0)
    assert [future.result(timeout=0).event_id for future in taken] == ids
    assert sorted(receipt.event_id for receipt in lost) == sorted(ids)
    assert {receipt.outcome for receipt in lost} == {ReceiptOutcome.UNKNOWN}
    assert left == []


def test_room_is_bounded_by_bytes_too(own: Own) -> None:
    limit = 2 * MAX_EVENT_BYTES
    publisher = Publisher(own.bootstrap_servers, own.marketplace, Options(max_bytes=limit, deadline=2.0))
    record = RawRecord(b"s", b"x" * 100_000)

    with frozen(own.pid):
        taken = publish_until_busy(lambda _: publisher.publish_raw(record, wait=0), 100)
        publisher.close()

    assert len(taken) == limit // 100_000


def test_events_that_waited_for_a_silent_broker_arrive_when_it_answers(own: Own) -> None:
    events = some_events(own.marketplace, 50)

    with Publisher(own.bootstrap_servers, own.marketplace, Options(deadline=60.0)) as publisher:
        with frozen(own.pid):
            futures = [publisher.publish(event) for event in events]
            assert not any(future.done() for future in futures)
        assert publisher.flush().delivered == len(events)

    found = [reading.event for reading in map(read_event, records(own.bootstrap_servers, own.marketplace))]
    assert Counter(event.id for event in found if event) == Counter(event.id for event in events)


def test_a_file_whose_broker_goes_away_is_counted_to_its_end_without_waiting_for_each_event(own: Own) -> None:
    raw = b"\n".join([*lines(some_events(own.marketplace, 400)), b"no event"])
    options = Options(max_count=50, deadline=2.0)
    sending = Sending(lambda name: Publisher(own.bootstrap_servers, name, options), (own.marketplace,))
    items = list(read_file(io.BytesIO(raw), datetime(2030, 1, 1, tzinfo=UTC)))
    for item in items[:100]:
        sending.take(item)

    with frozen(own.pid):
        for item in items[100:]:
            sending.take(item)
        lost, obstacles = sending.finish()
    sent = sending.sent

    assert (sent.read, sent.refused) == (401, 1)
    assert sent.published + sent.not_sent + sent.unknown == 400
    assert sent.published >= 50
    assert 50 == len(lost) <= sent.unknown
    assert sent.not_sent >= 100
    assert len(obstacles) == 1
    assert f"{sent.not_sent} of {own.marketplace} not sent" in obstacles[0]
