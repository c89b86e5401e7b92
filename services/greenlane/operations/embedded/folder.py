"""The folder of one embedded server: who owns it, where its server listens, and which ports are free."""

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

from greenlane.errors import GreenlaneError

LOOPBACK = "127.0.0.1"
_OLD_LOGS = 4
_TAIL_BYTES = 65_536


class EmbeddedServerError(GreenlaneError):
    """An embedded server cannot start; the text says what is wrong and what to do about it."""


class ServerFolder:
    """One server's folder: locked by the process that runs the server, with its address while it is up.

    The lock is the kernel's (flock), so it ends with its process however that dies.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._address = self.path / "address"
        self._lock_fd: int | None = None

    def acquire(self) -> None:
        """Make the folder ours. Raises EmbeddedServerError if a living process has it or it cannot be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedServerError(
                f"Cannot write {self.path}: {error.strerror}. Free the path or its permissions, "
                "or set GREENLANE_DATA_DIR to another folder."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise EmbeddedServerError(
                f"Another greenlane process is running the server in {self.path}. "
                "Stop it first, or set GREENLANE_DATA_DIR to another folder."
            ) from error
        self._lock_fd = descriptor

    def release(self) -> None:
        """Give the folder up; harmless when it is not ours."""
        if self._lock_fd is not None:
            self._address.unlink(missing_ok=True)
            os.close(self._lock_fd)
            self._lock_fd = None

    def publish(self, address: str) -> None:
        """Let other processes of this user find the running server."""
        replace_file(self._address, address)

    def published(self) -> str | None:
        """The address of the server that a living process runs here; None when there is none."""
        try:
            address = self._address.read_text(encoding="utf-8")
        except OSError:
            return None
        probe = ServerFolder(self.path)
        try:
            probe.acquire()
        except EmbeddedServerError:
            return address
        probe.release()
        return None


def replace_file(path: Path, text: str) -> None:
    """Write a file that only its user may read, whole or not at all: a full disk leaves what was there."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def keep_old(log: Path) -> None:
    """Move a log out of the way of a new one; the four latest are kept as `<name>.1` (newest) to `<name>.4`."""
    if not log.exists() or log.stat().st_size == 0:
        return
    for number in range(_OLD_LOGS - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    log.replace(log.with_name(f"{log.name}.1"))


def choose_port(wanted: int, setting: str) -> int:
    """The wanted loopback port, or a free one for 0.

    Raises EmbeddedServerError if another process has it; `setting` says what to change.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError as error:
            raise EmbeddedServerError(
                f"Port {wanted} on {LOOPBACK} cannot be used: {error.strerror}. "
                f"Stop the process that has it, or {setting}."
            ) from error
        port: int = probe.getsockname()[1]
        return port


def last_lines(log: Path, count: int = 3) -> str:
    """The last lines of a server's log that say something, joined; for one error message."""
    if not log.exists():
        return "it wrote no log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("ERROR", "FATAL", "Exception", "Error"))]
    return " / ".join((telling or lines)[-count:]) or "its log is empty"


def command_line(pid: int) -> str:
    """What a process runs, empty once it is gone (a zombie too)."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
    shown = subprocess.run(  # noqa: S603 - fixed argument list, no shell
        ["/bin/ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return shown.stdout
