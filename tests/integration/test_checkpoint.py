"""`greenlane checkpoint` on a real Kafka: what begins with a checkpoint ends as the untrimmed log does."""

import gc
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.structs import OffsetAndMetadata
from tests.integration.test_aggregator_process import POLICY as STRICT
from tests.integration.test_aggregator_process import until
from tests.integration.test_oracle_recompute import CANCELLED, PACKED, Stored, letter

from greenlane.cli.checkpoint import aggregator_lines
from greenlane.contracts.assessing import assessment_of, output_key
from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.checkpoints import CheckpointError, read_checkpoint
from greenlane.contracts.reading import read_event
from greenlane.contracts.tables import load_method
from greenlane.contracts.topics import (
    AGGREGATOR_CHANGELOG,
    ASSESSMENTS,
    DEAD_LETTERS,
    declared_topics,
    fulfilment_topic,
    group_of,
    readers_of,
)
from greenlane.operations.rules import adopt_missing
from greenlane.operations.topics import apply
from greenlane.oracle.compare import Comparison
from greenlane.oracle.recompute import recompute
from greenlane.oracle.topics_reader import TopicsUnreadableError
from greenlane.settings import SERVICES, Settings, load_settings
from greenlane.streaming import EXIT_CODE, partition_of

MARKET, PARTITIONS = "shop", 2
FIRST = date(2026, 6, 1)
INPUT = fulfilment_topic(MARKET)
SCORERS = readers_of(declared_topics((MARKET,))[0], SERVICES)


POLICY = (
    STRICT.replace("green_min: 45", "green_min: 30")
    .replace("dimension_min: 40", "dimension_min: 0")
    .replace("packed_min: 5", "packed_min: 1")
    .replace("max_percent: 2", "max_percent: 100")
)
"""Windows of six days as there, and a bronze badge for undeclared packaging, so that there are decisions."""


class Installation:
    """A broker with its topics, scorers that are this test, and a real aggregator."""

    def __init__(self, bootstrap_servers: str, folder: Path) -> None:
        policy = folder / "policy.yaml"
        policy.write_text(POLICY)
        self.settings: Settings = load_settings(
            kafka_bootstrap_servers=bootstrap_servers,
            marketplaces=(MARKET,),
            policy_file=policy,
            partitions=PARTITIONS,
        )
        self.environment = os.environ | {
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
            "GREENLANE_PARTITIONS": str(PARTITIONS),
            "GREENLANE_MARKETPLACES": MARKET,
            "GREENLANE_POLICY_FILE": str(policy),
            "GREENLANE_DATA_DIR": str(folder / "data"),
            "GREENLANE_PORT": "0",
        }
        apply(bootstrap_servers, declared_topics([MARKET]), PARTITIONS, 1)
        self.admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
        self.said = folder / "aggregator.log"
        self._producer: Any = KafkaProducer(bootstrap_servers=bootstrap_servers)
        self._method = load_method()
        self._events = 0
        self.aggregator: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "greenlane", "run", "aggregator"]
        with self.said.open("ab") as said:
            self.aggregator = subprocess.Popen(command, env=self.environment, stdout=said, stderr=said)
        return self.aggregator

    def alive(self) -> bool:
        return self.aggregator is not None and self.aggregator.poll() is None

    def stop(self) -> None:
        assert self.aggregator is not None
        self.aggregator.terminate()
        assert self.aggregator.wait(60) == 0, self.said.read_text()[-3000:]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "greenlane", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def publish(self, seller: str, parcel: str, day: int, kind: str = PACKED, **data: Any) -> None:
        """A published event and what both scorers make of it."""
        self._events += 1
        document = {
            "specversion": "1.0",
            "type": kind,
            "source": f"/marketplaces/{MARKET}",
            "id": f"event-{self._events}",
            "time": f"{FIRST + timedelta(days=day)}T12:00:00Z",
            "subject": seller,
            "data": {"parcel_id": parcel} | data,
        }
        value = b"{" if kind == "broken" else json.dumps(document).encode()
        record = self.append(INPUT, seller.encode(), value)
        event = read_event(record).event
        if event is None:
            self.append(DEAD_LETTERS, None, letter(record).model_dump_json().encode())
            return
        message = assessment_of(record, event, self._method)
        self.append(ASSESSMENTS, output_key(message), message.model_dump_json().encode())

    def close(self, day: int) -> None:
        closing = DayClosed(marketplace=MARKET, first_day=FIRST, last_day=FIRST + timedelta(days=day))
        for partition in range(PARTITIONS):
            self.append(ASSESSMENTS, b"clock", closing.model_dump_json().encode(), partition)

    def garbage(self) -> None:
        """A record that no aggregator can read: it answers with a dead letter."""
        self.append(ASSESSMENTS, b"shop/x", b"no assessment")

    def append(self, topic: str, key: bytes | None, value: bytes, partition: int | None = None) -> Stored:
        where = partition_of(key or b"", PARTITIONS) if partition is None and key is not None else partition
        sent = self._producer.send(topic, value, key=key, partition=where).get(30)
        return Stored(topic, sent.partition, sent.offset, sent.timestamp, key, value)

    def history(self, days: Sequence[int]) -> None:
        """Each day parcels, repeats, corrections, cancellations and what nobody can read; then it is closed."""
        for day in days:
            for number in range(5):
                seller = f"seller-{number if number < 4 else day}"
                country = {"country": "VN"}
                self.publish(seller, f"{day}-a", day, **country)
                self.publish(seller, f"{day}-b", day, **country)
                if number == day % 3:
                    self.publish(seller, f"{day}-a", day, **country, revision=1, correction_reason="data_entry")
                    self.publish(seller, f"{day}-b", day, kind=CANCELLED)
            self.publish("seller-0", "none", day, kind="broken")
            self.garbage()
            self.close(day)
            self.publish("seller-1", f"{day}-late", max(day - 4, 0), country="VN")
        self.publish("seller-2", f"{days[-1]}-open", days[-1] + 1, country="VN")

    def at_rest(self) -> Comparison:
        """What a recomputation of the whole log says, once everything is taken in."""
        found: list[Comparison] = []

        def agrees() -> bool:
            assert self.alive(), self.said.read_text()[-3000:]
            found.append(self.recompute())
            return found[-1].agrees

        until(agrees, "a recomputation that agrees")
        return found[-1]

    def recompute(self, checkpoint: Path | None = None) -> Comparison:
        return recompute(self.settings, progress=_silent, checkpoint=checkpoint)

    def accounts(self) -> list[str]:
        return sorted(map(str, aggregator_lines(self.settings, _silent)))

    def begins(self) -> dict[int, int]:
        places = [TopicPartition(ASSESSMENTS, number) for number in range(PARTITIONS)]
        found = self.admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
        return {place.partition: at.offset for place, at in found.items()}

    def lose_before(self, offsets: dict[int, int]) -> None:
        self.admin.delete_records({TopicPartition(ASSESSMENTS, number): at for number, at in offsets.items()})

    def scorers_committed(self) -> None:
        """Both scorers' groups stand behind everything published so far."""
        places = [TopicPartition(INPUT, number) for number in range(PARTITIONS)]
        ends = self.admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        for service in SCORERS:
            offsets = {place: OffsetAndMetadata(ends[place].offset, "", -1) for place in places}
            self.admin.alter_group_offsets(group_of(service), offsets)

    def end(self) -> None:
        if self.aggregator is not None and self.aggregator.poll() is None:
            self.aggregator.kill()
            self.aggregator.wait()
        self._producer.close()
        self.admin.close()
        with warnings.catch_warnings():  # a client of kafka-python that is closed while it connects leaves its socket
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def _silent(_read: int, _total: int | None) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def installation(fresh_kafka: str, tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(fresh_kafka, tmp_path)
    yield installation
    installation.end()


def test_recompute_and_rebuild_from_a_checkpoint_agree_with_the_untrimmed_log(
    installation: Installation, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.checkpoint", tmp_path / "second.checkpoint"
    installation.start()
    installation.history(range(2))
    adopt_missing(installation.settings)
    installation.history(range(2, 5))
    installation.at_rest()
    made = installation.command("checkpoint", str(first), "--json")
    assert made.returncode == 0, made.stderr
    said = json.loads(made.stdout)
    offsets = {int(partition): offset for partition, offset in said["offsets"].items()}
    assert (said["accounts"], said["trimmed"]) == ("recomputed", False)
    assert installation.begins() == dict.fromkeys(range(PARTITIONS), 0), "nothing is deleted without --trim"
    installation.history(range(5, 7))
    truth, accounts = installation.at_rest(), installation.accounts()
    assert all((truth.decisions, truth.late, truth.superseded, truth.dead_letters))
    straight = installation.command("checkpoint", str(tmp_path / "straight"), "--json")
    assert straight.returncode == 0, straight.stderr

    explained = _explained(installation)
    installation.lose_before({0: offsets[0]})  # as a trim that ended between two partitions
    assert replace(installation.recompute(first), begins="log") == truth
    installation.lose_before({1: offsets[1]})
    assert replace(installation.recompute(first), begins="log") == truth
    assert _explained(installation, "--checkpoint", str(first)) == explained
    refused = installation.command("explain", "--seller", f"{MARKET}/seller-1")
    assert (refused.returncode, "Name the checkpoint" in refused.stderr) == (2, True)
    with pytest.raises(TopicsUnreadableError, match="Name the checkpoint that contains it with --checkpoint"):
        installation.recompute()
    refused = installation.command("recompute")
    assert (refused.returncode, "--from-accounts" in refused.stderr) == (2, True)
    installation.stop()
    refused = installation.command("rebuild")
    assert (refused.returncode, "with --checkpoint, or restore the topic" in refused.stderr) == (2, True)
    rebuilt = installation.command("rebuild", "--checkpoint", str(first))
    assert rebuilt.returncode == 0, rebuilt.stderr
    installation.start()
    until(lambda: installation.accounts() == accounts, "the same accounts")
    assert replace(installation.recompute(first), begins="log") == truth

    again = installation.command("checkpoint", str(second), "--checkpoint", str(first), "--trim", "--json")
    assert again.returncode == 0, again.stderr
    assert second.read_bytes() == (tmp_path / "straight").read_bytes(), "as the whole log says it"
    assert installation.begins() == {int(n): at for n, at in json.loads(again.stdout)["offsets"].items()}
    installation.history([7])
    until(lambda: installation.recompute(second).agrees, "agreement after the second checkpoint")
    with pytest.raises(CheckpointError, match=r"the log begins at \d+: the records between are in neither"):
        installation.recompute(first)
    taken = installation.command("checkpoint", str(second))
    assert (taken.returncode, "exists, and the log may depend on it" in taken.stderr) == (2, True)
    installation.stop()
    _refuse_to_start_without_a_state(installation)


def _explained(installation: Installation, *options: str) -> str:
    done = installation.command("explain", "--seller", f"{MARKET}/seller-1", "--json", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _refuse_to_start_without_a_state(installation: Installation) -> None:
    installation.admin.delete_groups([group_of("aggregator")])
    installation.admin.delete_topics([AGGREGATOR_CHANGELOG])
    until(lambda: AGGREGATOR_CHANGELOG not in installation.admin.list_topics(), "the changelog is gone")
    apply(installation.settings.kafka_bootstrap_servers, declared_topics([MARKET]), PARTITIONS, 1)
    worker = installation.start()
    assert worker.wait(60) == EXIT_CODE
    assert "begin with `greenlane rebuild --checkpoint FILE`" in installation.said.read_text()


def _agrees(installation: Installation, checkpoint: Path | None) -> bool:
    return installation.recompute(checkpoint).agrees


def _seen(moment: str, file: Path, installation: Installation, before: dict[int, int]) -> bool:
    if moment == "trimmed":
        return installation.begins() != before
    return file.exists() or (moment == "written" and file.with_name(f"{file.name}.part").exists())


def test_kills_at_any_moment_of_a_trim_leave_a_checkpoint_that_the_log_goes_on_from(
    installation: Installation, tmp_path: Path
) -> None:
    installation.start()
    installation.history(range(2))
    installation.at_rest()
    last: Path | None = None
    for number, moment in enumerate(("written", "named", "trimmed")):
        file = tmp_path / f"{number}.checkpoint"
        before = installation.begins()
        since = [] if last is None else ["--checkpoint", str(last)]
        command = [sys.executable, "-m", "greenlane", "checkpoint", str(file), "--trim", *since]
        process = subprocess.Popen(command, env=installation.environment)
        deadline = time.monotonic() + 60
        while process.poll() is None and not _seen(moment, file, installation, before):
            assert time.monotonic() < deadline, moment
        process.kill()
        process.wait()
        if file.exists():
            read_checkpoint(file)
            last = file
        else:
            assert installation.begins() == before, "nothing is deleted before the file has its name"
        assert installation.recompute(last).agrees
        installation.history([2 + number])
        until(partial(_agrees, installation, last), "agreement after the kill")
    assert last is not None
    _refuse_wrong_accounts(installation, tmp_path / "wrong.checkpoint", last)


def _refuse_wrong_accounts(installation: Installation, file: Path, since: Path) -> None:
    """Nothing is written or trimmed when the aggregator's accounts are not those of the log."""
    installation.stop()
    begins = installation.begins()
    lost = next(line for line in aggregator_lines(installation.settings, _silent) if line.kind == "seller")
    assert lost.kind == "seller"
    key = b"S" + b"".join(len(text).to_bytes(2, "big") + text.encode() for text in (MARKET, lost.seller_id))
    spoilt = b"\x01[0,7,0,0,0,0,0,null]"
    installation.append(AGGREGATOR_CHANGELOG, key, spoilt, lost.partition)
    refused = installation.command("checkpoint", str(file), "--trim", "--checkpoint", str(since))
    assert refused.returncode == 1
    assert "The aggregator's accounts are not those of the log: 2 lines differ" in refused.stderr
    assert (file.exists(), installation.begins()) == (False, begins)


def test_an_installation_that_lost_its_beginning_goes_on_from_the_accounts_and_says_so(
    installation: Installation, tmp_path: Path
) -> None:
    file, later = tmp_path / "taken.checkpoint", tmp_path / "later.checkpoint"
    installation.start()
    installation.history(range(4))
    installation.at_rest()
    installation.lose_before({0: 8, 1: 8})
    installation.scorers_committed()
    refused = installation.command("checkpoint", str(file))
    assert (refused.returncode, "--from-accounts" in refused.stderr) == (2, True)
    done = installation.command("checkpoint", str(file), "--from-accounts", "--trim", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accounts"] == "taken"
    installation.history(range(4, 6))
    until(lambda: installation.recompute(file).agrees, "agreement after the accounts were taken")
    compared = installation.recompute(file)
    assert compared.begins == "taken_checkpoint"
    assert "what led to them is not proven" in compared.to_text()
    assert (compared.published > 0, compared.unexplained) == (True, 0)
    assert installation.command("checkpoint", str(later), "--checkpoint", str(file), "--trim").returncode == 0
    assert read_checkpoint(later).header.accounts == "taken", "what was not proven stays so"
    installation.stop()
    rebuilt = installation.command("rebuild", "--checkpoint", str(later))
    assert rebuilt.returncode == 0, rebuilt.stderr
    installation.start()
    installation.history([6])
    until(lambda: installation.recompute(later).agrees, "agreement after the rebuild")
