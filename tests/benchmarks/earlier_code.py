"""The code of an earlier version of the method, taken out of this repository's history."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

VERSION_FILE = "services/greenlane/methodology/method.py"


class HistoryMissingError(Exception):
    """Why the code of that version cannot be had here."""


def newest_commit(repository: Path, version: str) -> str:
    """The newest commit whose method is of this version: found by what it says, so that a rebase does not lose it.

    Raises HistoryMissingError.
    """
    said = f'METHOD_VERSION = "{version}"'
    if said in _git(repository, "show", f"HEAD:./{VERSION_FILE}").decode():
        return _git(repository, "rev-parse", "HEAD").decode().strip()
    changed = _git(repository, "log", "-1", "--format=%H", f"-S{said}", "--", VERSION_FILE).decode().strip()
    if not changed:
        raise HistoryMissingError(f"the history at hand has no method {version}; git fetch --unshallow brings the rest")
    return _git(repository, "rev-parse", f"{changed}^").decode().strip()


def unpack(repository: Path, commit: str, folder: Path) -> Path:
    """Put the services of a commit into a folder; where they are then. Raises HistoryMissingError."""
    with tarfile.open(fileobj=BytesIO(_git(repository, "archive", commit, "services"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "services"


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=True)  # noqa: S607 - the user's own git
    except FileNotFoundError:
        raise HistoryMissingError("git is not installed") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise HistoryMissingError(f"git {arguments[0]} failed: {said}") from None
    return done.stdout
