"""The switch from method 1.0.0: every step killed at random and run again comes to the same as without a kill."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.accounts.hand_scored import Installation
from tests.integration.accounts.left_behind import leave_behind
from tests.integration.accounts.test_aggregator_process import until

from greenlane.cli.accounts.results import latest_scores
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.embedded import EmbeddedKafka

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
KILLS = 8


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with EmbeddedKafka(tmp_path) as broker:
        installation = Installation(broker.bootstrap_servers, tmp_path)
        yield installation
        installation.end()


def _killed(installation: Installation, seconds: float, *arguments: str) -> None:
    """Run a command and kill it after some time, unless it has ended before."""
    process = subprocess.Popen([sys.executable, "-m", "greenlane", *arguments], env=installation.environment)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()


def _whole(installation: Installation, *arguments: str) -> float:
    """Run a command to its end; how long it took in seconds."""
    began = time.monotonic()
    done = installation.command(*arguments)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - began


def _agree(installation: Installation, checkpoint: Path, sellers: int) -> bool:
    compared = installation.recompute(checkpoint)
    return compared.agrees and compared.sellers == sellers


def test_a_switch_killed_at_random_moments_equals_an_undisturbed_one(
    installation: Installation, tmp_path: Path
) -> None:
    chance = random.Random()  # noqa: S311 - moments, no secret
    old, wanted, new = leave_behind(installation, tmp_path), tmp_path / "undisturbed", tmp_path / "new.checkpoint"
    took = _whole(installation, "restate", str(old), str(wanted))
    for _ in range(KILLS):
        _killed(installation, chance.uniform(0, took), "restate", str(old), str(new))
        assert not new.exists() or new.read_bytes() == wanted.read_bytes()
    _whole(installation, "restate", str(old), str(new))
    assert new.read_bytes() == wanted.read_bytes()

    for _ in range(3):
        _killed(installation, chance.uniform(0, took), "policy", "adopt", "--checkpoint", str(new))
    until(
        lambda: installation.command("policy", "adopt", "--checkpoint", str(new)).returncode == 0,
        "the groups' coordinator and the adoption",
    )
    for _ in range(3):
        _killed(installation, chance.uniform(0, took), "rebuild", "--checkpoint", str(new))
    _whole(installation, "rebuild", "--checkpoint", str(new))

    process = installation.start()
    time.sleep(chance.uniform(0, took))
    process.kill()
    process.wait()
    installation.start()
    until(lambda: installation.recompute(new).agrees, "agreement after the switch")
    compared = installation.recompute(new)
    assert (compared.sellers, compared.different, compared.decisions_different) == (5, 0, 0)
    assert (compared.unaccounted, compared.unexplained, compared.published) == (0, 0, 136)

    installation.publish("sim-careful-001", "after", 8, country="VN")
    installation.publish("newcomer", "after", 8, country="VN")
    until(lambda: _agree(installation, new, 6), "open scores under the new method")
    installation.close(8)
    until(lambda: _agree(installation, new, 6), "a closed day under the new policy")
    assert {score.data.method_version for score in latest_scores(installation.settings)} == {METHOD_VERSION}
    later = tmp_path / "later.checkpoint"
    _whole(installation, "checkpoint", str(later), "--checkpoint", str(new), "--trim")
    assert installation.recompute(later).agrees, "the records of method 1.0.0 are needed no more"
