"""Room for records on their way: kafka-python buffers without limit, so the bound on bytes and count is ours."""

import time
from threading import Condition, Lock

_LOOK_AGAIN_SECONDS = 0.02
"""How often one who waits looks by itself: it is woken only when an eighth is free, for each waking costs a turn."""


class Room:
    """Counts records and bytes in; who finds it full waits. Safe for threads.

    A record larger than `max_bytes` never fits: callers keep records smaller than that.
    """

    def __init__(self, max_bytes: int, max_count: int) -> None:
        self.max_bytes = max_bytes
        self.max_count = max_count
        self._bytes = 0
        self._count = 0
        self._waiting = 0
        self._lock = Lock()
        self._freed = Condition(self._lock)
        self._emptied = Condition(self._lock)

    @property
    def count(self) -> int:
        """Records inside."""
        return self._count

    def enter(self, size: int, timeout: float) -> bool:
        """Let a record of `size` bytes in, waiting at most `timeout` seconds; False if it never got in."""
        with self._lock:
            if not self._fits(size) and not self._wait_to_fit(size, timeout):
                return False
            self._bytes += size
            self._count += 1
            return True

    def leave(self, size: int) -> None:
        """A record of `size` bytes is gone."""
        with self._lock:
            self._bytes -= size
            self._count -= 1
            if not self._count:
                self._emptied.notify_all()
                self._freed.notify_all()
            elif self._waiting and self._count * 8 <= self.max_count * 7 and self._bytes * 8 <= self.max_bytes * 7:
                self._freed.notify_all()

    def wait_empty(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until nobody is inside."""
        with self._lock:
            return self._emptied.wait_for(lambda: self._count == 0, timeout)

    def _wait_to_fit(self, size: int, timeout: float) -> bool:
        until = time.monotonic() + timeout
        self._waiting += 1
        try:
            while not self._fits(size):
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._freed.wait(min(left, _LOOK_AGAIN_SECONDS))
            return True
        finally:
            self._waiting -= 1

    def _fits(self, size: int) -> bool:
        return self._count < self.max_count and self._bytes + size <= self.max_bytes
