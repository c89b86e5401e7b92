"""An installation whose scorers are the test: a broker with its topics, and a real aggregator."""

import gc
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.structs import OffsetAndMetadata
from tests.integration.accounts.test_aggregator_process import POLICY as STRICT
from tests.integration.accounts.test_aggregator_process import until
from tests.integration.accounts.test_oracle_recompute import CANCELLED, PACKED, Stored, letter

from greenlane.accounts.oracle.compare import Comparison
from greenlane.accounts.oracle.recompute import recompute
from greenlane.cli.accounts.checkpoint import aggregator_lines
from greenlane.contracts.assessing import assessment_of, output_key
from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.topics import (
    ASSESSMENTS,
    DEAD_LETTERS,
    declared_topics,
    fulfilment_topic,
    group_of,
    readers_of,
)
from greenlane.factors.loading import load_method
from greenlane.operations.topic_provisioning import apply
from greenlane.settings import SERVICES, Settings, load_settings
from greenlane.streaming import partition_of

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

    def append(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Stored:
        where = partition_of(key or b"", PARTITIONS) if partition is None and key is not None else partition
        sent = self._producer.send(topic, value, key=key, partition=where, headers=list(headers)).get(30)
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
        return recompute(self.settings, progress=silent, checkpoint=checkpoint)

    def accounts(self) -> list[str]:
        return sorted(map(str, aggregator_lines(self.settings, silent)))

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


def silent(_read: int, _total: int | None) -> None:
    """Progress that nobody watches."""
