"""`greenlane dead-letters`: read what was refused and why, and append it to its topic again."""

import base64
import binascii
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer
from kafka import KafkaProducer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import AsJson, counted, no_such, notes, print_json, print_lines, print_table
from greenlane.cli.statements import read_statements
from greenlane.contracts.dead_letters import MAX_REDRIVES, REDRIVE_HEADER, DeadLetter, DeadLetterCode
from greenlane.contracts.letters import HEADERS_OMITTED
from greenlane.contracts.topics import DEAD_LETTERS, declared_topics, marketplace_of
from greenlane.settings import Settings

app = typer.Typer(help="What was refused, why, and how to append it again.", no_args_is_help=True)
SEND_SECONDS = 30.0
SHOWN = 30
HOPELESS = frozenset(
    {
        DeadLetterCode.NULL_VALUE,
        DeadLetterCode.TOO_LARGE,
        DeadLetterCode.NOT_UTF8,
        DeadLetterCode.NOT_JSON,
        DeadLetterCode.TOO_DEEP,
        DeadLetterCode.NOT_A_CLOUD_EVENT,
        DeadLetterCode.UNREADABLE_BATCH,
    }
)
"""Reasons that lie in the bytes themselves: the same bytes are refused again, whatever was mended."""

Code = Annotated[str | None, typer.Option(help="Only this reason.")]
Marketplace = Annotated[str | None, typer.Option(help="Only records of this marketplace's topic.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many; unset: 30 rows, and all of them as JSON.")]


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
    """Dead letters by reason, with an example of each; one by one with a reason or --each, newest last.

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
    rows = [(letter.id[:12], letter.data.failure.code, _place(letter), _problems(letter)) for letter in found]
    print_table(title, ("id", "reason", "origin", "~problem and remedy"), rows)


def _place(letter: DeadLetter) -> str:
    origin = letter.data.origin
    return f"{origin.topic}/{origin.partition}@{origin.offset}"


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
    value = _bytes(letter)
    if isinstance(value, str):
        notes.print(value, soft_wrap=True)
        raise typer.Exit(1)
    if sys.stdout.isatty():
        notes.print("The bytes may hold commands for a terminal: write them to a file, `… --raw > refused.json`.")
        raise typer.Exit(1)
    typer.echo(value, nl=False)


def _bytes(letter: DeadLetter) -> bytes | str:
    """The refused bytes; a sentence that says where they are when the letter has none."""
    if letter.data.raw_b64 is None:
        if letter.data.failure.code is DeadLetterCode.NULL_VALUE:
            return f"The record at {_place(letter)} has no value: there are no bytes."
        return f"This letter has no copy of the bytes: read them at {_place(letter)} before retention removes them."
    try:
        return base64.b64decode(letter.data.raw_b64, validate=True)
    except binascii.Error:
        return f"This letter's copy of the bytes is no base64: read them at {_place(letter)}."


@app.command()
def redrive(  # noqa: PLR0913, PLR0917 - one option each
    letter_id: Annotated[
        str | None, typer.Argument(help="Id, or its beginning; without it the filters choose.")
    ] = None,
    code: Code = None,
    marketplace: Marketplace = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1_000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be appended, and append nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Append hopeless ones too, such as not_json.")] = False,
) -> None:
    """Append refused bytes to the topic they came from, with key and headers; at most 5 times a record.

    Use it after fixing the cause; repeats are not counted twice. Exits 1 if something was left out.

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
    refusals = {letter.id: reason for letter in chosen if (reason := _why_not(letter, known, force=force))}
    sound = [letter for letter in chosen if letter.id not in refusals]
    for reason, count in Counter(refusals.values()).items():
        notes.print(f"{counted(count, 'letter')} left out: {reason}", soft_wrap=True)
    if dry_run:
        for letter in sound:
            notes.print(f"{letter.id[:12]} would be appended to {letter.data.origin.topic}", soft_wrap=True)
    else:
        _append(settings, sound)
    notes.print(f"{len(sound):,} {'would be ' if dry_run else ''}appended, {len(refusals):,} left out")
    raise typer.Exit(1 if refusals else 0)


def _why_not(letter: DeadLetter, known: set[str], *, force: bool) -> str | None:
    """Why a letter cannot be appended again; None when it can."""
    value, origin = _bytes(letter), letter.data.origin
    null = letter.data.failure.code is DeadLetterCode.NULL_VALUE
    reason = None
    if letter.data.failure.code in HOPELESS and not force:
        reason = (
            f"{letter.data.failure.code} lies in the bytes, so they would be refused again: correct the event at its "
            "source, or use --force"
        )
    elif letter.data.redrive.count >= MAX_REDRIVES:
        reason = f"re-driven {MAX_REDRIVES} times already: correct the event at its source"
    elif any(problem.keyword == HEADERS_OMITTED for problem in letter.data.failure.messages):
        reason = f"the letter is without the record's headers: read the record at {_place(letter)}"
    elif origin.topic not in known:
        reason = f"{origin.topic} is no topic of this installation"
    elif null and origin.key_b64 is None:
        reason = "a record without key and value cannot be appended"
    elif isinstance(value, str) and not null:
        reason = value
    return reason or _unreadable(letter)


def _unreadable(letter: DeadLetter) -> str | None:
    try:
        _key(letter), _headers(letter)
    except binascii.Error:
        return f"its key or headers are no base64: read them at {_place(letter)}"
    return None


def _key(letter: DeadLetter) -> bytes | None:
    key = letter.data.origin.key_b64
    return None if key is None else base64.b64decode(key, validate=True)


def _headers(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    given = [(name, value) for name, value in letter.data.origin.headers if name != REDRIVE_HEADER]
    return [(name, None if value is None else base64.b64decode(value, validate=True)) for name, value in given]


def _append(settings: Settings, letters: list[DeadLetter]) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers.split(","), acks="all")
    try:
        for letter in letters:
            origin, count, value = letter.data.origin, letter.data.redrive.count + 1, _bytes(letter)
            written = producer.send(
                origin.topic,
                key=_key(letter),
                value=None if isinstance(value, str) else value,
                headers=[*_headers(letter), (REDRIVE_HEADER, str(count).encode())],
                partition=origin.partition,
            ).get(timeout=SEND_SECONDS)
            place = f"{written.topic}/{written.partition}@{written.offset}"
            notes.print(f"Appended to {place}, re-drive {count} of {MAX_REDRIVES}.", soft_wrap=True)
    finally:
        producer.close(timeout=SEND_SECONDS)


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
