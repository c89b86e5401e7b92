"""`greenlane checkpoint --trim` killed at any moment, and a log that lost its beginning before the first one."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.integration.accounts.hand_scored import MARKET, Installation, silent
from tests.integration.accounts.test_aggregator_process import until

from greenlane.cli.accounts.checkpoint import aggregator_lines
from greenlane.contracts.checkpoints import read_checkpoint
from greenlane.contracts.topics import (
    AGGREGATOR_CHANGELOG,
)
from greenlane.operations.embedded import EmbeddedKafka

pytestmark = pytest.mark.faults


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with EmbeddedKafka(tmp_path) as broker:
        installation = Installation(broker.bootstrap_servers, tmp_path)
        yield installation
        installation.end()


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
    lost = next(line for line in aggregator_lines(installation.settings, silent) if line.kind == "seller")
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
