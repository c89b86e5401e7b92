"""`greenlane spool`: what a publisher keeps on its disk for Kafka, and sending it without the publisher's program."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.late_progress import late_progress
from greenlane.cli.output import AsJson, counted, notes, print_json, print_table
from greenlane.cli.start import INTERRUPTED
from greenlane.publishing.sdk.publisher import Options, Publisher
from greenlane.publishing.sdk.receipts import Receipt, ReceiptOutcome
from greenlane.publishing.sdk.spool.file import SpoolFile
from greenlane.publishing.sdk.spool.ownership import Ownership, is_owned

app = typer.Typer(no_args_is_help=True)
SpoolPath = Annotated[Path, typer.Argument(help="The file of a publisher's Options(spool=…).")]


@app.callback()
def _group() -> None:
    """Look at a publisher's spool, and send what is in it."""


@app.command()
def status(
    file: SpoolPath,
    limit: Annotated[int, typer.Option(min=1, help="Events kept aside to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Count what waits for Kafka, and list what Kafka refused for good. Exits 1 if anything was refused.

    It may look while a publisher has the spool open.

    Example: `greenlane spool status events.spool`
    """
    reader = SpoolFile.reader(file)
    try:
        marketplace, counts, aside = reader.marketplace, reader.counts(), reader.aside(limit)
    finally:
        reader.close()
    is_open = is_owned(file.resolve())
    if as_json:
        found = {"marketplace": marketplace, "open": is_open, **asdict(counts)}
        print_json(found | {"events_aside": [asdict(one) for one in aside]})
        raise typer.Exit(1 if counts.aside else 0)
    state = "a publisher has it open" if is_open else "no publisher has it open"
    notes.print(
        f"{marketplace}: {counted(counts.waiting, 'event')} wait for Kafka ({counts.waiting_bytes:,} bytes), "
        f"{counts.aside:,} kept aside; {state}",
        highlight=False,
        soft_wrap=True,
    )
    if aside:
        rows = [(one.event_id, one.seller, one.reason) for one in aside]
        print_table("Kept aside: Kafka refused these for good", ("event", "seller", "~reason"), rows)
    raise typer.Exit(1 if counts.aside else 0)


@app.command()
def send(
    file: SpoolPath,
    aside: Annotated[bool, typer.Option("--aside", help="Try those again that Kafka refused for good.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send what is in a spool whose publisher's program no longer runs. Exits 1 unless Kafka took all that waited.

    It ends when the spool is empty, or when Kafka takes nothing for half a minute: what is left stays in the spool.

    Example: `greenlane spool send events.spool`
    """
    reader = SpoolFile.reader(file)
    marketplace = reader.marketplace
    reader.close()
    if aside:
        _let_wait_again(file.resolve(), marketplace)
    ends: Counter[ReceiptOutcome] = Counter()

    def note(receipt: Receipt) -> None:
        ends[receipt.outcome] += 1

    interrupted = False
    publisher = Publisher(kafka_settings().kafka_bootstrap_servers, marketplace, Options(spool=file), on_receipt=note)
    try:
        with late_progress("events") as tick:
            _wait(publisher, tick)
    except KeyboardInterrupt:
        interrupted = True
    obstacle = publisher.obstacle
    publisher.close()
    left = publisher.tally.spooled
    delivered, failed = ends[ReceiptOutcome.DELIVERED], ends[ReceiptOutcome.FAILED]
    if as_json:
        print_json({"delivered": delivered, "kept_aside": failed, "left": left, "obstacle": obstacle})
    else:
        notes.print(f"{delivered:,} delivered, {failed:,} kept aside, {left:,} left in the spool", highlight=False)
        if left and obstacle:
            notes.print(obstacle, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(INTERRUPTED if interrupted else 1 if left or failed else 0)


def _wait(publisher: Publisher, tick: Callable[[], None]) -> None:
    """Until the spool is empty, or nothing left it for half a minute."""
    before, until = publisher.tally.spooled, time.monotonic() + 30
    while before and time.monotonic() < until:
        left = publisher.flush().spooled if not publisher.obstacle else _pause(publisher)
        if left < before:
            until = time.monotonic() + 30
        for _ in range(before - left):
            tick()
        before = left


def _pause(publisher: Publisher) -> int:
    time.sleep(0.5)
    return publisher.tally.spooled


def _let_wait_again(path: Path, marketplace: str) -> None:
    ownership = Ownership(path)
    try:
        file = SpoolFile(path, marketplace, 2**40)
        file.try_aside_again()
        file.close()
    finally:
        ownership.release()
