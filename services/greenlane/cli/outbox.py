"""`greenlane outbox`: the table that a shop writes events into; `greenlane run outbox` moves them to Kafka."""

from typing import Annotated

import typer

from greenlane.cli.output import notes
from greenlane.publishing.outbox.ddl import DIALECTS, ddl
from greenlane.settings import Settings, SettingsError, load_settings

app = typer.Typer(help="Print the outbox table, which a shop writes in its own transactions.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Print the outbox table, which a shop writes in its own transactions."""


def _dialect(value: str) -> str:
    name = {"mariadb": "mysql", "postgres": "postgresql"}.get(value.lower(), value.lower())
    if name not in DIALECTS:
        raise typer.BadParameter(f"is none of {', '.join(DIALECTS)}, mariadb")
    return name


@app.command(name="ddl")
def show(
    dialect: Annotated[str, typer.Argument(callback=_dialect, help="postgresql, or mysql for MySQL and MariaDB.")],
    marketplace: Annotated[
        str | None, typer.Option(help="Whose events it holds; else GREENLANE_OUTBOX_MARKETPLACE.")
    ] = None,
) -> None:
    """Print the statements that make the table `greenlane_outbox`, for your migrations.

    Example: `greenlane outbox ddl postgresql --marketplace demo-vn > greenlane_outbox.sql`
    """
    settings: Settings = load_settings(**({} if marketplace is None else {"outbox_marketplace": marketplace}))
    if settings.outbox_marketplace is None:
        raise SettingsError("No marketplace is named. Add --marketplace, or set GREENLANE_OUTBOX_MARKETPLACE.")
    typer.echo(ddl("mysql" if dialect == "mysql" else "postgresql", settings.outbox_marketplace), nl=False)
    notes.print(f"The rows are events of {settings.outbox_marketplace}. `greenlane run outbox` moves them to Kafka.")
