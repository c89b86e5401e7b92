"""`greenlane webhooks`: endpoints, their secrets, and the API that offers the same over HTTP."""

import asyncio
import signal
from datetime import timedelta
from typing import Annotated

import typer

from greenlane.cli.connection import database_settings
from greenlane.cli.output import AsJson, console, notes, print_json, print_lines, print_table
from greenlane.cli.webhooks import deliveries as webhook_deliveries
from greenlane.cli.webhooks import keys as webhook_keys
from greenlane.cli.webhooks.deliveries import show
from greenlane.cli.webhooks.desk import EndpointId, Limit, OnlyMarketplace, administer, check_marketplace
from greenlane.operations.logs import configure_logging
from greenlane.settings import Settings
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.secrets import expire_secret, list_secrets, public_keys, reseal, rotate_secret
from greenlane.webhooks.management.views import Endpoint
from greenlane.webhooks.signing import Scheme
from greenlane.webhooks.states import State

app = typer.Typer(
    help="Manage endpoints that receive scores and decisions, and see what was dispatched.", no_args_is_help=True
)
app.add_typer(webhook_deliveries.held, name="held")
app.add_typer(webhook_keys.app, name="keys")
for command in (
    webhook_deliveries.deliveries,
    webhook_deliveries.attempts,
    webhook_deliveries.redeliver,
    webhook_deliveries.cancel,
    webhook_deliveries.replay,
):
    app.command()(command)

OVERLAP_HELP = "Hours for which the keys before it stay valid, 0 to 168."


@app.command()
def add(  # noqa: PLR0913, PLR0917 - each option is a parameter
    url: Annotated[str, typer.Argument(help="Where to dispatch to: https, or http on loopback in a demonstration.")],
    marketplace: Annotated[str, typer.Option(help="Marketplace whose sellers it gets events about.")],
    seller: Annotated[str | None, typer.Option(help="This seller's own endpoint.")] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only this type; may be repeated.")] = None,
    sellers: Annotated[list[str] | None, typer.Option("--only", help="Only this seller; may be repeated.")] = None,
    scheme: Annotated[Scheme, typer.Option(help="v1: a shared secret. v1a: a key pair.")] = Scheme.V1,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint. Its signing secret is shown only once. It is confirmed when it answers a signed test with 2xx.

    Example: `greenlane webhooks add https://shop.example/hooks --marketplace demo-vn`
    """
    new = administer(lambda desk: desk.add_endpoint(url, marketplace, seller, types, scheme, sellers or None))
    if as_json:
        print_json({**_plain(new.endpoint), "secret": new.secret})
        return
    console.print(f"endpoint {new.endpoint.endpoint_id}\nsecret   {new.secret}", highlight=False)
    notes.print("Keep the secret: it is not shown again. The endpoint gets events once it has answered the test.")


@app.command("list")
def list_endpoints(marketplace: OnlyMarketplace = None, limit: Limit = None, as_json: AsJson = False) -> None:
    """List endpoints with their state. Where one gets no events, it says how the test went and what to do.

    Example: `greenlane webhooks list --json`
    """

    async def listed(desk: Administration) -> list[Endpoint]:
        await check_marketplace(desk, marketplace)
        return await desk.list_endpoints(marketplace, limit)

    found = administer(listed)
    if as_json:
        print_lines([_plain(endpoint) for endpoint in found])
        return
    rows = [
        (item.endpoint_id, item.marketplace, item.seller_id or "all", item.url, item.state, _why(item))
        for item in found
    ]
    print_table(f"Endpoints ({len(found)})", ("endpoint", "marketplace", "sellers", "~url", "state", "~reason"), rows)
    for item in found:
        if item.remedy:
            notes.print(f"{item.endpoint_id}: {item.remedy}", highlight=False)


@app.command()
def change(
    endpoint_id: EndpointId,
    url: Annotated[str | None, typer.Option(help="A new URL; it must be confirmed by a test again.")] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only this type; may be repeated.")] = None,
    sellers: Annotated[list[str] | None, typer.Option("--only", help="Only this seller; may be repeated.")] = None,
    every_seller: Annotated[bool, typer.Option(help="Remove the filter by seller.")] = False,
) -> None:
    """Change an endpoint's URL or filters; what you do not name stays as it is.

    Example: `greenlane webhooks change ep_0123456789abcdef01234567 --type badge.granted --type badge.revoked`
    """
    chosen = [] if every_seller else sellers or None
    now = administer(lambda desk: desk.change_endpoint(endpoint_id, url, types or None, chosen))
    notes.print(f"{now.endpoint_id} is {now.state} at {now.url}", highlight=False)


@app.command()
def disable(endpoint_id: EndpointId) -> None:
    """Stop sending to an endpoint; new webhooks are held until it answers a test with 2xx.

    Example: `greenlane webhooks disable ep_0123456789abcdef01234567`
    """
    now = administer(lambda desk: desk.disable_endpoint(endpoint_id))
    notes.print(f"{now.endpoint_id} is {now.state}", highlight=False)


@app.command()
def remove(endpoint_id: EndpointId) -> None:
    """Remove an endpoint with its secrets; webhooks that wait for it are cancelled.

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
    """Send a signed test event and show the result. Exits 1 unless the answer was 2xx.

    Example: `greenlane webhooks test ep_0123456789abcdef01234567`
    """
    outcome = administer(lambda desk: desk.send_test(endpoint_id, wait))
    show([outcome], as_json)
    raise typer.Exit(0 if outcome.state is State.DELIVERED else 1)


@app.command()
def secrets(endpoint_id: EndpointId, as_json: AsJson = False) -> None:
    """List an endpoint's active signing keys by their fingerprints.

    Example: `greenlane webhooks secrets ep_0123456789abcdef01234567`
    """
    found = administer(lambda desk: list_secrets(desk, endpoint_id))
    rows = [(key.key_id, key.scheme, key.fingerprint, key.public_key or "", key.expires_at or "") for key in found]
    columns = ("key", "scheme", "fingerprint", "public_key", "expires_at")
    if as_json:
        print_lines([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table(f"Secrets ({len(rows)})", columns, rows)


@app.command()
def rotate(
    endpoint_id: EndpointId,
    scheme: Annotated[Scheme | None, typer.Option(help="v1 or v1a; that of the newest key unless given.")] = None,
    overlap_hours: Annotated[int, typer.Option(min=0, max=168, help=OVERLAP_HELP)] = 24,
    as_json: AsJson = False,
) -> None:
    """Add a signing key, shown only once; the older keys still sign during the overlap.

    Example: `greenlane webhooks rotate ep_0123456789abcdef01234567 --overlap-hours 48`
    """
    new = administer(lambda desk: rotate_secret(desk, endpoint_id, scheme, timedelta(hours=overlap_hours)))
    if as_json:
        print_json({"key": new.key_id, "secret": new.secret, "others_until": new.others_until})
        return
    console.print(f"key    {new.key_id}\nsecret {new.secret}", highlight=False)
    notes.print(
        f"Keep the secret: it is not shown again. The other keys sign until {new.others_until:%Y-%m-%d %H:%M}Z."
    )


@app.command()
def expire(endpoint_id: EndpointId, key_id: Annotated[str, typer.Argument(help="Id of the signing key.")]) -> None:
    """Disable a signing key now, for example one that has leaked.

    Example: `greenlane webhooks expire ep_0123456789abcdef01234567 key_0123456789ab`
    """
    administer(lambda desk: expire_secret(desk, endpoint_id, key_id))
    notes.print(f"{key_id} is disabled", highlight=False)


@app.command()
def jwks(endpoint_id: EndpointId) -> None:
    """Print the public halves of an endpoint's key pairs as a JSON Web Key Set.

    Example: `greenlane webhooks jwks ep_0123456789abcdef01234567`
    """
    print_json(administer(lambda desk: public_keys(desk, endpoint_id)))


@app.command("reseal")
def reseal_secrets() -> None:
    """Encrypt all secrets again with GREENLANE_WEBHOOK_ENCRYPTION_KEY that an older key encrypted.

    Example: `greenlane webhooks reseal`
    """
    notes.print(f"{administer(reseal)} secrets encrypted again; you can remove the older encryption keys now")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; put TLS before any other than loopback.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 9106,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests per second that each key may make.")] = 10.0,
    proxies: Annotated[
        list[str] | None,
        typer.Option("--proxy", help="Address of a TLS proxy of yours, whose X-Forwarded-For is believed; repeatable."),
    ] = None,
) -> None:
    """Serve the webhook API alone until SIGTERM or Ctrl-C; /openapi.json describes it.

    `greenlane run webhook_api` does the same with metrics, health and the settings of the environment.

    Example: `greenlane webhooks serve --port 9106 --proxy 10.0.0.7`
    """
    settings = database_settings().model_copy(
        update={
            "webhook_api_host": host,
            "webhook_api_port": port,
            "webhook_api_rate": rate,
            "webhook_api_proxies": tuple(proxies or ()),
        }
    )
    configure_logging(settings.log_level)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    # imported only here, because no other command needs an HTTP framework
    from greenlane.webhooks.api.server import listening_of  # noqa: PLC0415 - see above
    from greenlane.webhooks.api.server import serve as serve_api  # noqa: PLC0415 - see above

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def listens(url: str) -> None:
        notes.print(f"listening on {url}", highlight=False)

    await serve_api(settings, listening_of(settings), listens, stop)


def _plain(endpoint: Endpoint) -> dict[str, object]:
    return {
        "endpoint_id": endpoint.endpoint_id,
        "marketplace": endpoint.marketplace,
        "seller_id": endpoint.seller_id,
        "url": endpoint.url,
        "types": endpoint.types,
        "sellers": endpoint.sellers,
        "state": endpoint.state,
        "reason": endpoint.reason,
        "last_test": endpoint.last_test,
        "remedy": endpoint.remedy,
    }


def _why(item: Endpoint) -> str:
    return "; ".join(part for part in (item.reason, item.last_test and f"test {item.last_test}") if part)
