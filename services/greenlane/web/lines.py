"""Lines of those who want to be worked on: so many at once for each name, and so many who wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from greenlane.web.problems import TooOftenError


class Lines:
    """So many at once for each name, and so many who wait for them."""

    def __init__(self, at_once: int, in_line: int) -> None:
        self._at_once = at_once
        self._most = at_once + in_line
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._inside: dict[str, int] = {}

    @contextlib.asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for a turn and have it; TooOftenError when the line is full."""
        inside = self._inside.get(name, 0)
        if inside >= self._most:
            raise TooOftenError(1.0)
        turns = self._turns.setdefault(name, asyncio.Semaphore(self._at_once))
        self._inside[name] = inside + 1
        try:
            async with turns:
                yield
        finally:
            self._inside[name] -= 1
            if not self._inside[name]:
                del self._inside[name], self._turns[name]
