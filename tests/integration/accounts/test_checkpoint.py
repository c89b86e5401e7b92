"""`greenlane checkpoint` on a real Kafka: what begins with a checkpoint ends as the untrimmed log does."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.accounts.hand_scored import MARKET, PARTITIONS, Installation
from tests.integration.accounts.test_aggregator_process import until

from greenlane.contracts.checkpoints import CheckpointError
from greenlane.contracts.topics import (
    AGGREGATOR_CHANGELOG,
    declared_topics,
    group_of,
)
from greenlane.operations.rules import adopt_missing
from greenlane.operations.topic_provisioning import apply
from greenlane.operations.topics_reader import TopicsUnreadableError
from greenlane.streaming import EXIT_CODE


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
