"""Assembles the commands and turns known errors into one line on standard error and the right exit code."""

import sys

import typer
from kafka.errors import KafkaError

from greenlane import __version__
from greenlane.cli import demo, events, letters, method, replays, results, services, topics, webhooks
from greenlane.cli.output import notes, print_json
from greenlane.clock.closing import ClosingError
from greenlane.contracts.tables import TableError
from greenlane.operations.embedded import EmbeddedServerError
from greenlane.settings import SettingsError

WRONG_USE = 2

app = typer.Typer(
    name="greenlane",
    help="Scores how green each parcel's packaging and delivery were, and decides every seller's green badge, exactly.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)
app.command()(services.run)
app.command()(services.up)
app.command()(demo.demo)
app.command()(services.doctor)
app.add_typer(topics.app, name="topics")
app.command()(events.validate)
app.command()(events.publish)
app.add_typer(replays.importing, name="import")
app.command()(replays.simulate)
app.command()(replays.close_days)
app.command()(method.score)
app.command()(method.explain)
app.command()(results.scores)
app.command()(results.decisions)
app.command()(results.recompute)
app.add_typer(letters.app, name="dead-letters")
app.add_typer(webhooks.app, name="webhooks")
app.command()(method.schemas)


@app.command()
def version() -> None:
    """Print the versions of the product and of the scoring method.

    Example: `greenlane version`
    """
    from greenlane.methodology.method import METHOD_VERSION  # noqa: PLC0415 - only this command needs it

    print_json({"greenlane": __version__, "method": METHOD_VERSION})


def main() -> None:
    """Run the command line; exit 0 done, 1 a check failed, 2 wrong use or settings."""
    try:
        app()
    except (SettingsError, TableError, EmbeddedServerError, ClosingError) as error:
        notes.print(f"greenlane: {error}", style="bold red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(WRONG_USE)
    except KafkaError as error:
        text = (
            f"greenlane: Kafka answered {type(error).__name__}: {error}. Is the broker up? `greenlane doctor` checks."
        )
        notes.print(text, style="bold red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(WRONG_USE)
