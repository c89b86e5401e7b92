"""`greenlane publish`: a marketplace engineer's file of events."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.late_progress import late_progress
from greenlane.cli.output import AsJson, console, notes, print_json
from greenlane.cli.start import INTERRUPTED
from greenlane.contracts.dead_letters import Refusal
from greenlane.publishing.files.reading import read_file
from greenlane.publishing.files.sending import Sending
from greenlane.publishing.sdk.publisher import Options, Publisher

app = typer.Typer()
Limit = Annotated[int, typer.Option(min=1, help="Findings to print; --json prints every one.")]
EventFile = Annotated[
    Path, typer.Argument(help="JSON Lines, a JSON array or one event; structured CloudEvents. - reads standard input.")
]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, or standard input for `-`. Exits with 2 when it cannot be read."""
    if str(path) == "-":
        if sys.stdin is None:
            raise typer.BadParameter("standard input is closed; name a file, or pipe events into the command")
        yield sys.stdin.buffer
        return
    try:
        stream = path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise typer.BadParameter(f"cannot read {path}: {reason}") from error
    with stream:
        yield stream


def utc_now() -> datetime:
    """The present, read once at the edge."""
    return datetime.now(UTC)  # noqa: TID251 - the command line is an edge: what it reads is passed inwards


class Findings:
    """Prints refusals of a file, at most `limit` of them for people, every one as JSON lines for machines."""

    def __init__(self, limit: int, as_json: bool) -> None:
        self.limit = limit
        self.as_json = as_json
        self._found = 0

    def refusal(self, line: int, refusal: Refusal) -> None:
        """Say why an event is refused."""
        if self.as_json:
            problems = [problem.model_dump() for problem in refusal.problems]
            print_json({"line": line, "code": refusal.code, "problems": problems})
            return
        self._found += 1
        if self._found > self.limit:
            return
        for problem in refusal.problems:
            text = f"line {line}: {problem.path or 'event'} {problem.message} [{refusal.code}]"
            console.print(text, highlight=False, markup=False, soft_wrap=True)

    def rest(self) -> None:
        """Say how many findings were not shown."""
        if self._found > self.limit:
            notes.print(f"and {self._found - self.limit} more; --limit shows more of them, --json every one")


@app.command()
def publish(
    file: EventFile,
    unchecked: Annotated[
        bool, typer.Option(help="Also publish refused events as they are, to see them become dead letters.")
    ] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Publish a file of events, each to its marketplace's topic. Bad events are named and left out; then it exits 1.

    At the end it says how many events were published, refused and not sent, also after Ctrl-C or when the broker goes
    away. Correct the file and publish it again: an event that was published before counts once.

    Example: `greenlane publish schemas/examples/greenlane.parcel.packed.v1/board-box-with-recycled-content.json`
    """
    settings = kafka_settings()
    servers = settings.kafka_bootstrap_servers
    sending = Sending(lambda name: Publisher(servers, name, Options()), settings.marketplaces, unchecked)
    findings = Findings(limit, as_json)
    interrupted = False
    try:
        with opened(file) as stream, late_progress("events") as tick:
            for item in read_file(stream, utc_now()):
                tick()
                refusal = sending.take(item)
                if refusal is not None:
                    findings.refusal(item.line, refusal)
    except KeyboardInterrupt:
        interrupted = True
        notes.print(
            "interrupted: waiting for the events on their way; press Ctrl-C again to end at once", highlight=False
        )
    finally:
        complete = _finish(sending, findings)
    if interrupted or not complete:
        notes.print("the rest of the file was not read; publish the file again: an event that arrived counts once")
        raise typer.Exit(INTERRUPTED)
    sent = sending.sent
    raise typer.Exit(1 if sent.published != sent.read or sent.unchecked else 0)


def _finish(sending: Sending, findings: Findings) -> bool:
    """Close what is open, name what did not arrive and print the counts; False when Ctrl-C cut it short."""
    complete = True
    try:
        lost, obstacles = sending.finish()
        for receipt in lost[: findings.limit]:
            notes.print(f"{receipt.event_id}: {receipt.outcome}, {receipt.reason}", markup=False, soft_wrap=True)
        if len(lost) > findings.limit:
            notes.print(f"and {len(lost) - findings.limit} more that were not delivered; --limit shows more of them")
        for obstacle in obstacles:
            notes.print(obstacle, highlight=False, markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        complete = False
    findings.rest()
    sent = sending.sent
    if findings.as_json:
        print_json(asdict(sent))
    else:
        text = f"{sent.published} published, {sent.refused} refused, {sent.not_sent} not sent"
        if sent.unknown:
            text += f", {sent.unknown} unknown (publish them again: an event that arrived counts once)"
        if sent.unchecked:
            text += f"; {sent.unchecked} of them unchecked, which will become dead letters"
        notes.print(text, highlight=False, soft_wrap=True)
    return complete
