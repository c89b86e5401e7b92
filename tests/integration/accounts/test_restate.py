"""`greenlane restate` on the topics that method 1.0.0 left behind: what it writes, what it refuses, what it shows."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import TopicPartition
from tests.integration.accounts.hand_scored import INPUT, Installation
from tests.integration.accounts.left_behind import leave_behind
from tests.unit.accounts.recorded_method import records

from greenlane.contracts.checkpoints import read_checkpoint
from greenlane.contracts.topics import ASSESSMENTS
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.embedded import EmbeddedKafka

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with EmbeddedKafka(tmp_path) as broker:
        installation = Installation(broker.bootstrap_servers, tmp_path)
        yield installation
        installation.end()


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
    refused = installation.command("restate", str(old), str(foreign))
    assert (refused.returncode, "is not this checkpoint restated" in refused.stderr) == (2, True)
    again = installation.command("restate", str(new))
    assert (again.returncode, f"is of method {METHOD_VERSION} already" in again.stderr) == (2, True)
    _goes_on(installation, old, new, tmp_path / "later.checkpoint")


def _goes_on(installation: Installation, old: Path, new: Path, later: Path) -> None:
    """One more assessment of method 1.0.0: the report is still given, and no file leads past the assessment."""
    last = [record for record in records(ASSESSMENTS) if record.partition == 1][-1]
    assert last.value is not None
    installation.append(ASSESSMENTS, last.key, last.value, 1)
    table = installation.command("restate", str(old))
    assert table.returncode == 0, table.stderr
    assert "Method 1.0.0 and" in table.stdout
    assert "Badges, which carry over" in table.stderr
    for command in (("restate", str(old), str(later)), ("rebuild", "--checkpoint", str(new))):
        refused = installation.command(*command)
        assert refused.returncode == 2
        assert "a record of method 1.0.0" in refused.stderr
        assert "later checkpoint" in refused.stderr
    assert not later.exists()
    unnamed = installation.command("rebuild")
    assert (unnamed.returncode, "sums of two methods never mix" in unnamed.stderr) == (2, True)
    compared = installation.command("recompute")
    assert (compared.returncode, "greenlane restate" in compared.stderr) == (2, True)


def test_an_entry_without_its_event_is_never_invented(installation: Installation, tmp_path: Path) -> None:
    old, new = leave_behind(installation, tmp_path), tmp_path / "new.checkpoint"
    installation.admin.delete_records({TopicPartition(INPUT, 0): 20})
    refused = installation.command("restate", str(old), str(new), "--report", str(tmp_path / "changes.jsonl"))
    assert refused.returncode == 1
    assert "entries cannot be assessed under method" in refused.stderr
    assert "its event is no longer kept" in refused.stderr
    assert not list(tmp_path.glob("new.checkpoint*"))
    assert not list(tmp_path.glob("changes.jsonl*"))
