"""`greenlane dead-letters`: read what was refused and why, and append it to its topic again."""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from greenlane.cli.accounts.statements import read_statements
from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import AsJson, counted, no_such, notes, print_json, print_lines, print_table
from greenlane.cli.redriving import HOPELESS, append, appended_so_far, bytes_of, family_of, place_of, why_not
from greenlane.contracts.dead_letters import DeadLetter, DeadLetterCode
from greenlane.contracts.topics import DEAD_LETTERS, declared_topics, marketplace_of
from greenlane.settings import Settings

app = typer.Typer(help="List what was refused and why, and append it again.", no_args_is_help=True)
SHOWN = 30
EARLIER = "a later letter of the same bytes is there too"

Code = Annotated[str | None, typer.Option(help="Only this reason.")]
Marketplace = Annotated[str | None, typer.Option(help="Only records of this marketplace's topic.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Show at most this many; without it 30 rows, with --json all.")]


@dataclass(frozen=True)
class Filter:
    """Which dead letters are meant; None means any."""

    code: str | None = None
    marketplace: str | None = None

    def of(self, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """Those that are meant. Raises NoSuchThingError for a reason or a marketplace that does not exist."""
        everything = list(letters)
        if self.code is not None and self.code not in set(DeadLetterCode):
            raise no_such("reason", self.code, DeadLetterCode)
        there_are = {marketplace for letter in everything if (marketplace := _marketplace(letter)) is not None}
        if self.marketplace is not None and self.marketplace not in there_are:
            raise no_such("dead letter of the marketplace", self.marketplace, there_are)
        return [
            letter
            for letter in everything
            if self.code in {None, str(letter.data.failure.code)} and self.marketplace in {None, _marketplace(letter)}
        ]


def _marketplace(letter: DeadLetter) -> str | None:
    return marketplace_of(letter.data.origin.topic)


def all_letters(settings: Settings) -> list[DeadLetter]:
    """Every dead letter once, oldest first."""
    letters: dict[str, DeadLetter] = {}
    for letter in read_statements(settings, DEAD_LETTERS, DeadLetter):
        letters.setdefault(letter.id, letter)
    return sorted(letters.values(), key=lambda letter: letter.data.failure.first_at_ms)


@app.command("list")
def list_letters(
    code: Code = None,
    marketplace: Marketplace = None,
    each: Annotated[bool, typer.Option("--each", help="One row for each letter instead of one for each reason.")] = (
        False
    ),
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters by reason, with one example each; with --code or --each one by one, newest last.

    Example: `greenlane dead-letters list --code naive_time`
    """
    found = Filter(code, marketplace).of(all_letters(kafka_settings()))
    if as_json:
        print_lines(found[:limit])
        return
    if code is None and not each:
        show_reasons(found, limit or SHOWN)
        return
    shown = found[: limit or SHOWN]
    show_letters(shown, f"Dead letters ({len(found):,})")
    if len(shown) < len(found):
        notes.print(f"and {len(found) - len(shown):,} more; --limit shows more of them, --json all")


def show_reasons(found: list[DeadLetter], limit: int) -> None:
    """Print one row for each reason, the most frequent first."""
    counts = Counter(letter.data.failure.code for letter in found)
    latest = {letter.data.failure.code: letter for letter in found}
    rows = [
        (code, f"{count:,}", _remedy(code), latest[code].id[:12], _problems(latest[code]))
        for code, count in counts.most_common(limit)
    ]
    print_table(
        f"Dead letters by reason ({len(found):,})", ("reason", ">letters", "remedy", "latest", "~which says"), rows
    )


def _remedy(code: DeadLetterCode) -> str:
    return "correct at the source" if code in HOPELESS else "re-drive once mended"


def _problems(letter: DeadLetter) -> str:
    return "; ".join(f"{item.path or 'record'} {item.message}" for item in letter.data.failure.messages)


def show_letters(found: list[DeadLetter], title: str) -> None:
    """Print dead letters as a table."""
    rows = [(letter.id[:12], letter.data.failure.code, place_of(letter), _problems(letter)) for letter in found]
    print_table(title, ("id", "reason", "origin", "~problem and remedy"), rows)


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(help="Id, or its beginning.")],
    raw: Annotated[bool, typer.Option(help="Write the refused bytes, exactly as they came, and nothing else.")] = False,
) -> None:
    """Show one dead letter with every problem, or its raw bytes. Exits 1 if there is none.

    Example: `greenlane dead-letters show 3f9a --raw > refused.json`
    """
    letter = _one(all_letters(kafka_settings()), letter_id)
    if not raw:
        print_json(letter)
        return
    value = bytes_of(letter)
    if isinstance(value, str):
        notes.print(value, soft_wrap=True)
        raise typer.Exit(1)
    if sys.stdout.isatty():
        notes.print("The bytes may hold commands for a terminal: write them to a file, `… --raw > refused.json`.")
        raise typer.Exit(1)
    typer.echo(value, nl=False)


@app.command()
def redrive(  # noqa: PLR0913, PLR0917 - one option each
    letter_id: Annotated[
        str | None, typer.Argument(help="Id, or its beginning; without it the filters choose.")
    ] = None,
    code: Code = None,
    marketplace: Marketplace = None,
    limit: Annotated[int, typer.Option(min=1, help="Append at most this many.")] = 1_000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be appended, and append nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also append what cannot succeed, such as not_json.")] = False,
) -> None:
    """Append refused bytes to the topic they came from, with key and headers; at most 5 times a record.

    Use it after fixing the cause. The 5 times are counted over all letters of the same bytes, from the topic itself.
    Exits 1 if something was left out.

    Example: `greenlane dead-letters redrive --code unexpected_error --dry-run`
    """
    settings = kafka_settings()
    everything = all_letters(settings)
    if letter_id is not None:
        chosen = [_one(everything, letter_id)]
    elif code is not None or marketplace is not None:
        chosen = Filter(code, marketplace).of(everything)[:limit]
    else:
        raise typer.BadParameter("name one dead letter by its id, or several by --code or --marketplace")
    known = {topic.name for topic in declared_topics(settings.marketplaces)} - {DEAD_LETTERS}
    counts = appended_so_far(settings, chosen, everything, known)
    latest = {family_of(letter): letter.id for letter in chosen}
    refusals = {letter.id: EARLIER for letter in chosen if letter.id != latest[family_of(letter)]} | {
        letter.id: reason
        for letter in chosen
        if (reason := why_not(letter, known, counts[family_of(letter)], force=force)) is not None
    }
    sound = [letter for letter in chosen if letter.id not in refusals]
    for reason, count in Counter(refusals.values()).items():
        notes.print(f"{counted(count, 'letter')} left out: {reason}", soft_wrap=True)
    if dry_run:
        for letter in sound:
            notes.print(f"{letter.id[:12]} would be appended to {letter.data.origin.topic}", soft_wrap=True)
    else:
        append(settings, sound, counts)
    notes.print(f"{len(sound):,} {'would be ' if dry_run else ''}appended, {len(refusals):,} left out")
    raise typer.Exit(1 if refusals else 0)


def _one(letters: list[DeadLetter], beginning: str) -> DeadLetter:
    found = [letter for letter in letters if letter.id.startswith(beginning)]
    if len(found) != 1:
        notes.print(
            f"{counted(len(found), 'dead letter')} begin with {beginning}; "
            "`greenlane dead-letters list --each` shows them.",
            soft_wrap=True,
        )
        raise typer.Exit(1)
    return found[0]
