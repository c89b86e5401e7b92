"""One publisher for each spool: a lock that the kernel gives back when its holder dies, however it dies."""

import sqlite3
from pathlib import Path

from greenlane.publishing.sdk.spool.faults import SpoolInUse
from greenlane.publishing.sdk.spool.file import explained


class Ownership:
    """Holds a spool for this publisher alone until `release`. SQLite's own lock works alike on every system.

    Raises SpoolInUse while another publisher holds it, of this process or of another.
    """

    def __init__(self, path: Path) -> None:
        beside = path.with_name(f"{path.name}.lock")
        with explained(beside):
            self._db = sqlite3.connect(beside, isolation_level=None, check_same_thread=False, timeout=0.0)
            try:
                self._db.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                self._db.close()
                if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                    raise SpoolInUse(
                        f"the spool {path} is in use by another publisher, and two would mix up the order of events; "
                        "end that one, or name another file"
                    ) from None
                raise

    def release(self) -> None:
        """Give it back; harmless when repeated."""
        self._db.close()


def is_owned(path: Path) -> bool:
    """Whether a publisher holds the spool now."""
    if not path.with_name(f"{path.name}.lock").exists():
        return False
    try:
        Ownership(path).release()
    except SpoolInUse:
        return True
    return False
