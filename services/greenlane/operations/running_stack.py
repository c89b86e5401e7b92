"""What a running `greenlane up` tells other processes: its settings, its services' ports, how each part stands.

It is a file in the data folder, readable by its user only and valid as long as the process lives. Secrets that came
from the environment are not in it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from greenlane.operations.embedded.folder import ServerFolder


class RunningService(BaseModel):
    """One service of the stack: where it serves health and metrics, its log, and how it stands."""

    model_config = ConfigDict(frozen=True)

    port: int
    log: Path
    state: str
    restarts: int
    reason: str = ""


class RunningStack(BaseModel):
    """A running stack. `settings` are values of GREENLANE_ variables by their names in lower case."""

    model_config = ConfigDict(frozen=True)

    pid: int
    settings: dict[str, str]
    services: dict[str, RunningService]


class StackFolder:
    """The folder of one data folder's stack."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = ServerFolder(data_dir / "stack")

    def acquire(self) -> None:
        """Make it ours. Raises EmbeddedServerError while another stack of this data folder lives."""
        self._folder.acquire()

    def release(self) -> None:
        """Give it up; harmless when it is not ours."""
        self._folder.release()

    def publish(self, stack: RunningStack) -> None:
        """Let other processes of this user find the stack. Raises OSError when it cannot be written."""
        self._folder.publish(stack.model_dump_json())

    def find(self) -> RunningStack | None:
        """The stack that runs here; None if there is none."""
        published = self._folder.published()
        try:
            return None if published is None else RunningStack.model_validate_json(published)
        except ValidationError:  # written by another version: as good as none
            return None

    @contextmanager
    def holding(self, service: str, why: str) -> Iterator[None]:
        """While inside, the stack stops this service; the lock is the kernel's, so it ends with its process."""
        with self._hold_file(service).open("w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(why)
            file.flush()
            yield
            file.truncate(0)

    def held_by(self, service: str) -> str | None:
        """Who wants this service to stand still, in words; None when nobody does."""
        try:
            descriptor = os.open(self._hold_file(service), os.O_RDONLY)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read() or "another command asked for it"
        return None

    def _hold_file(self, service: str) -> Path:
        return self._folder.path / f"hold-{service}"
