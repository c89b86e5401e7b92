"""What a running stack tells a second terminal, and what counts when the two contradict each other."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenlane.cli import connection
from greenlane.operations.embedded.folder import keep_old, replace_file
from greenlane.operations.running_stack import RunningStack, StackFolder
from greenlane.settings import Settings, SettingsError


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackFolder]:
    """A stack of two marketplaces under an own policy, as this process tells of it."""
    for name in [name for name in os.environ if name.startswith("GREENLANE_")]:
        monkeypatch.delenv(name)
    connection._name_once.cache_clear()
    settings = Settings(
        data_dir=tmp_path,
        kafka_bootstrap_servers="127.0.0.1:7777",
        marketplaces=("a", "b"),
        partitions=8,
        policy_file=tmp_path / "policy.yaml",
        database_url="postgresql://me:hush@db.example/greenlane",
    )
    folder = StackFolder(tmp_path)
    folder.acquire()
    told = connection.told_settings(settings)
    folder.publish(RunningStack(pid=4711, settings=told, services={}))
    monkeypatch.setenv("GREENLANE_DATA_DIR", str(tmp_path))
    yield folder
    folder.release()


def test_a_second_terminal_uses_the_settings_of_the_running_stack(running: StackFolder, tmp_path: Path) -> None:
    _ = running
    here = connection.kafka_settings()
    assert here.kafka_bootstrap_servers == "127.0.0.1:7777"
    assert (here.marketplaces, here.partitions) == (("a", "b"), 8)
    assert here.policy_file == (tmp_path / "policy.yaml").resolve()
    assert here.factors_file is None


def test_the_environment_wins_and_the_contradiction_is_named(
    running: StackFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _ = running
    monkeypatch.setenv("GREENLANE_PARTITIONS", "8")
    monkeypatch.setenv("GREENLANE_MARKETPLACES", "c")
    assert connection.kafka_settings().marketplaces == ("c",)
    said = capsys.readouterr().err
    assert "GREENLANE_MARKETPLACES is c here and a,b in the running `greenlane up` (process 4711)" in said
    assert "PARTITIONS" not in said, "what agrees is no contradiction"


def test_no_secret_is_written_down_and_a_command_that_needs_it_says_what_to_export(
    running: StackFolder, tmp_path: Path
) -> None:
    _ = running
    written = (tmp_path / "stack" / "address").read_text(encoding="utf-8")
    assert "hush" not in written
    assert (tmp_path / "stack" / "address").stat().st_mode & 0o077 == 0
    with pytest.raises(SettingsError, match="export the same value here") as error:
        connection.database_settings()
    assert "GREENLANE_DATABASE_URL" in str(error.value)


def test_a_stack_that_ended_tells_nothing_more(running: StackFolder, tmp_path: Path) -> None:
    running.release()
    assert StackFolder(tmp_path).find() is None
    with pytest.raises(SettingsError, match="No Kafka is running"):
        connection.kafka_settings()


def test_a_service_is_held_as_long_as_the_holder_lives(running: StackFolder) -> None:
    assert running.held_by("aggregator") is None
    with running.holding("aggregator", "greenlane rebuild (process 1)"):
        assert running.held_by("aggregator") == "greenlane rebuild (process 1)"
        assert running.held_by("clock") is None
    assert running.held_by("aggregator") is None


def test_a_new_log_keeps_the_four_before_it_and_an_empty_one_is_none(tmp_path: Path) -> None:
    log = tmp_path / "clock.log"
    keep_old(log)
    for number in range(6):
        log.write_text(f"start {number}", encoding="utf-8")
        keep_old(log)
        log.touch()
        keep_old(log)
    kept = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.stat().st_size}
    assert kept == {f"clock.log.{age}": f"start {6 - age}" for age in (1, 2, 3, 4)}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cluster.json"
    replace_file(file, "before")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(file, "after")
    assert file.read_text(encoding="utf-8") == "before"
