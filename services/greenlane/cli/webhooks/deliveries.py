"""`greenlane webhooks`: what was dispatched, attempt by attempt, and what people do about it."""

from typing import Annotated

import typer

from greenlane.cli.output import AsJson, no_such, notes, print_lines, print_table
from greenlane.cli.webhooks.desk import EndpointId, Since, WebhookId, administer
from greenlane.webhooks.management import deliveries as management_deliveries
from greenlane.webhooks.management import replay as management_replay
from greenlane.webhooks.management.administration import Administration, Listing
from greenlane.webhooks.management.replay import Family
from greenlane.webhooks.management.views import Dispatch
from greenlane.webhooks.states import State

held = typer.Typer(help="Webhooks that wait until a person releases them or their endpoint is confirmed.")
OnlyEndpoint = Annotated[str | None, typer.Option("--endpoint", help="Only this endpoint.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Show at most this many.")]


def deliveries(  # noqa: PLR0913, PLR0917 - each option is a parameter
    endpoint_id: OnlyEndpoint = None,
    state: Annotated[State | None, typer.Option(help="Only this state.")] = None,
    type_name: Annotated[str | None, typer.Option("--type", help="Only this type.")] = None,
    seller: Annotated[str | None, typer.Option(help="Only this seller.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """The latest deliveries, newest first.

    Example: `greenlane webhooks deliveries --state pending --seller s-1`
    """
    wanted = Listing(endpoint_id, state, type_name, seller, limit=limit)
    show(administer(lambda desk: listed(desk, wanted)), as_json)


async def listed(desk: Administration, wanted: Listing) -> list[Dispatch]:
    """The deliveries; NoSuchThingError, which lists those there are, when nothing has what is asked for."""
    found = await desk.listed(wanted)
    if found:
        return found
    known = await management_deliveries.occurring(desk)
    filters = (
        ("endpoint", wanted.endpoint_id, known.endpoints),
        ("type", wanted.type, known.types),
        ("seller", wanted.seller_id, known.sellers),
    )
    for kind, name, names in filters:
        if name is not None and name not in names:
            raise no_such(kind, name, names)
    return []


def attempts(endpoint_id: EndpointId, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Every attempt at one delivery: when it ended, what was answered, how many milliseconds it took.

    Example: `greenlane webhooks attempts ep_0123456789abcdef01234567 msg_0123456789abcdef0123456789abcdef`
    """
    made = administer(lambda desk: desk.attempts(endpoint_id, webhook_id))
    columns = (">attempt", "ended", ">status", "failure", ">headers_ms", ">total_ms", "fresh_try")
    rows = [
        (item.attempt_no, item.recorded_at, item.status, item.failure, item.headers_ms, item.total_ms, item.fresh_try)
        for item in made
    ]
    if as_json:
        print_lines([dict(zip([name.lstrip(">") for name in columns], row, strict=True)) for row in rows])
        return
    print_table(f"Attempts ({len(rows)})", columns, [["" if cell is None else cell for cell in row] for row in rows])


def redeliver(endpoint_id: EndpointId, webhook_id: WebhookId) -> None:
    """Send a delivery again under the same webhook id: a finished one, a waiting one, or one that is held.

    Example: `greenlane webhooks redeliver ep_0123456789abcdef01234567 msg_0123456789abcdef0123456789abcdef`
    """
    now = administer(lambda desk: management_deliveries.resend(desk, endpoint_id, webhook_id))
    notes.print(f"{now.webhook_id} is {now.state}", highlight=False)


def cancel(endpoint_id: EndpointId, webhook_id: WebhookId) -> None:
    """Cancel a waiting or held delivery; the next one of its seller goes on.

    Example: `greenlane webhooks cancel ep_0123456789abcdef01234567 msg_0123456789abcdef0123456789abcdef`
    """
    now = administer(lambda desk: management_deliveries.cancel(desk, endpoint_id, webhook_id))
    notes.print(f"{now.webhook_id} is {now.state}", highlight=False)


def replay(
    endpoint_id: EndpointId,
    since: Since,
    family: Annotated[Family | None, typer.Option(help="Only scores, or only badge decisions.")] = None,
    seller: Annotated[str | None, typer.Option(help="Only this seller.")] = None,
) -> None:
    """Send again what was accepted since then, each seller's in order. Exits 1 when some sellers were busy.

    Example: `greenlane webhooks replay ep_0123456789abcdef01234567 --since 6h`
    """
    done = administer(lambda desk: management_replay.replay(desk, endpoint_id, since, family, seller))
    notes.print(f"{done.queued} deliveries of {done.keys} order keys are queued again", highlight=False)
    if done.busy:
        notes.print(f"Busy, so not replayed; try these sellers again in a minute: {', '.join(done.busy)}")
        raise typer.Exit(1)


@held.command("list")
def list_held(endpoint_id: OnlyEndpoint = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the latest held webhooks, newest first.

    Example: `greenlane webhooks held list --endpoint ep_0123456789abcdef01234567`
    """
    show(administer(lambda desk: listed(desk, Listing(endpoint_id, State.HELD, limit=limit))), as_json)


@held.command("release")
def release_held(
    endpoint_id: EndpointId,
    webhook_id: Annotated[str | None, typer.Option("--delivery", help="Only this one.")] = None,
) -> None:
    """Release every webhook that an endpoint holds, or one of them.

    Example: `greenlane webhooks held release ep_0123456789abcdef01234567`
    """
    if webhook_id is not None:
        now = administer(lambda desk: management_deliveries.release(desk, endpoint_id, webhook_id))
        notes.print(f"{now.webhook_id} is {now.state}", highlight=False)
        return
    notes.print(f"{administer(lambda desk: management_deliveries.release_held(desk, endpoint_id))} released")


@held.command("cancel")
def cancel_held(endpoint_id: EndpointId) -> None:
    """Cancel every webhook that an endpoint holds.

    Example: `greenlane webhooks held cancel ep_0123456789abcdef01234567`
    """
    notes.print(f"{administer(lambda desk: management_deliveries.cancel_held(desk, endpoint_id))} cancelled")


def show(found: list[Dispatch], as_json: bool) -> None:
    """Print deliveries."""
    if as_json:
        print_lines(
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
