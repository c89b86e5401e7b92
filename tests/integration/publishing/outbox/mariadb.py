"""A real MariaDB as a child process, where one is installed; or the MySQL of GREENLANE_TEST_MYSQL_URL."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql

from greenlane.operations.embedded.folder import choose_port

START_SECONDS = 120
_USER = "nobody"


class MariaDb:
    """A server in a folder of its own; `url` opens it for a user who may do everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = choose_port(0, "")
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"mysql://greenlane:secret@127.0.0.1:{self._port}/mysql"

    def start(self) -> None:
        """Start the server on its port and wait until it answers."""
        as_root = [f"--user={_USER}"] if os.geteuid() == 0 else []
        data = self._folder / "data"
        if not data.exists():
            if as_root:
                os.chown(self._folder, pwd.getpwnam(_USER).pw_uid, -1)
            made = ["mariadb-install-db", "--no-defaults", *as_root, f"--datadir={data}", "--skip-test-db"]
            subprocess.run(made, check=True, capture_output=True)
            setting_up = self._folder / "users.sql"
            setting_up.write_text(
                "CREATE USER IF NOT EXISTS 'greenlane'@'%' IDENTIFIED BY 'secret';\n"
                "GRANT ALL ON *.* TO 'greenlane'@'%' WITH GRANT OPTION;\n"
            )
            setting_up.chmod(0o644)
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    _server() or "", "--no-defaults", *as_root, f"--datadir={data}", f"--port={self._port}",
                    "--bind-address=127.0.0.1", f"--socket={self._folder / 's'}", "--skip-name-resolve",
                    "--innodb-buffer-pool-size=32M", f"--init-file={self._folder / 'users.sql'}",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "server.log").read_text()
            assert time.monotonic() < deadline, (self._folder / "server.log").read_text()
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a failure of the machine would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        with contextlib.suppress(pymysql.Error):
            pymysql.connect(host="127.0.0.1", port=self._port, user="greenlane", password="secret").close()
            return True
        return False


@contextlib.contextmanager
def some_mysql() -> Iterator[str | None]:
    """The URL of a MySQL or MariaDB; None where there is none."""
    external = os.environ.get("GREENLANE_TEST_MYSQL_URL")
    if external or not installed():
        yield external
        return
    with own_mariadb() as server:
        yield server.url


@contextlib.contextmanager
def own_mariadb() -> Iterator[MariaDb]:
    """A server that the caller may kill and start again."""
    with tempfile.TemporaryDirectory(prefix="greenlane-mariadb-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = MariaDb(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


def installed() -> bool:
    """Whether a MariaDB can be started here."""
    return _server() is not None and shutil.which("mariadb-install-db") is not None


def _server() -> str | None:
    return shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
