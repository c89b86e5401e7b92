"""How commands speak: tables for people, JSON for machines, progress for whoever waits."""

import json
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.cells import cell_len
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from greenlane.cli.visible import PlainConsole, one_line, visible_json
from greenlane.errors import GreenlaneError

PIPED_WIDTH = 160
_WRAPPED_WIDTH = 16
_FRAME = 3
_NAMED = 12

console = PlainConsole(width=None if sys.stdout.isatty() else PIPED_WIDTH)
"""What was asked for goes to standard output."""

notes = PlainConsole(stderr=True, width=None if sys.stderr.isatty() else PIPED_WIDTH)
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
    text = visible_json(json.dumps(plain, ensure_ascii=False, default=str))
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(plain, default=str)
    typer.echo(text)


def print_lines(documents: Iterable[Any]) -> None:
    """Print a list as JSON Lines: one document a line."""
    for document in documents:
        print_json(document)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as a table; a leading `>` aligns a column right, a leading `~` lets it wrap.

    Where the terminal is too narrow for the columns that do not wrap, each row becomes a few lines `name: value`: an
    id or a date is never cut.
    """
    names = [column.removeprefix(">").removeprefix("~") for column in columns]
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    if _least_width(columns, names, cells) > console.width:
        _print_narrow(title, names, cells)
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for column, name in zip(columns, names, strict=True):
        wraps = column.startswith("~")
        table.add_column(
            name, justify="right" if column.startswith(">") else "left", no_wrap=not wraps, overflow="fold"
        )
    for row in cells:
        table.add_row(*row)
    console.print(table)


def _least_width(columns: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """Columns of the terminal that the table needs: whole cells where nothing wraps, a word's length where it does."""
    width = 1
    for number, (column, name) in enumerate(zip(columns, names, strict=True)):
        longest = max((cell_len(row[number]) for row in cells), default=0)
        needed = min(longest, _WRAPPED_WIDTH) if column.startswith("~") else longest
        width += _FRAME + max(needed, *(cell_len(word) for word in name.split()))
    return width


def _print_narrow(title: str, names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    console.print(title, style="italic", soft_wrap=True)
    for row in cells:
        cells = [(name, cell) for name, cell in zip(names, row, strict=True) if cell]
        console.print(cells[0][1] if cells else "", style="bold", highlight=False, soft_wrap=True)
        for name, cell in cells[1:]:
            console.print(f"  {name}: {cell}", highlight=False, soft_wrap=True)


class NoSuchThingError(GreenlaneError):
    """A name that is asked for does not exist; the text says what there is. The command ends with 1."""

    exit_code = 1


def no_such(kind: str, name: str, there_are: Iterable[str]) -> NoSuchThingError:
    """The error for a name that does not exist: those like it, else the first of those there are."""
    known = sorted(set(there_are))
    if not known:
        return NoSuchThingError(f"There is no {kind} {name}; there is none at all yet.")
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return NoSuchThingError(f"There is no {kind} {name}. Did you mean {' or '.join(near)}?")
    more = f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else ""
    return NoSuchThingError(f"There is no {kind} {name}. There are: {', '.join(known[:_NAMED])}{more}.")


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
