"""Whether requests can be answered: asked of the database at most once a second, however many strangers ask."""

import asyncio
import time
from collections.abc import Callable

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine

_KEPT_SECONDS = 1.0


class Health(BaseModel):
    """Whether requests can be answered."""

    ready: bool


class DatabaseCheck:
    """One question at a time; its answer, also a failure, is given to everybody for a second."""

    def __init__(self, engine: AsyncEngine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._asking = asyncio.Lock()
        self._until = float("-inf")
        self._failure: Exception | None = None

    async def ask(self) -> None:
        """Return when the database answers; raise what it failed with."""
        async with self._asking:
            if self._monotonic() >= self._until:
                self._failure = await self._ask()
                self._until = self._monotonic() + _KEPT_SECONDS
            if self._failure is not None:
                raise self._failure

    async def _ask(self) -> Exception | None:
        try:
            async with self._engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except Exception as error:  # noqa: BLE001 - kept for a second and raised to everybody who asks
            return error
        return None
