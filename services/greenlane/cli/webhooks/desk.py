"""The management of webhooks as commands use it: once, on the configured database, wrong use exits with 2."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer

from greenlane.cli.connection import database_settings
from greenlane.cli.output import no_such
from greenlane.errors import WrongUseError
from greenlane.webhooks.management.administration import Administration, administration

Result = TypeVar("Result")
EndpointId = Annotated[str, typer.Argument(help="Id of the endpoint, as `list` shows it.")]
WebhookId = Annotated[str, typer.Argument(help="Id of the delivery, as `deliveries` shows it.")]

OnlyMarketplace = Annotated[str | None, typer.Option(help="Only this marketplace.")]
Limit = Annotated[int | None, typer.Option(min=1, max=10_000, help="Show at most this many; without it all.")]

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def administer(use: Callable[[Administration], Awaitable[Result]]) -> Result:
    """Use the management functions once on the configured database; a wrong use exits with 2."""

    async def once() -> Result:
        async with administration(database_settings()) as desk:
            return await use(desk)

    try:
        return asyncio.run(once())
    except WrongUseError as error:
        raise typer.BadParameter(str(error)) from error


async def check_marketplace(desk: Administration, marketplace: str | None) -> None:
    """NoSuchThingError, which lists those there are, for a marketplace that nothing knows."""
    if marketplace is not None and marketplace not in (known := await desk.known_marketplaces()):
        raise no_such("marketplace", marketplace, known)


def moment(text: str) -> datetime:
    """A moment in ISO 8601 with an offset, or an age such as 90m, 6h or 3d before now."""
    age = _AGO.fullmatch(text)
    if age is not None:
        return _now() - timedelta(**{_UNITS[age.group(2)]: int(age.group(1))})
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("is neither a moment nor an age; write 2026-07-01T00:00:00Z or 6h") from None
    if parsed.tzinfo is None:
        raise typer.BadParameter("has no offset from UTC; write 2026-07-01T00:00:00Z")
    return parsed


Since = Annotated[datetime, typer.Option(parser=moment, help="A moment with its offset, or an age: 90m, 6h, 3d.")]


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command line is an edge that reads the time
