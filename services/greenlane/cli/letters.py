"""`greenlane dead-letters`: read what was refused and why, and append it to its topic again."""

import base64
from typing import Annotated

import typer
from kafka import KafkaProducer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import AsJson, console, notes, print_json, print_table
from greenlane.contracts.dead_letters import MAX_REDRIVES, REDRIVE_HEADER, DeadLetter
from greenlane.contracts.topics import DEAD_LETTERS
from greenlane.oracle.topics_reader import TopicsReader
from greenlane.settings import Settings

app = typer.Typer(help="What was refused, why, and how to append it again.", no_args_is_help=True)
SEND_SECONDS = 30.0


def all_letters(settings: Settings) -> list[DeadLetter]:
    """Every dead letter once, oldest first."""
    letters: dict[str, DeadLetter] = {}
    with TopicsReader(settings.kafka_bootstrap_servers, [DEAD_LETTERS], lambda _read, _total: None) as reader:
        for record in reader.records(DEAD_LETTERS):
            if record.value is not None:
                letter = DeadLetter.model_validate_json(record.value)
                letters.setdefault(letter.id, letter)
    return sorted(letters.values(), key=lambda letter: letter.data.failure.first_at_ms)


@app.command("list")
def list_letters(
    code: Annotated[str | None, typer.Option(help="Only this reason.")] = None, as_json: AsJson = False
) -> None:
    """List dead letters with their reasons.

    Example: `greenlane dead-letters list --code naive_time`
    """
    found = [letter for letter in all_letters(kafka_settings()) if code in {None, str(letter.data.failure.code)}]
    if as_json:
        for letter in found:
            print_json(letter)
        return
    show_letters(found, f"Dead letters ({len(found)})")


def show_letters(found: list[DeadLetter], title: str) -> None:
    """Print dead letters as a table."""
    rows = [
        (
            letter.id[:12],
            letter.data.failure.code,
            f"{letter.data.origin.topic}/{letter.data.origin.partition}@{letter.data.origin.offset}",
            "; ".join(f"{item.path or 'record'} {item.message}" for item in letter.data.failure.messages),
        )
        for letter in found
    ]
    print_table(title, ("id", "reason", "origin", "~problem and remedy"), rows)


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(help="Id, or its beginning.")],
    raw: Annotated[bool, typer.Option(help="Write the refused bytes, exactly as they came, and nothing else.")] = False,
) -> None:
    """Show one dead letter with every problem, or its raw bytes. Exits 1 if there is none.

    Example: `greenlane dead-letters show 3f9a --raw > refused.json`
    """
    letter = _one(kafka_settings(), letter_id)
    if raw:
        typer.echo(letter.data.raw() or b"", nl=False)
    else:
        console.print_json(letter.model_dump_json())


@app.command()
def redrive(
    letter_id: Annotated[str, typer.Argument(help="Id, or its beginning.")],
) -> None:
    """Append the refused bytes to the topic they came from, with key and headers; at most 5 times a record.

    Worth it when the reason was ours or time has healed it: identity absorbs a repeat.

    Example: `greenlane dead-letters redrive 3f9a`
    """
    settings = kafka_settings()
    letter = _one(settings, letter_id)
    origin, count = letter.data.origin, letter.data.redrive.count + 1
    if count > MAX_REDRIVES:
        notes.print(f"This record was re-driven {MAX_REDRIVES} times already; correct it at its source instead.")
        raise typer.Exit(1)
    headers = [(name, base64.b64decode(value)) for name, value in origin.headers if name != REDRIVE_HEADER]
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers.split(","), acks="all")
    try:
        written = producer.send(
            origin.topic,
            key=None if origin.key_b64 is None else base64.b64decode(origin.key_b64),
            value=letter.data.raw(),
            headers=[*headers, (REDRIVE_HEADER, str(count).encode())],
            partition=origin.partition,
        ).get(timeout=SEND_SECONDS)
    finally:
        producer.close(timeout=SEND_SECONDS)
    notes.print(
        f"Appended to {written.topic}/{written.partition}@{written.offset}, re-drive {count} of {MAX_REDRIVES}."
    )


def _one(settings: Settings, beginning: str) -> DeadLetter:
    found = [letter for letter in all_letters(settings) if letter.id.startswith(beginning)]
    if len(found) != 1:
        notes.print(f"{len(found)} dead letters begin with {beginning}; `greenlane dead-letters list` shows them.")
        raise typer.Exit(1)
    return found[0]
