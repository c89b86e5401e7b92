"""The commands by name, loaded when they are called, and known errors as one line with the right exit code."""

import errno
import importlib
import os
import sys
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from greenlane import __version__
from greenlane.errors import GreenlaneError

WRONG_USE = 2
HELP = "Scores how green each parcel's packaging and delivery were, and decides every seller's green badge, exactly."


class Listed(NamedTuple):
    """A command: the module of this folder whose Typer application has it or is it, and its help's first sentence."""

    module: str
    summary: str


MODULES = {
    "demo": Listed("demo.demo", "Start everything, import real orders, simulate a marketplace, and show the results."),
    "up": Listed("running.machine", "Start Kafka, PostgreSQL and every service, and keep them running until Ctrl-C."),
    "doctor": Listed("running.machine", "Check this machine and the servers; each failed check comes with its remedy."),
    "run": Listed(
        "running.services", "Run one service until SIGTERM or Ctrl-C; metrics and health are served beside it."
    ),
    "outbox": Listed("outbox", "Print the outbox table, which a shop writes in its own transactions."),
    "topics": Listed("topics", "Create and check the topics."),
    "validate": Listed("checks.validate", "Check events against the contract: where, field, problem and remedy."),
    "reconcile": Listed("checks.reconcile", "Compare your own list of parcels with what stands in Kafka."),
    "conformance": Listed("checks.conformance", "Judge what a marketplace publishes, rule by rule."),
    "publish": Listed("events", "Publish a file of events, each to its marketplace's topic."),
    "spool": Listed("spool", "Look at a publisher's spool, and send what is in it."),
    "convert": Listed("converting", "Turn documents of another vocabulary into events."),
    "import": Listed("replays", "Publish existing data as events."),
    "simulate": Listed("replays", "Publish a synthetic Vietnamese marketplace."),
    "close-days": Listed("replays", "Close days by hand, once both scorers have read what is published."),
    "score": Listed("method", "Score a file of events without any server: each parcel alone, without an account."),
    "explain": Listed("method", "Explain each event's score factor by factor, or a whole account with --seller."),
    "advise": Listed("method", "Name the three changes that would raise each seller's score most."),
    "ileap": Listed("method", "Export deliveries and returns as iLEAP ShipmentFootprints, one JSON document a line."),
    "policy": Listed("accounts.policy", "Check, show and adopt badge policies."),
    "schemas": Listed("method", "Render JSON Schema, AsyncAPI and OpenAPI from the models."),
    "version": Listed("version", "Print the versions of the product and of the scoring method."),
    "scores": Listed(
        "accounts.results", "List sellers with score, grade, badge level, and what is missing for the next badge."
    ),
    "decisions": Listed("accounts.results", "List every badge decision with its reason."),
    "recompute": Listed(
        "accounts.results", "Rebuild every account from the topics in an independent program and compare."
    ),
    "rebuild": Listed(
        "accounts.rebuild", "Delete the aggregator's state; at its next start it makes a new one from the assessments."
    ),
    "checkpoint": Listed(
        "accounts.checkpoint",
        "Write all accounts to a file, so that `recompute` and `rebuild` can begin with it.",
    ),
    "restate": Listed(
        "accounts.restate",
        "Assess a checkpoint of an earlier method again under this one, and show every account under both.",
    ),
    "reassess": Listed(
        "accounts.reassess",
        "Delete assessments, accounts, scores and decisions, and assess every event again.",
    ),
    "dead-letters": Listed("dead_letters", "List what was refused and why, and append it again."),
    "sellers": Listed("accounts.sellers", "Erase one seller's data."),
    "webhooks": Listed(
        "webhooks.endpoints", "Manage endpoints that receive scores and decisions, and see what was dispatched."
    ),
}
"""Every command, loaded when it is called.

A scorer's process needs neither the database nor the simulator, and the list of commands needs no command at all.
"""


class Commands(TyperGroup):
    """Finds a command by importing its module; the help lists them without importing any."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name, short_help=listed.summary, callback=None) for name, listed in MODULES.items()
        }
        self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command, in the order of the table."""
        return list(MODULES)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help, made of the table alone and plain: frames and Markdown would take three times as long."""
        self._listing, markup, self.rich_markup_mode = True, self.rich_markup_mode, None
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing, self.rich_markup_mode = False, markup

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        """The command of this name; None if there is none."""
        if cmd_name not in MODULES:
            return None
        if self._listing:
            return self.commands[cmd_name]
        module = importlib.import_module(f"greenlane.cli.{MODULES[cmd_name].module}")
        group = typer.main.get_group(module.app)
        found = group.commands.get(cmd_name, group)
        found.name = cmd_name
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that says what to do becomes one line."""
        try:
            return super().invoke(ctx)
        except GreenlaneError as error:
            _complain(str(error), error.exit_code)
        except OSError as error:
            if error.errno not in _NO_PLACE:
                raise
            _complain(
                f"cannot write {error.filename or 'to disk'}: {os.strerror(error.errno)}. {_NO_PLACE[error.errno]}"
            )
        except Exception as error:
            if not _from_kafka(error):
                raise
            _complain(f"Kafka answered {type(error).__name__}: {error}. Is the broker up? `greenlane doctor` checks.")


_MAKE_ROOM = "Free some space, or set GREENLANE_DATA_DIR to another disk."
_MAY_NOT = "Let this user write there, or set GREENLANE_DATA_DIR to another folder."
_NO_PLACE = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EROFS: _MAY_NOT,
    errno.EACCES: _MAY_NOT,
    errno.EPERM: _MAY_NOT,
}
"""What a machine says when it has no place for our files, and the remedy."""


def _from_kafka(error: Exception) -> bool:
    """Whether it is the Kafka client's; asked without importing it, for most commands never do."""
    library = sys.modules.get("kafka.errors")
    return library is not None and isinstance(error, library.KafkaError)


def _complain(text: str, code: int = WRONG_USE) -> NoReturn:
    from greenlane.cli.output import notes  # noqa: PLC0415 - what goes well needs no console

    notes.print(f"greenlane: {text}", style="bold red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


app = typer.Typer(
    name="greenlane",
    cls=Commands,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"greenlane {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Scores how green each parcel's packaging and delivery were, and decides every seller's green badge, exactly."""


def main() -> None:
    """Run the command line; exit 0 done, 1 a check failed, 2 wrong use or settings."""
    app()
