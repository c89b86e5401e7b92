"""How commands speak: tables for people, JSON for machines, progress for whoever waits."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

PIPED_WIDTH = 160

console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
"""What was asked for goes to standard output."""

notes = Console(stderr=True, width=None if sys.stderr.isatty() else PIPED_WIDTH)
"""Progress, notices and errors go to standard error, so that output can be piped."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]


def counted(number: int, one: str) -> str:
    """A number with its noun, which takes an s unless there is one: `1 seller`, `2 sellers`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def print_json(document: Any) -> None:
    """Print a JSON document on one line; models and decimals as their JSON form.

    Characters that standard output cannot write stand as JSON's escapes, so the document stays the same.
    """
    plain = document.model_dump(mode="json") if isinstance(document, BaseModel) else document
    text = json.dumps(plain, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(plain, default=str)
    typer.echo(text)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as a table; a leading `>` aligns a column right, a leading `~` lets it wrap."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(
            column.removeprefix(">").removeprefix("~"),
            justify="right" if column.startswith(">") else "left",
            no_wrap=not column.startswith("~"),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)


def progress() -> Progress:
    """A progress display on standard error for anything over two seconds."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=notes,
    )
