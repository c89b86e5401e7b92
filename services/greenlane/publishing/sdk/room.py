"""Room for records on their way: kafka-python buffers without limit, so the bound on bytes and count is ours."""

from threading import Condition


class Room:
    """Counts records and bytes in; who finds it full waits. Safe for threads.

    A record larger than `max_bytes` never fits: callers keep records smaller than that.
    """

    def __init__(self, max_bytes: int, max_count: int) -> None:
        self.max_bytes = max_bytes
        self.max_count = max_count
        self._bytes = 0
        self._count = 0
        self._changed = Condition()

    @property
    def count(self) -> int:
        """Records inside."""
        return self._count

    def enter(self, size: int, timeout: float) -> bool:
        """Let a record of `size` bytes in, waiting at most `timeout` seconds; False if it never got in."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._fits(size), timeout):
                return False
            self._bytes += size
            self._count += 1
            return True

    def leave(self, size: int) -> None:
        """A record of `size` bytes is gone."""
        with self._changed:
            self._bytes -= size
            self._count -= 1
            self._changed.notify_all()

    def wait_empty(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until nobody is inside."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, timeout)

    def _fits(self, size: int) -> bool:
        return self._count < self.max_count and self._bytes + size <= self.max_bytes
