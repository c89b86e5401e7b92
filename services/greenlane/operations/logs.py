"""Logs: JSON lines on standard output, or readable ones on a terminal, with an allow-list of fields."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from kafka.errors import KafkaError

from greenlane.operations.log_rate import OneLineInTenSeconds

ALLOWED_FIELDS = frozenset(
    {
        # every line
        "event", "level", "timestamp", "logger", "service", "instance", "version", "exception",
        # where
        "topic", "partition", "offset", "group", "marketplace", "day", "first_day", "last_day", "stage",
        # what
        "code", "kind", "outcome", "state", "reason", "count", "left_out", "records", "rows", "seconds",
        "attempt", "status",
        # identities that are no person's
        "event_id", "message_id", "delivery_id", "endpoint_id", "dead_letter_id", "trace_id",
        # changes by the holder of an API key: what was done by which key from where, to which ids, and which were made
        "action", "key", "client", "about", "made",
        # processes
        "host", "port", "url", "path", "pid", "signal",
    }
)  # fmt: skip
"""A field that is not listed is withheld and its name shown: no payload, header or secret gets out by being passed."""

_CHATTY = ("aiokafka", "faust", "mode", "kafka", "httpx", "httpcore", "asyncio", "alembic")
_TELLING = (OSError, TimeoutError, KafkaError)
"""Errors whose text names addresses and states only. Any other library's text may quote what it was given."""


def configure_logging(level: str, *, stream: TextIO | None = None) -> None:
    """Send every logger, structlog's and the standard library's, through one formatter.

    Call it after Faust's app is made, for Faust sets the root logger to DEBUG. `level` is a name such as INFO.
    """
    out = stream or sys.stdout
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell_exception,
        _withhold,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer = (
        structlog.dev.ConsoleRenderer() if out.isatty() else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(OneLineInTenSeconds())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _withhold(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop fields that are not allowed, but say which: nothing vanishes silently."""
    kept = {name: value for name, value in event.items() if name in ALLOWED_FIELDS or name.startswith("_")}
    withheld = sorted(set(event) - set(kept))
    return kept | {"withheld": withheld} if withheld else kept


def _tell_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its frames and types, with its text only where that cannot quote a payload."""
    given = event.pop("exc_info", None)
    if not given:
        return event
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    if error is not None:
        event["exception"] = _told(error)
    return event


def _told(error: BaseException) -> str:
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        ours = type(seen).__module__.partition(".")[0] == "greenlane"
        text = f": {seen}" if ours or isinstance(seen, _TELLING) else ""
        lines.append(type(seen).__name__ + text)
        trace = seen.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            lines.append(f"  {code.co_filename}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\n".join(lines)
