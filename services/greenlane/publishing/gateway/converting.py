"""Documents of other vocabularies as events, in a process beside the gateway: events of others do not wait for it."""

import asyncio
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from greenlane.factors.loading import load_method
from greenlane.methodology.tables import Method
from greenlane.publishing.adapters.sender import Sender
from greenlane.publishing.adapters.vocabularies import convert

SECONDS = 30.0
"""For which a conversion and those before it may take: the largest document takes some seconds on a slow machine."""
_log = structlog.get_logger("greenlane.gateway")
_method: Method | None = None


class Converted(NamedTuple):
    """A document's events as they are appended, and the rest of the report as plain values."""

    events: tuple[bytes, ...]
    report: dict[str, Any]


class NotConvertedError(Exception):
    """Nobody can convert now; the text says why."""


class Converter:
    """One worker, started when it is first needed. It ends with the gateway, however that ends."""

    def __init__(self, factors_file: Path | None = None, seconds: float = SECONDS) -> None:
        self._factors_file = factors_file
        self._seconds = seconds
        self._pool: ProcessPoolExecutor | None = None

    async def convert(self, vocabulary: str, raw: bytes, sender: Sender, *, costs: bool) -> Converted:
        """What `greenlane convert` makes of it, with the costs of what is undeclared or without them.

        Raises NotConvertedError when it takes too long, or the worker has died; the next document gets another one.
        """
        pool = self._pool
        if pool is None:
            pool = self._pool = ProcessPoolExecutor(1, get_context("spawn"), _begin, (self._factors_file,))
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(pool.submit(_converted, vocabulary, raw, sender, costs))
        except TimeoutError:
            raise NotConvertedError(f"was not converted within {self._seconds:g} s") from None
        except BrokenProcessPool:
            if self._pool is pool:
                _log.error("the converter died")
                self._pool = None
                pool.shutdown(wait=False)
            raise NotConvertedError("was not converted: the converter died") from None

    def close(self) -> None:
        """End the worker."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _begin(factors_file: Path | None) -> None:
    global _method  # noqa: PLW0603 - the worker's own, loaded once
    threading.Thread(target=_end_with_the_gateway, daemon=True).start()
    _method = load_method(factors_file)


def _end_with_the_gateway() -> None:
    gateway = parent_process()
    if gateway is not None:
        connection.wait([gateway.sentinel])
        os._exit(0)


def _converted(vocabulary: str, raw: bytes, sender: Sender, costs: bool) -> Converted:
    found = convert(vocabulary, raw, sender, _method if costs else None)
    report = found.report()
    del report["events"]
    return Converted(tuple(event.model_dump_json(exclude_none=True).encode() for event in found.events), report)
