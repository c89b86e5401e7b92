"""`greenlane webhooks keys`: who may use the management over HTTP."""

from datetime import timedelta
from typing import Annotated

import typer

from greenlane.cli.output import AsJson, console, notes, print_json, print_lines, print_table
from greenlane.cli.webhooks.desk import Limit, OnlyMarketplace, administer, check_marketplace
from greenlane.database.api_keys import ApiKey, KeyScope
from greenlane.webhooks.management import keys as management_keys
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.keys import NewApiKey

app = typer.Typer(help="API keys, each for one marketplace or one seller of it.", no_args_is_help=True)
KeyId = Annotated[str, typer.Argument(help="Id of the API key, as `keys list` shows it.")]


@app.command()
def add(
    marketplace: Annotated[str, typer.Option(help="Marketplace that the key may use.")],
    seller: Annotated[str | None, typer.Option(help="Only this seller of the marketplace.")] = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    scopes: Annotated[
        list[KeyScope] | None,
        typer.Option("--scope", help="What it may be used for; may be repeated. [default: webhooks:manage]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key, shown only once. Only its digest is stored.

    Example: `greenlane webhooks keys add --marketplace demo-vn --scope events:write --label "shop system"`
    """
    wanted = scopes or management_keys.ONLY_WEBHOOKS
    _show(administer(lambda desk: management_keys.add_key(desk, marketplace, seller, label, wanted)), as_json)


@app.command("list")
def list_keys(marketplace: OnlyMarketplace = None, limit: Limit = None, as_json: AsJson = False) -> None:
    """List active API keys.

    Example: `greenlane webhooks keys list`
    """
    columns = ("key", "marketplace", "seller", "~label", "scopes", "created", "expires")

    async def listed(desk: Administration) -> list[ApiKey]:
        found = await management_keys.list_keys(desk)
        if marketplace is not None and not any(key.marketplace == marketplace for key in found):
            await check_marketplace(desk, marketplace)
        return [key for key in found if marketplace in {None, key.marketplace}][:limit]

    found = administer(listed)
    rows = [
        (key.key_id, key.marketplace, key.seller_id, key.label, " ".join(key.scopes), key.created_at, key.expires_at)
        for key in found
    ]
    if as_json:
        print_lines([dict(zip([name.lstrip("~") for name in columns], row, strict=True)) for row in rows])
        return
    print_table(f"API keys ({len(rows)})", columns, [["" if cell is None else cell for cell in row] for row in rows])


@app.command()
def rotate(
    key_id: KeyId,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=168, help="Hours for which the old key still works, 0 to 168.")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Make a new key of the same scope, shown only once; the old one still works during the overlap.

    Example: `greenlane webhooks keys rotate 0123456789abcdef`
    """
    _show(administer(lambda desk: management_keys.rotate_key(desk, key_id, timedelta(hours=overlap_hours))), as_json)


@app.command()
def revoke(key_id: KeyId) -> None:
    """Disable an API key now.

    Example: `greenlane webhooks keys revoke 0123456789abcdef`
    """
    gone = administer(lambda desk: management_keys.revoke_key(desk, key_id))
    notes.print(f"revoked {gone.key_id}", highlight=False)


def _show(new: NewApiKey, as_json: bool) -> None:
    if as_json:
        print_json({"key": new.key.key_id, "token": new.token})
        return
    console.print(f"key   {new.key.key_id}\ntoken {new.token}", highlight=False)
    notes.print("Keep the token: it is not shown again. Send it as `Authorization: Bearer <token>`.")
