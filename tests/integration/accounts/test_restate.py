"""`greenlane restate` on the topics that method 1.0.0 left behind: what it writes, what it refuses, what it shows."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from tests.integration.accounts.hand_scored import INPUT, POLICY, Installation
from tests.integration.accounts.left_behind import leave_behind
from tests.integration.accounts.test_aggregator_process import until
from tests.unit.accounts.recorded_method import records
from typer.testing import CliRunner

from greenlane.cli.accounts.switching import Switch
from greenlane.cli.app import app
from greenlane.contracts.checkpoints import CheckpointError, read_checkpoint
from greenlane.contracts.rules import RULES_KEY
from greenlane.contracts.topics import ASSESSMENTS, RULES, group_of
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.embedded import EmbeddedKafka
from greenlane.operations.rules import adopt, own_rules, read_rules

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Commands in this process, which start at once, find it too."""
    with EmbeddedKafka(tmp_path) as broker:
        installation = Installation(broker.bootstrap_servers, tmp_path)
        for name, value in installation.environment.items():
            monkeypatch.setenv(name, value)
        yield installation
        installation.end()


def refused(*arguments: str) -> str:
    """What a command says that ends with 2."""
    answer = CliRunner().invoke(app, list(arguments))
    assert answer.exit_code == 2, answer.output
    return " ".join(answer.output.split())


def test_a_report_while_the_earlier_release_goes_on_and_a_file_once_it_stands_still(
    installation: Installation, tmp_path: Path
) -> None:
    old, new, report = leave_behind(installation, tmp_path), tmp_path / "new.checkpoint", tmp_path / "changes.jsonl"
    done = installation.command("restate", str(old), str(new), "--report", str(report), "--json")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told == [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert [item["kind"] for item in told] == ["seller"] * 5 + ["summary"]
    assert told[-1]["sellers"] == 5
    header = read_checkpoint(new).header
    assert header.method_version == METHOD_VERSION
    raw = new.read_bytes()
    assert installation.command("restate", str(old), str(new)).returncode == 0, "a run is repeated"
    assert new.read_bytes() == raw
    foreign = tmp_path / "foreign.checkpoint"
    foreign.write_bytes(old.read_bytes())
    assert "is not this checkpoint restated" in refused("restate", str(old), str(foreign))
    assert f"is of method {METHOD_VERSION} already" in refused("restate", str(new))
    _goes_on(installation, old, new, tmp_path / "later.checkpoint")


def _goes_on(installation: Installation, old: Path, new: Path, later: Path) -> None:
    """One more assessment of method 1.0.0: the report is still given, and no file leads past the assessment."""
    last = [record for record in records(ASSESSMENTS) if record.partition == 1][-1]
    assert last.value is not None
    found = installation.append(ASSESSMENTS, last.key, last.value, 1)
    table = installation.command("restate", str(old))
    assert table.returncode == 0, table.stderr
    assert "Method 1.0.0 and" in table.stdout
    assert "Badges, which carry over" in table.stderr
    late = refused("policy", "adopt", "--checkpoint", str(new))
    assert f"partition 1 has at offset {found.offset} a record that" in late
    assert "Nothing was adopted." in late
    assert "later checkpoint with the earlier release" in late
    servers, own = installation.settings.kafka_bootstrap_servers, own_rules(installation.settings, first=False)
    switch = Switch.between(installation.settings, read_rules(servers), own, new)
    assert switch is not None
    with pytest.raises(CheckpointError, match=f"at offset {found.offset} a record that"):
        adopt(servers, lambda _: own, switch.refuse_left_behind)
    assert _method(installation) == "1.0.0", "what comes before the last look takes the adoption back"
    for command in (("restate", str(old), str(later)), ("rebuild", "--checkpoint", str(new))):
        told = refused(*command)
        assert "a record of method 1.0.0" in told
        assert "later checkpoint" in told
    assert not later.exists()
    assert "sums of two methods never mix" in refused("rebuild")
    assert "greenlane restate" in refused("recompute")
    later_release = json.loads(own.model_dump_json()) | {"policy": {"version": "9.0.0", "later_days": 3}}
    installation.append(RULES, RULES_KEY, json.dumps(later_release).encode(), 0)
    assert "rules that this release cannot read (policy." in refused("policy", "show")


def _method(installation: Installation) -> str:
    current = read_rules(installation.settings.kafka_bootstrap_servers).current
    assert current is not None
    return current.method_version


def test_another_method_is_adopted_only_where_its_accounts_can_follow(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = leave_behind(installation, tmp_path), tmp_path / "new.checkpoint"
    servers = installation.settings.kafka_bootstrap_servers
    monkeypatch.setattr("greenlane.operations.rules.SESSION_SECONDS", 0.1)

    assert CliRunner().invoke(app, ["restate", str(old), str(new)]).exit_code == 0
    assert "needs the checkpoint that `greenlane restate` has written" in refused("policy", "adopt")
    assert "sums of method 1.0.0" in refused("policy", "adopt", "--checkpoint", str(old))
    own = own_rules(installation.settings, first=False)
    other = tmp_path / "other.yaml"
    other.write_text(POLICY.replace("window_days: 6", "window_days: 7"))
    assert f"was restated for the rules {own.id}, these are " in refused(
        "policy", "adopt", str(other), "--checkpoint", str(new)
    )
    with closing(KafkaConsumer(INPUT, bootstrap_servers=servers, group_id=group_of("aggregator"))) as member:
        until(lambda: member.poll(100) is not None and member.assignment(), "a running aggregator")
        assert f"{group_of('aggregator')} still run" in refused("policy", "adopt", "--checkpoint", str(new))
    assert _method(installation) == "1.0.0"
    for _ in range(2):
        done = CliRunner().invoke(app, ["policy", "adopt", "--checkpoint", str(new)])
        assert done.exit_code == 0, done.output
    assert _method(installation) == METHOD_VERSION
    assert CliRunner().invoke(app, ["rebuild", "--checkpoint", str(new)]).exit_code == 0


def test_an_entry_without_its_event_is_never_invented(installation: Installation, tmp_path: Path) -> None:
    old, new = leave_behind(installation, tmp_path), tmp_path / "new.checkpoint"
    installation.admin.delete_records({TopicPartition(INPUT, 0): 20})
    refused = installation.command("restate", str(old), str(new), "--report", str(tmp_path / "changes.jsonl"))
    assert refused.returncode == 1
    assert "entries cannot be assessed under method" in refused.stderr
    assert "its event is no longer kept" in refused.stderr
    assert not list(tmp_path.glob("new.checkpoint*"))
    assert not list(tmp_path.glob("changes.jsonl*"))
