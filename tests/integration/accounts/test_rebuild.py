"""`greenlane rebuild` on a real Kafka: a lost state is refused, then made anew, and nothing else is stated."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from tests.integration.accounts.test_aggregator_process import (
    MARKET,
    PARTITIONS,
    Aggregator,
    Log,
    history,
    undisturbed,
    until,
)

from greenlane.contracts.topics import (
    AGGREGATOR_CHANGELOG,
    ASSESSMENTS,
    BADGE_DECISIONS,
    SELLER_SCORES,
    declared_topics,
)
from greenlane.operations.topic_provisioning import apply
from greenlane.streaming import EXIT_CODE


@pytest.fixture
def log(fresh_kafka: str) -> Iterator[Log]:
    apply(fresh_kafka, declared_topics([MARKET]), PARTITIONS, 1)
    log = Log(fresh_kafka)
    yield log
    log.close()


@pytest.fixture
def aggregator(fresh_kafka: str, log: Log, tmp_path: Path) -> Iterator[Aggregator]:
    _ = log
    aggregator = Aggregator(fresh_kafka, tmp_path)
    yield aggregator
    if aggregator.process.poll() is None:
        aggregator.kill()


def rebuild(aggregator: Aggregator) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "greenlane", "rebuild"]
    return subprocess.run(command, env=aggregator._environment, capture_output=True, text=True, check=False)


def test_a_lost_state_is_refused_and_rebuilt_with_the_same_scores_and_decisions(
    fresh_kafka: str, log: Log, aggregator: Aggregator, tmp_path: Path
) -> None:
    log.append([record for day in history(seed=9)[:14] for record in day])
    scores, decisions = undisturbed(log, tmp_path)

    def said() -> bool:
        stands = {record.key: record.value for record in log.read(SELLER_SCORES)} == scores
        return stands and {record.value for record in log.read(BADGE_DECISIONS)} == set(decisions)

    until(lambda: aggregator.alive() and said(), "every score and decision")
    assert aggregator.stop() == 0
    admin = KafkaAdminClient(bootstrap_servers=fresh_kafka)
    admin.delete_topics([AGGREGATOR_CHANGELOG])
    until(lambda: AGGREGATOR_CHANGELOG not in admin.list_topics(), "the changelog is gone")
    apply(fresh_kafka, declared_topics([MARKET]), PARTITIONS, 1)
    aggregator.start()
    assert aggregator.process.wait(60) == EXIT_CODE
    assert (
        "the changelog was lost; make it anew from the source with `greenlane rebuild`" in aggregator._said.read_text()
    )
    done = rebuild(aggregator)
    assert done.returncode == 0, done.stderr
    stated = len(log.read(BADGE_DECISIONS))
    aggregator.start()
    until(lambda: aggregator.alive() and len(log.read(BADGE_DECISIONS)) == 2 * stated, "every decision again")
    until(said, "the same scores and decisions")
    assert aggregator.stop() == 0
    admin.delete_records({TopicPartition(ASSESSMENTS, 0): 1})
    refused = rebuild(aggregator)
    admin.close()
    assert refused.returncode == 2
    assert "begins at offset 1" in refused.stderr
