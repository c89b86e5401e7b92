"""`greenlane score`, `explain` and `schemas`: the method and the contracts without a broker."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from greenlane import __version__
from greenlane.cli.events import EventFile, opened, utc_now
from greenlane.cli.output import AsJson, console, notes, print_json, print_table
from greenlane.contracts.events import CancelledEvent, FulfilmentEvent
from greenlane.contracts.explaining import ExplainedEvent, explain_event
from greenlane.contracts.publish import write
from greenlane.contracts.tables import load_method
from greenlane.methodology.method import METHOD_VERSION
from greenlane.publisher.files import read_file
from greenlane.settings import load_settings

app = typer.Typer()


def _events(file: Path, refused: Counter[str]) -> Iterator[tuple[int, FulfilmentEvent]]:
    with opened(file) as stream:
        for item in read_file(stream, utc_now()):
            if item.event is not None:
                yield item.line, item.event
                continue
            assert item.refusal is not None, "an event of a file has a model or a refusal"
            refused[str(item.refusal.code)] += 1
            notes.print(f"line {item.line}: {item.refusal}", highlight=False, markup=False, soft_wrap=True)


def _explanations(file: Path, refused: Counter[str]) -> Iterator[tuple[int, ExplainedEvent]]:
    table = load_method(load_settings().factors_file)
    for line, event in _events(file, refused):
        if isinstance(event, CancelledEvent):
            notes.print(f"line {line}: a cancellation has no score; it takes the parcel's contributions back")
            continue
        yield line, explain_event(event, table)


@app.command()
def score(file: EventFile, as_json: AsJson = False) -> None:
    """Score a file of events without any server: each parcel on its own, no prior. Exits 1 if one is refused.

    Example: `greenlane score schemas/examples/greenlane.parcel.packed.v1/average-vietnamese-parcel.json`
    """
    refused: Counter[str] = Counter()
    rows = []
    for line, item in _explanations(file, refused):
        if as_json:
            print_json({"line": line, **item.summary()})
        else:
            rows.append(
                (
                    line,
                    item.parcel_id,
                    item.explanation.dimension,
                    _points(item.explanation.score),
                    f"{item.co2e_mg / 1000:.1f}",
                    item.explanation.assessed.data_category,
                )
            )
    if rows:
        print_table("Scores", (">line", "parcel", "dimension", ">score", ">g CO2e", "data"), rows)
    raise typer.Exit(1 if refused else 0)


@app.command()
def explain(file: EventFile, as_json: AsJson = False) -> None:
    """Explain each event's score factor by factor, with sources, data category and the defaults that were used.

    Example: `greenlane explain schemas/examples/greenlane.parcel.delivered.v1/usual-petrol-motorbike-round.json`
    """
    refused: Counter[str] = Counter()
    for line, item in _explanations(file, refused):
        if as_json:
            print_json({"line": line, **item.document()})
        else:
            console.print(item.text(), highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1 if refused else 0)


def _points(value: Decimal | None) -> str:
    return "-" if value is None else str(value)


@app.command()
def schemas(
    folder: Annotated[Path, typer.Argument(help="Where the rendered files go.")] = Path("schemas"),
) -> None:
    """Render JSON Schema and AsyncAPI from the models.

    Example: `greenlane schemas schemas`
    """
    changed = write(folder)
    for path in changed:
        notes.print(f"wrote {path}", highlight=False)
    notes.print(f"{len(changed)} files changed in {folder}")


@app.command()
def version() -> None:
    """Print the versions of the product and of the scoring method.

    Example: `greenlane version`
    """
    print_json({"greenlane": __version__, "method": METHOD_VERSION})
