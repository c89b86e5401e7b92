"""Errors that nobody foresaw: counted and logged with their traceback, they cost one delivery and never the process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

_log = structlog.get_logger("greenlane.webhook_dispatcher")


_LOGGED_EVERY = 10.0
_REMEMBERED = 1_000


def _uncounted() -> None:
    """For callers without a metric."""


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Where such errors are told; `count` is called once for each. `monotonic` is a clock in seconds."""

    count: Callable[[], None] = _uncounted
    monotonic: Callable[[], float] = time.monotonic
    _logged: OrderedDict[tuple[str, str, str | None], float] = field(default_factory=OrderedDict)

    def tell(self, stage: str, error: BaseException, endpoint_id: str | None = None) -> None:
        """Count the error and log it: `stage` says in which task it happened, and at which endpoint if at one.

        The same kind of error in the same place is logged every 10 s at most, and counted each time.
        """
        self.count()
        kind, now = (stage, type(error).__name__, endpoint_id), self.monotonic()
        if now - self._logged.get(kind, -_LOGGED_EVERY) < _LOGGED_EVERY:
            return
        self._logged[kind] = now
        if len(self._logged) > _REMEMBERED:
            self._logged.popitem(last=False)
        where = {} if endpoint_id is None else {"endpoint_id": endpoint_id}
        _log.error("webhook error that was not expected", stage=stage, exc_info=error, **where)
