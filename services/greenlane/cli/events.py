"""`greenlane validate` and `publish`: a marketplace engineer's files of events."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import AsJson, console, notes, print_json
from greenlane.contracts.dead_letters import Refusal
from greenlane.publisher.files import FileEvent, read_file
from greenlane.publisher.sdk import Options, Publisher
from greenlane.publisher.timeline import RawRecord

app = typer.Typer()
EventFile = Annotated[
    Path, typer.Argument(help="JSON Lines, a JSON array or one event; structured CloudEvents. - reads standard input.")
]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, or standard input for `-`. Exits with 2 when it cannot be read."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise typer.BadParameter(f"cannot read {path}: {error.strerror}") from error


def utc_now() -> datetime:
    """The present, read once at the edge."""
    return datetime.now(UTC)  # noqa: TID251 - the command line is an edge: what it reads is passed inwards


@app.command()
def validate(file: EventFile, as_json: AsJson = False) -> None:
    """Check a file of events against the contract: line, field, problem and remedy. Exits 1 if one is refused.

    Example: `greenlane validate schemas/examples/greenlane.parcel.packed.v1/board-box-with-recycled-content.json`
    """
    good = bad = 0
    with opened(file) as stream:
        for item in read_file(stream, utc_now()):
            if item.refusal is None:
                good += 1
                continue
            bad += 1
            _report(item.line, item.refusal, as_json)
    if as_json:
        print_json({"accepted": good, "refused": bad})
    else:
        notes.print(f"{good} accepted, {bad} refused")
    raise typer.Exit(1 if bad else 0)


def _report(line: int, refusal: Refusal, as_json: bool) -> None:
    if as_json:
        problems = [problem.model_dump() for problem in refusal.problems]
        print_json({"line": line, "code": refusal.code, "problems": problems})
        return
    for problem in refusal.problems:
        text = f"line {line}: {problem.path or 'event'} {problem.message} [{refusal.code}]"
        console.print(text, highlight=False, markup=False, soft_wrap=True)


@app.command()
def publish(
    file: EventFile,
    unchecked: Annotated[
        bool, typer.Option(help="Publish refused events too, as they are, to see them become dead letters.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a file of events, each to its marketplace's topic. Refused events are named and left out; exits 1 then.

    Example: `greenlane publish schemas/examples/greenlane.parcel.packed.v1/board-box-with-recycled-content.json`
    """
    settings = kafka_settings()
    refused = 0
    publishers: dict[str, Publisher] = {}
    try:
        with opened(file) as stream:
            for item in read_file(stream, utc_now()):
                if item.refusal is not None:
                    refused += 1
                    _report(item.line, item.refusal, as_json)
                    if not unchecked:
                        continue
                marketplace = _marketplace(item, settings.marketplaces)
                if marketplace not in publishers:
                    publishers[marketplace] = Publisher(settings.kafka_bootstrap_servers, marketplace, Options())
                if item.event is not None:
                    publishers[marketplace].publish(item.event)
                else:
                    publishers[marketplace].publish_raw(RawRecord(None, item.raw, ()), name=f"line {item.line}")
    finally:
        undelivered = [receipt for publisher in publishers.values() for receipt in publisher.close()]
    for receipt in undelivered:
        notes.print(f"{receipt.event_id}: {receipt.outcome}, {receipt.reason}", markup=False)
    delivered = sum(publisher.tally.delivered for publisher in publishers.values())
    if as_json:
        print_json({"delivered": delivered, "refused": refused, "undelivered": len(undelivered)})
    else:
        notes.print(f"{delivered} published, {refused} refused, {len(undelivered)} not delivered")
    raise typer.Exit(1 if refused or undelivered else 0)


def _marketplace(item: FileEvent, known: tuple[str, ...]) -> str:
    """Where an event goes: its own marketplace; what names none goes to the first one that is configured."""
    if item.event is None:
        return known[0]
    marketplace = item.event.source.removeprefix("/marketplaces/")
    if marketplace not in known:
        raise typer.BadParameter(
            f"line {item.line}: source names the marketplace {marketplace}, which is not in GREENLANE_MARKETPLACES"
        )
    return marketplace
