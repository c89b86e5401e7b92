"""Keeps an outage from filling the log: of each kind of warning one line in ten seconds, with a count of the others."""

import logging
import re
import threading
import time
from collections.abc import Callable

INTERVAL_SECONDS = 10.0
_MOST_KINDS = 500
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+")


class OneLineInTenSeconds(logging.Filter):
    """Lets the first record of a kind pass, then one in ten seconds, which says how many were left out before it.

    A kind is a logger and the message without its arguments and numbers. Records below WARNING and from CRITICAL on
    always pass. `now` is a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._passed: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if not logging.WARNING <= record.levelno < logging.CRITICAL:
            return True
        kind = (record.name, _NUMBERS.sub("#", _text(record))[:200])
        with self._lock:
            now = self._now()
            last = self._passed.get(kind)
            if last is not None and now - last < INTERVAL_SECONDS:
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                return False
            if len(self._passed) >= _MOST_KINDS:
                self._forget(now)
            self._passed[kind] = now
            left_out = self._left_out.pop(kind, 0)
        if left_out:
            _tell(record, left_out)
        return True

    def _forget(self, now: float) -> None:
        """Let go of the kinds that are quiet; of all, when none is."""
        loud = {kind: at for kind, at in self._passed.items() if now - at < INTERVAL_SECONDS}
        self._passed = loud if len(loud) < _MOST_KINDS else {}
        self._left_out = {kind: count for kind, count in self._left_out.items() if kind in self._passed}


def _text(record: logging.LogRecord) -> str:
    # structlog hands its event over as a dictionary
    return str(record.msg.get("event", "")) if isinstance(record.msg, dict) else str(record.msg)


def _tell(record: logging.LogRecord, left_out: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = record.msg | {"left_out": left_out}
        return
    # the text is made here, for the count must not be taken for one of the message's arguments
    record.msg, record.args = f"{record.getMessage()} ({left_out} lines of this kind left out)", None
