"""The commands by name, loaded when they are called, and known errors as one line with the right exit code."""

import importlib
import sys
from typing import Any

import typer
from kafka.errors import KafkaError
from typer.core import TyperGroup

from greenlane.cli.output import notes
from greenlane.cli.rebuild import RebuildError
from greenlane.clock.closing import ClosingError
from greenlane.contracts.factor_registry import TableError
from greenlane.operations.embedded import EmbeddedServerError
from greenlane.operations.health import HealthServerError
from greenlane.operations.kafka_admin import KafkaUnreachableError
from greenlane.operations.topics import ProvisioningError
from greenlane.oracle.seller_events import SellerUnknownError
from greenlane.oracle.topics_reader import TopicsUnreadableError
from greenlane.publisher.receipts import PublisherError
from greenlane.settings import SettingsError

WRONG_USE = 2

KNOWN_ERRORS = (
    ClosingError,
    EmbeddedServerError,
    HealthServerError,
    KafkaUnreachableError,
    ProvisioningError,
    PublisherError,
    RebuildError,
    SellerUnknownError,
    SettingsError,
    TableError,
    TopicsUnreadableError,
)
"""Errors whose text already says what is wrong and what to do."""

MODULES = {
    "demo": "demo",
    "up": "machine",
    "doctor": "machine",
    "run": "services",
    "topics": "topics",
    "validate": "events",
    "publish": "events",
    "import": "replays",
    "simulate": "replays",
    "close-days": "replays",
    "score": "method",
    "explain": "method",
    "advise": "method",
    "ileap": "method",
    "policy": "policy",
    "schemas": "method",
    "version": "method",
    "scores": "results",
    "decisions": "results",
    "recompute": "results",
    "rebuild": "rebuild",
    "dead-letters": "letters",
    "webhooks": "webhooks",
}
"""Each command with the module of this folder whose Typer application has it, or is it.

Loaded by name: a scorer's process needs neither the database nor the simulator, and is up in a third of the time.
"""


class Commands(TyperGroup):
    """Finds a command by importing its module."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, in the order of the table."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        """The command of this name; None if there is none."""
        if cmd_name not in MODULES:
            return None
        module = importlib.import_module(f"greenlane.cli.{MODULES[cmd_name]}")
        group = typer.main.get_group(module.app)
        found = group.commands.get(cmd_name, group)
        found.name = cmd_name
        return found


app = typer.Typer(
    name="greenlane",
    cls=Commands,
    help="Scores how green each parcel's packaging and delivery were, and decides every seller's green badge, exactly.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)


@app.callback()
def _root() -> None:
    """Scores how green each parcel's packaging and delivery were, and decides every seller's green badge, exactly."""


def main() -> None:
    """Run the command line; exit 0 done, 1 a check failed, 2 wrong use or settings."""
    try:
        app()
    except KNOWN_ERRORS as error:
        _complain(str(error))
    except KafkaError as error:
        _complain(f"Kafka answered {type(error).__name__}: {error}. Is the broker up? `greenlane doctor` checks.")


def _complain(text: str) -> None:
    notes.print(f"greenlane: {text}", style="bold red", highlight=False, markup=False, soft_wrap=True)
    sys.exit(WRONG_USE)
