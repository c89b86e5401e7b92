"""`greenlane webhooks`: endpoints and what was dispatched to them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from greenlane.cli.connection import database_settings
from greenlane.cli.output import AsJson, console, notes, print_json, print_table
from greenlane.webhook_dispatcher.management import Administration, administration
from greenlane.webhook_dispatcher.management_views import Dispatch, Endpoint
from greenlane.webhook_dispatcher.policy import State
from greenlane.webhook_dispatcher.wrong_use import WebhookUseError

app = typer.Typer(help="Endpoints that receive scores and decisions, and what was dispatched.", no_args_is_help=True)
Result = TypeVar("Result")
EndpointId = Annotated[str, typer.Argument(help="Id of the endpoint, as `list` shows it.")]


def administer(use: Callable[[Administration], Awaitable[Result]]) -> Result:
    """Use the management functions once on the configured database; a wrong use exits with 2."""

    async def once() -> Result:
        async with administration(database_settings()) as desk:
            return await use(desk)

    try:
        return asyncio.run(once())
    except WebhookUseError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where to dispatch to: https, or http on loopback in a demonstration.")],
    marketplace: Annotated[str, typer.Option(help="Marketplace whose sellers it hears about.")],
    seller: Annotated[str | None, typer.Option(help="Only this seller.")] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only this type; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint. Its signing secret is shown this once; a signed test event must be answered 2xx to confirm it.

    Example: `greenlane webhooks add https://shop.example/hooks --marketplace demo-vn`
    """
    new = administer(lambda desk: desk.add_endpoint(url, marketplace, seller, types))
    if as_json:
        print_json({**_plain(new.endpoint), "secret": new.secret})
        return
    console.print(f"endpoint {new.endpoint.endpoint_id}\nsecret   {new.secret}", highlight=False)
    notes.print("Keep the secret: it is not shown again. The endpoint gets events once it has answered the test.")


@app.command("list")
def list_endpoints(
    marketplace: Annotated[str | None, typer.Option(help="Only this marketplace.")] = None, as_json: AsJson = False
) -> None:
    """List endpoints with their state.

    Example: `greenlane webhooks list --json`
    """
    found = administer(lambda desk: desk.list_endpoints(marketplace))
    if as_json:
        print_json([_plain(endpoint) for endpoint in found])
        return
    rows = [
        (item.endpoint_id, item.marketplace, item.seller_id or "all", item.url, item.state, item.reason or "")
        for item in found
    ]
    print_table(f"Endpoints ({len(found)})", ("endpoint", "marketplace", "sellers", "~url", "state", "~reason"), rows)


@app.command()
def remove(endpoint_id: EndpointId) -> None:
    """Remove an endpoint with its secrets; what still waits for it is cancelled.

    Example: `greenlane webhooks remove ep_0123456789abcdef01234567`
    """
    gone = administer(lambda desk: desk.remove_endpoint(endpoint_id))
    notes.print(f"removed {gone.endpoint_id} ({gone.url})", highlight=False)


@app.command()
def test(
    endpoint_id: EndpointId,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the answer.")] = 20.0,
    as_json: AsJson = False,
) -> None:
    """Dispatch a signed test event and show what came of it. Exits 1 unless it was answered 2xx.

    Example: `greenlane webhooks test ep_0123456789abcdef01234567`
    """
    outcome = administer(lambda desk: desk.send_test(endpoint_id, wait))
    _show([outcome], as_json)
    raise typer.Exit(0 if outcome.state is State.DELIVERED else 1)


@app.command()
def deliveries(
    endpoint_id: Annotated[str | None, typer.Option("--endpoint", help="Only this endpoint.")] = None,
    state: Annotated[State | None, typer.Option(help="Only this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """The latest deliveries, newest first.

    Example: `greenlane webhooks deliveries --state pending`
    """
    _show(administer(lambda desk: desk.deliveries(endpoint_id, state, limit)), as_json)


def _show(found: list[Dispatch], as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "webhook_id": item.webhook_id,
                    "endpoint_id": item.endpoint_id,
                    "type": item.type,
                    "state": item.state,
                    "reason": item.reason,
                    "attempts": item.attempts,
                    "due_at": item.due_at,
                    "finished_at": item.finished_at,
                }
                for item in found
            ]
        )
        return
    rows = [
        (item.webhook_id, item.endpoint_id, item.type, item.state, item.attempts, item.reason or "") for item in found
    ]
    print_table(f"Deliveries ({len(found)})", ("webhook", "endpoint", "type", "state", ">attempts", "~reason"), rows)


def _plain(endpoint: Endpoint) -> dict[str, object]:
    return {
        "endpoint_id": endpoint.endpoint_id,
        "marketplace": endpoint.marketplace,
        "seller_id": endpoint.seller_id,
        "url": endpoint.url,
        "types": endpoint.types,
        "state": endpoint.state,
        "reason": endpoint.reason,
    }
