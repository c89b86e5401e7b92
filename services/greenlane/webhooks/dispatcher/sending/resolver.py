"""Names become addresses in threads of their own: bounded in all, per owner and in time; answers are kept a while."""

import asyncio
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

THREADS = 32
LOOKUPS_PER_OWNER = 2
RESOLVE_SECONDS = 3.0
KEPT_SECONDS = 30.0
KEPT_NAMES = 4_096

ACTING_FOR: ContextVar[str] = ContextVar("webhook_acting_for", default="")
"""The owner for whom this task looks up and connects; the dispatcher sets it before each attempt."""


class ResolveError(Exception):
    """A name does not resolve, or not in time."""


def system_lookup(host: str, port: int) -> list[str]:
    """Every address of the host as the operating system finds it, without repeats."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class Resolver:
    """Looks names up; at most two look-ups of one owner are under way, so that nobody's hung names delay others.

    A look-up counts until its thread is free again, also when nobody waits for it any more. `lookup` blocks;
    `monotonic` is a clock in seconds. Every answer is judged again by whoever dials.
    """

    def __init__(
        self,
        lookup: Callable[[str, int], list[str]] = system_lookup,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        seconds: float = RESOLVE_SECONDS,
    ) -> None:
        self._lookup = lookup
        self._monotonic = monotonic
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook-resolver")
        self._kept: OrderedDict[tuple[str, int], tuple[float, list[str]]] = OrderedDict()
        self._under_way: Counter[str] = Counter()
        self._freed = asyncio.Event()

    async def resolve(self, host: str, port: int) -> list[str]:
        """Every address of the host; ResolveError when there is none within 3 s."""
        name = (host.lower(), port)
        kept = self._kept.get(name)
        if kept is not None and self._monotonic() < kept[0]:
            return kept[1]
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._look_up(name, ACTING_FOR.get())
        except (OSError, UnicodeError, TimeoutError):
            raise ResolveError("the host name does not resolve") from None
        self._kept[name] = (self._monotonic() + KEPT_SECONDS, found)
        self._kept.move_to_end(name)
        if len(self._kept) > KEPT_NAMES:
            self._kept.popitem(last=False)
        return found

    def close(self) -> None:
        """Let the threads end; look-ups under way are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, name: tuple[str, int], owner: str) -> list[str]:
        while self._under_way[owner] >= LOOKUPS_PER_OWNER:
            self._freed.clear()
            await self._freed.wait()
        self._under_way[owner] += 1
        loop = asyncio.get_running_loop()
        running = self._threads.submit(self._lookup, *name)
        running.add_done_callback(lambda _: _tell(loop, self._ended, owner))
        return await asyncio.wrap_future(running)

    def _ended(self, owner: str) -> None:
        self._under_way[owner] -= 1
        if not self._under_way[owner]:
            del self._under_way[owner]
        self._freed.set()


def _tell(loop: asyncio.AbstractEventLoop, ended: Callable[[str], None], owner: str) -> None:
    """From a resolver's thread to the event loop, unless that has stopped meanwhile."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(ended, owner)
