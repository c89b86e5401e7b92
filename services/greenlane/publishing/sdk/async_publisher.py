"""The publisher for asyncio programs: the same contract, and whoever finds no room waits instead of being refused."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Self

from greenlane.contracts.events import FulfilmentEvent
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.own_bytes import Named
from greenlane.publishing.sdk.publisher import Options, Publisher
from greenlane.publishing.sdk.receipts import NotDelivered, PublisherBusy, PublisherError, Receipt, Tally

_DEFAULTS = Options()

_ASK_AGAIN_SECONDS = 0.2
"""Longest pause between two looks for room, should no receipt wake the waiting ones."""


class AsyncPublisher:
    """Publishes to one marketplace's topic from a running event loop; an asynchronous context manager.

    Entering connects, and raises what `Publisher` raises. Leaving raises NotDelivered if any event failed or is
    unknown. `on_receipt` is called in the loop. Every wait ends by the deadline of the options.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        marketplace: str,
        options: Options = _DEFAULTS,
        *,
        on_receipt: Callable[[Receipt], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._arguments = (bootstrap_servers, marketplace, options)
        self._deadline = options.deadline
        self._on_receipt = on_receipt
        self._clock = clock
        self._publisher: Publisher | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: deque[tuple[asyncio.Future[Receipt] | None, Receipt]] = deque()
        self._calling = False
        self._gate = asyncio.Lock()
        self._freed = asyncio.Event()

    async def publish(self, event: FulfilmentEvent | Mapping[str, Any] | bytes) -> asyncio.Future[Receipt]:
        """Check one event, wait for room, and send it; the future that is returned ends with its receipt.

        The future never ends with an exception. Raises Refusal for a bad event, and PublisherBusy (SpoolFull) when
        there was no room within the deadline: the event was not taken then.
        """
        return await self._sent(self._open.named(event))

    async def publish_raw(self, record: RawRecord, *, name: str = "raw record") -> asyncio.Future[Receipt]:
        """Send bytes unchecked, as an erring publisher would; `name` stands in the receipt for the event id."""
        return await self._sent(Named(name, record))

    async def publish_and_wait(self, event: FulfilmentEvent | Mapping[str, Any] | bytes) -> Receipt:
        """Publish one event and wait for its receipt."""
        return await (await self.publish(event))

    @property
    def tally(self) -> Tally:
        """How the events ended so far."""
        return self._open.tally

    @property
    def obstacle(self) -> str:
        """Why the spool sends nothing now; empty when all is well, and without a spool."""
        return self._open.obstacle

    async def flush(self) -> Tally:
        """Wait, at most the deadline, until everything published has ended."""
        return await asyncio.to_thread(self._open.flush)

    async def close(self) -> tuple[Receipt, ...]:
        """Flush, name what is still open as unknown, and end the connection; harmless when repeated."""
        if self._publisher is None:
            return ()
        lost = await asyncio.to_thread(self._publisher.close)
        self._hear()
        return lost

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        servers, marketplace, options = self._arguments
        told = None if self._on_receipt is None else partial(self._note, None)
        self._publisher = await asyncio.to_thread(
            lambda: Publisher(servers, marketplace, options, on_receipt=told, clock=self._clock)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lost = await self.close()
        if lost and error is None:
            raise NotDelivered(lost, self.tally.failed + self.tally.unknown)

    @property
    def _open(self) -> Publisher:
        if self._publisher is None:
            raise PublisherError("the publisher is not connected; use it as: async with AsyncPublisher(…) as publisher")
        return self._publisher

    async def _sent(self, named: Named) -> asyncio.Future[Receipt]:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            raise PublisherError("the publisher belongs to another event loop; make one in each")
        taken = await self._take(named, loop.time() + self._deadline)
        receipt: asyncio.Future[Receipt] = loop.create_future()
        taken.add_done_callback(lambda done: self._note(receipt, done.result()))
        return receipt

    async def _take(self, named: Named, until: float) -> Future[Receipt]:
        """Hand an event over, in the order of the callers, at the latest by that time of the loop."""
        publisher, loop = self._open, asyncio.get_running_loop()
        busy = PublisherBusy(
            f"others wait for room, and none came within {self._deadline:g} s; {named.event_id} was not taken. Publish "
            "it again later, and look whether the broker is up."
        )
        try:
            async with asyncio.timeout_at(until), self._gate:
                while True:
                    self._freed.clear()
                    try:
                        if publisher.may_block:
                            return await asyncio.to_thread(publisher.publish_named, named, wait=0)
                        return publisher.publish_named(named, wait=0)
                    except PublisherBusy as error:
                        busy = error
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout_at(min(until, loop.time() + _ASK_AGAIN_SECONDS)):
                            await self._freed.wait()
        except TimeoutError:
            raise busy from None

    def _note(self, future: asyncio.Future[Receipt] | None, receipt: Receipt) -> None:
        """A receipt came, on any thread: the loop hears of all that have gathered at once."""
        self._told.append((future, receipt))
        if not self._calling and self._loop is not None:
            self._calling = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
                self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._calling = False
        self._freed.set()
        while self._told:
            future, receipt = self._told.popleft()
            if future is not None:
                if not future.done():
                    future.set_result(receipt)
            elif self._on_receipt is not None:
                self._on_receipt(receipt)
