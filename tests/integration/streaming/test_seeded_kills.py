"""A few of the kills of `make faults-streams`, with the same proof; the whole of it runs on demand."""

import tempfile
from pathlib import Path

from tests.faults.streams import run, sound


def test_six_seeded_kills_under_load_leave_the_accounts_and_decisions_of_an_undisturbed_run() -> None:
    with tempfile.TemporaryDirectory(prefix="greenlane-tests-", ignore_cleanup_errors=True) as folder:
        result = run(Path(folder), kills=6, seed=4)
    assert sound(result), result
    assert result["kills"] == 6
    assert result["undisturbed_agrees"]
    assert result["decisions"] > 0
