"""The spool without a Kafka: promises only what is on the disk, says no when it is full, and never fails in silence."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.testing import CliRunner

from greenlane.cli.app import app
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.async_publisher import AsyncPublisher
from greenlane.publishing.sdk.publisher import Options, Publisher
from greenlane.publishing.sdk.receipts import NotDelivered, PublisherBusy, PublisherError, Receipt, ReceiptOutcome
from greenlane.publishing.sdk.spool.faults import SpoolError, SpoolFull, SpoolInUse
from greenlane.publishing.sdk.spool.file import LEAST_BYTES, SpoolFile

NO_KAFKA = "127.0.0.1:1"


def publisher(path: Path, **more: Any) -> Publisher:
    on_receipt = more.pop("on_receipt", None)
    options: dict[str, Any] = {"spool": path, "deadline": 10.0} | more
    return Publisher(NO_KAFKA, "demo-vn", Options(**options), on_receipt=on_receipt)


def a_record(number: int = 1, size: int = 100) -> RawRecord:
    return RawRecord(b"seller-1", b"%08d" % number + b"x" * size)


def ids(path: Path) -> list[str]:
    reader = SpoolFile.reader(path)
    try:
        return [row.event_id for row in reader.waiting_after(0, 100_000)]
    finally:
        reader.close()


def test_without_kafka_events_are_promised_once_they_are_on_the_disk_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    heard: list[Receipt] = []
    with publisher(path, on_receipt=heard.append) as spooling:
        futures = [spooling.publish_raw(a_record(number), name=f"e{number}") for number in range(50)]
        receipts = [future.result(timeout=60) for future in futures]
        seen_on_disk = ids(path)
        while not spooling.obstacle:
            time.sleep(0.01)
        assert "no Kafka answers" in spooling.obstacle
        tally = spooling.tally

    assert [receipt.outcome for receipt in receipts] == [ReceiptOutcome.SPOOLED] * 50
    assert [receipt.event_id for receipt in heard] == [f"e{number}" for number in range(50)]
    assert (tally.spooled, tally.pending, tally.failed) == (50, 0, 0)
    assert seen_on_disk == ids(path) == [f"e{number}" for number in range(50)]


def test_a_spool_is_one_publisher_s_also_by_another_name(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    with publisher(path):
        (tmp_path / "link").symlink_to(path)
        for name in (path, tmp_path / "link"):
            with pytest.raises(SpoolInUse):
                publisher(name)
    publisher(path).close()


def test_a_spool_in_another_process_is_refused_until_that_one_dies(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    script = f"""
        import sys, time
        from greenlane.publishing import Options, Publisher
        held = Publisher({NO_KAFKA!r}, "demo-vn", Options(spool={str(path)!r}))
        print("held", flush=True)
        time.sleep(600)
    """
    child = subprocess.Popen([sys.executable, "-c", dedent(script)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    try:
        with pytest.raises(SpoolInUse):
            publisher(path)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    publisher(path).close()


def test_a_full_spool_refuses_with_a_remedy_and_keeps_what_it_promised(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    outcomes: Counter[ReceiptOutcome] = Counter()
    promised: list[str] = []
    spooling = publisher(path, spool_bytes=LEAST_BYTES)
    for number in range(100_000):
        try:
            receipt = spooling.publish_raw(a_record(number, 4_000), name=f"e{number}").result(timeout=60)
        except SpoolFull as error:
            said = str(error)
            break
        outcomes[receipt.outcome] += 1
        if receipt.outcome is ReceiptOutcome.SPOOLED:
            promised.append(receipt.event_id)
        else:
            assert "was not taken" in receipt.reason
    lost = spooling.close()
    assert "has no room" in said

    assert outcomes[ReceiptOutcome.FAILED] == len(lost) >= 1
    assert ids(path) == promised
    assert len(promised) > 500


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk: SQLite sees the same refusal of a write."""
    path = tmp_path / "events.spool"
    script = f"""
        import resource, signal, sys
        from greenlane.publishing import Options, Publisher
        from greenlane.publishing.history.timeline import RawRecord
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        publisher = Publisher({NO_KAFKA!r}, "demo-vn", Options(spool={str(path)!r}, deadline=20))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
        promised = 0
        for number in range(3_000):
            receipt = publisher.publish_raw(RawRecord(b"s", b"x" * 4_000), name=f"e{{number}}").result(timeout=60)
            if receipt.outcome != "spooled":
                break
            promised += 1
        print(promised, receipt.outcome, receipt.reason, flush=True)
        try:
            publisher.publish_raw(RawRecord(b"s", b"x"), name="later").result(timeout=60)
        except Exception as error:
            print(type(error).__name__, flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        publisher.close()
    """
    done = subprocess.run([sys.executable, "-c", dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    promised, outcome, reason = done.stdout.splitlines()[0].split(" ", 2)
    assert outcome in {"failed", "unknown"}
    assert str(path) in reason
    assert int(promised) > 100
    assert ids(path)[: int(promised)] == [f"e{number}" for number in range(int(promised))]


def test_what_waits_for_the_disk_is_bounded_too(tmp_path: Path) -> None:
    spooling = publisher(tmp_path / "events.spool", max_count=3)
    with spooling._road._keeper._changed:  # type: ignore[union-attr] # the writing thread stands still
        for number in range(3):
            spooling.publish_raw(a_record(number), wait=0)
        with pytest.raises(PublisherBusy, match="wait for the disk"):
            spooling.publish_raw(a_record(4), wait=0)
    spooling.close()
    assert len(ids(tmp_path / "events.spool")) == 3


def test_a_spool_that_breaks_says_so_for_every_event_and_refuses_the_next(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    spooling = publisher(path)
    spooling.publish_raw(a_record(), name="good").result(timeout=60)
    road: Any = spooling._road
    road._file._db.close()

    receipt = spooling.publish_raw(a_record(), name="later").result(timeout=60)
    assert receipt.outcome is ReceiptOutcome.UNKNOWN
    with pytest.raises(SpoolError):
        spooling.publish_raw(a_record())
    with pytest.raises(NotDelivered), spooling:
        pass


def test_a_fault_in_on_receipt_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def failing(receipt: Receipt) -> None:
        raise LookupError(receipt.event_id)

    with publisher(tmp_path / "events.spool", on_receipt=failing) as spooling:
        for number in range(3):
            assert spooling.publish_raw(a_record(number)).result(timeout=60).outcome == "spooled"
    assert "on_receipt failed" in caplog.text


def test_a_closed_publisher_takes_nothing(tmp_path: Path) -> None:
    spooling = publisher(tmp_path / "events.spool")
    spooling.close()
    assert spooling.close() == ()
    with pytest.raises(PublisherError, match="closed"):
        spooling.publish_raw(a_record())


def test_kill_9_keeps_every_promised_event_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    script = f"""
        from greenlane.publishing import Options, Publisher
        from greenlane.publishing.history.timeline import RawRecord
        publisher = Publisher({NO_KAFKA!r}, "demo-vn", Options(spool={str(path)!r}),
            on_receipt=lambda receipt: print(receipt.event_id, flush=True))
        number = 0
        while True:
            publisher.publish_raw(RawRecord(b"s", b"x" * 300), name=f"e{{number}}")
            number += 1
    """
    for kill_after in (1, 40, 900):
        child = subprocess.Popen([sys.executable, "-c", dedent(script)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        promised = [child.stdout.readline() for _ in range(kill_after)]
        child.kill()
        promised += child.stdout.readlines()
        child.wait()
        child.stdout.close()
        named = [line.decode().strip() for line in promised if line.endswith(b"\n")]
        found = ids(path)
        assert found[: len(named)] == named
        assert found == [f"e{number}" for number in range(len(found))]
        for beside in tmp_path.iterdir():
            beside.unlink()


async def test_who_waits_for_room_in_asyncio_is_told_at_the_deadline(tmp_path: Path) -> None:
    options = Options(spool=tmp_path / "events.spool", max_count=1, deadline=1.0)
    async with AsyncPublisher(NO_KAFKA, "demo-vn", options) as publishing:
        road: Any = publishing._open._road
        with road._keeper._changed:  # the writing thread stands still
            first = await publishing.publish_raw(a_record(1), name="first")
            with pytest.raises(PublisherBusy, match="second was not taken"):
                await publishing.publish_raw(a_record(2), name="second")
        assert (await first).outcome is ReceiptOutcome.SPOOLED


def test_the_command_counts_a_spool_and_names_what_was_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "events.spool"
    with publisher(path) as spooling:
        for number in range(3):
            spooling.publish_raw(a_record(number), name=f"e{number}").result(timeout=60)
        beside = CliRunner().invoke(app, ["spool", "status", str(path), "--json"])
    file = SpoolFile(path, "demo-vn", LEAST_BYTES)
    file.exchange((), (), [(2, "MessageSizeTooLargeError")])
    file.close()

    done = CliRunner().invoke(app, ["spool", "status", str(path), "--json"])
    shown = CliRunner().invoke(app, ["spool", "status", str(path)])

    open_one, found = json.loads(beside.stdout), json.loads(done.stdout)
    assert (beside.exit_code, open_one["waiting"], open_one["open"]) == (0, 3, True)
    assert (done.exit_code, found["marketplace"], found["waiting"], found["aside"]) == (1, "demo-vn", 2, 1)
    assert found["open"] is False
    assert found["events_aside"][0]["event_id"] == "e1"
    assert "MessageSizeTooLargeError" in shown.stdout


def test_the_command_says_what_is_no_spool(tmp_path: Path) -> None:
    (tmp_path / "no.spool").write_text("no spool" * 1_000)
    done = CliRunner().invoke(app, ["spool", "status", str(tmp_path / "no.spool")])
    assert done.exit_code == 2
    assert "is damaged" in done.output


def test_the_sdk_loads_no_library_of_the_services() -> None:
    looked_at = (
        "import sys\n"
        "from greenlane.publishing import AsyncPublisher, Options, Publisher\n"
        "heavy = {'faust', 'mode', 'aiokafka', 'sqlalchemy', 'alembic', 'asyncpg', 'fastapi', 'starlette', 'uvicorn',\n"
        "         'httpx', 'httpcore', 'prometheus_client', 'cryptography', 'typer', 'rich', 'structlog',\n"
        "         'pydantic_settings', 'uvloop'}\n"
        "loaded = heavy & sys.modules.keys()\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", looked_at], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
