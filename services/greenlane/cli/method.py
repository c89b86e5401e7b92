"""`greenlane score`, `explain`, `advise`, `ileap` and `schemas`: the method and the contracts without a broker."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from greenlane.cli.accounts.explained import advise_file, advise_seller, explain_seller
from greenlane.cli.events import EventFile, opened, utc_now
from greenlane.cli.late_progress import late_progress
from greenlane.cli.options import CheckpointOption
from greenlane.cli.output import AsJson, console, notes, print_json, print_table
from greenlane.contracts.declarations import ScoredEvent
from greenlane.contracts.events import CancelledEvent, DeliveredEvent, FulfilmentEvent, ReturnedEvent
from greenlane.factors.loading import load_method
from greenlane.publishing.files.reading import read_file
from greenlane.reports.explained_events import ScoredParcel, explain_event, score_event
from greenlane.reports.ileap import shipment_footprint
from greenlane.reports.published_files import write
from greenlane.settings import load_settings

app = typer.Typer()
OptionalFile = Annotated[
    Path | None, typer.Argument(help="A file of events, as for `greenlane score`. - reads standard input.")
]
Seller = Annotated[
    str | None, typer.Option(help="This seller's events from the topics, as <marketplace>/<seller_id>, without a file.")
]


def read_events(file: Path, refused: Counter[str]) -> Iterator[tuple[int, FulfilmentEvent]]:
    """The good events of a file with their lines; bad ones are named on standard error and counted in `refused`."""
    with opened(file) as stream, late_progress("events") as tick:
        for item in read_file(stream, utc_now()):
            tick()
            if item.event is not None:
                yield item.line, item.event
                continue
            assert item.refusal is not None, "an event of a file has a model or a refusal"
            refused[str(item.refusal.code)] += 1
            notes.print(f"line {item.line}: {item.refusal}", highlight=False, markup=False, soft_wrap=True)


def _scorable(file: Path, refused: Counter[str]) -> Iterator[tuple[int, ScoredEvent]]:
    for line, event in read_events(file, refused):
        if isinstance(event, CancelledEvent):
            notes.print(f"line {line}: a cancellation has no score; it takes the parcel's contributions back")
        else:
            yield line, event


@app.command()
def score(
    file: EventFile,
    limit: Annotated[int, typer.Option(min=1, help="Rows to print; --json prints every one.")] = 1_000,
    as_json: AsJson = False,
) -> None:
    """Score a file of events without any server: each parcel alone, without an account. Exits 1 if one is refused.

    Example: `greenlane score schemas/examples/greenlane.parcel.packed.v1/average-vietnamese-parcel.json`
    """
    refused: Counter[str] = Counter()
    method = load_method(load_settings().factors_file)
    scored = ((line, score_event(event, method)) for line, event in _scorable(file, refused))
    if as_json:
        for line, item in scored:
            print_json({"line": line, **item.summary()})
    else:
        _show(list(islice(scored, limit)))
        more = sum(1 for _ in scored)
        if more:
            notes.print(f"and {more} more; --limit shows more of them, --json every one")
    raise typer.Exit(1 if refused else 0)


def _show(scored: list[tuple[int, ScoredParcel]]) -> None:
    rows = [
        (
            line,
            item.parcel_id,
            item.dimension,
            "-" if item.score is None else item.score,
            f"{item.co2e_mg / 1000:.1f}",
            item.assessed.data_category,
        )
        for line, item in scored
    ]
    if rows:
        print_table("Scores", (">line", "parcel", "dimension", ">score", ">g CO2e", "data"), rows)


@app.command()
def explain(
    file: OptionalFile = None, seller: Seller = None, checkpoint: CheckpointOption = None, as_json: AsJson = False
) -> None:
    """Explain each event's score factor by factor, or with --seller a whole account from its sums to its grade.

    It shows the sources, the data categories, each default that was used, and what declaring it would change. It finds
    that out by scoring again. `greenlane explain --seller demo-vn/seller-0042` reads the topics.

    Example: `greenlane explain schemas/examples/greenlane.parcel.delivered.v1/usual-petrol-motorbike-round.json`
    """
    if seller is not None:
        _one_of(file, seller)
        explain_seller(seller, checkpoint, as_json=as_json)
        return
    refused: Counter[str] = Counter()
    method = load_method(load_settings().factors_file)
    for line, event in _scorable(_one_of(file, seller), refused):
        item = explain_event(event, method)
        if as_json:
            print_json({"line": line, **item.document()})
        else:
            console.print(item.text(), highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1 if refused else 0)


@app.command()
def advise(
    file: OptionalFile = None, seller: Seller = None, checkpoint: CheckpointOption = None, as_json: AsJson = False
) -> None:
    """Name the three changes that would raise each seller's score most, with points and grams of CO2e.

    Every change is scored on the seller's own parcels: those of a file, or with `--seller demo-vn/seller-0042` those of
    the last 90 days on the topics.

    Example: `greenlane advise schemas/examples/greenlane.parcel.packed.v1/average-vietnamese-parcel.json`
    """
    if seller is not None:
        _one_of(file, seller)
        advise_seller(seller, checkpoint, as_json=as_json)
        return
    refused: Counter[str] = Counter()
    advise_file((event for _, event in read_events(_one_of(file, seller), refused)), as_json=as_json)
    raise typer.Exit(1 if refused else 0)


@app.command()
def ileap(file: EventFile) -> None:
    """Export deliveries and returns as iLEAP ShipmentFootprints, one JSON document a line; other events are left out.

    Example: `greenlane ileap schemas/examples/greenlane.parcel.delivered.v1/usual-petrol-motorbike-round.json`
    """
    refused: Counter[str] = Counter()
    method = load_method(load_settings().factors_file)
    for _, event in read_events(file, refused):
        if isinstance(event, DeliveredEvent | ReturnedEvent):
            print_json(shipment_footprint(event, method))
    raise typer.Exit(1 if refused else 0)


def _one_of(file: Path | None, seller: str | None) -> Path:
    if (file is None) == (seller is None):
        raise typer.BadParameter("name either a file of events or --seller <marketplace>/<seller_id>")
    return file or Path()


@app.command()
def schemas(
    folder: Annotated[Path, typer.Argument(help="Where the rendered files go.")] = Path("schemas"),
) -> None:
    """Render JSON Schema, AsyncAPI and OpenAPI from the models.

    Example: `greenlane schemas schemas`
    """
    # imported only here, because no other command needs an HTTP framework
    from greenlane.publishing.gateway.openapi import published  # noqa: PLC0415 - see above

    changed = write(folder, published())
    for path in changed:
        notes.print(f"wrote {path}", highlight=False)
    notes.print(f"{len(changed)} files changed in {folder}")
