import subprocess
from pathlib import Path

import pytest
from tests.benchmarks.earlier_code import VERSION_FILE, HistoryMissingError, newest_commit, unpack


def git(repository: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    command = ["git", "-C", str(repository), *identity, *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def commit(repository: Path, name: str, text: str) -> str:
    file = repository / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "change")
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    commit(folder, VERSION_FILE, 'METHOD_VERSION = "1.0.0"\n')
    return folder


def test_the_newest_commit_of_a_version_is_the_one_before_it_changed(repository: Path, tmp_path: Path) -> None:
    last = commit(repository, "services/greenlane/other.py", "OLD = True\n")
    commit(repository, VERSION_FILE, 'METHOD_VERSION = "2.0.0"\n')
    commit(repository, "services/greenlane/other.py", "OLD = False\n")
    assert newest_commit(repository, "1.0.0") == last
    services = unpack(repository, last, tmp_path / "unpacked")
    assert (services / "greenlane" / "other.py").read_text(encoding="utf-8") == "OLD = True\n"


def test_while_the_version_holds_it_is_the_newest_commit_of_all(repository: Path) -> None:
    last = commit(repository, "services/greenlane/other.py", "OLD = True\n")
    assert newest_commit(repository, "1.0.0") == last


def test_it_is_found_in_a_branch_that_was_rebased(repository: Path) -> None:
    base = git(repository, "branch", "--show-current")
    git(repository, "checkout", "-qb", "next")
    commit(repository, VERSION_FILE, 'METHOD_VERSION = "2.0.0"\n')
    git(repository, "checkout", "-q", base)
    last = commit(repository, "services/greenlane/other.py", "OLD = True\n")
    git(repository, "checkout", "-q", "next")
    git(repository, "rebase", "-q", base)
    assert newest_commit(repository, "1.0.0") == last


def test_a_history_without_the_version_says_how_to_get_it(repository: Path, tmp_path: Path) -> None:
    commit(repository, VERSION_FILE, 'METHOD_VERSION = "2.0.0"\n')
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", str(shallow))
    with pytest.raises(HistoryMissingError, match="--unshallow"):
        newest_commit(shallow, "1.0.0")


def test_a_folder_without_a_history_says_so(tmp_path: Path) -> None:
    with pytest.raises(HistoryMissingError, match="not a git repository"):
        newest_commit(tmp_path, "1.0.0")
