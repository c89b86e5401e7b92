"""`greenlane reconcile`: a marketplace's own list of parcels beside what stands in Kafka."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.events import Limit, opened, utc_now
from greenlane.cli.late_progress import late_progress
from greenlane.cli.output import AsJson, console, counted, notes, print_json, print_table, progress
from greenlane.cli.tables import Country, MappingFile, Marketplace, SaveMapping, marketplace_named, show_guess
from greenlane.factors.loading import load_method, load_policy
from greenlane.operations.topics_reader import Progress
from greenlane.publishing.reconciliation.comparison import Comparison
from greenlane.publishing.reconciliation.delays import Cost
from greenlane.publishing.reconciliation.findings import Finding, Kind, moment_text
from greenlane.publishing.reconciliation.order_list import OrderList, wanted
from greenlane.publishing.reconciliation.workspace import open_workspace
from greenlane.publishing.tables.faults import Fault, MappingError
from greenlane.publishing.tables.guessing import Told
from greenlane.publishing.tables.mapping import Mapping, read_mapping, written_mapping
from greenlane.publishing.tables.rows.form import body_rows
from greenlane.publishing.tables.rows.json_rows import read_json_rows
from greenlane.publishing.tables.table import Table, guessed, open_table
from greenlane.settings import Settings

app = typer.Typer()
ListFile = Annotated[
    Path, typer.Argument(help="Your list: a CSV, or JSON Lines where the name ends with .jsonl. - reads a CSV.")
]
DelayedAfter = Annotated[
    int, typer.Option(min=1, help="Hours between happening and arriving after which an event counts as delayed.")
]


@app.command()
def reconcile(  # noqa: PLR0913, PLR0917 - one option each
    file: ListFile,
    mapping: MappingFile = None,
    save_mapping: SaveMapping = None,
    marketplace: Marketplace = None,
    country: Country = None,
    delayed_after: DelayedAfter = 24,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Compare your own list of parcels with what stands in Kafka. Exits 1 if anything differs, the worst first.

    It names parcels that are missing, refused (with field and remedy), of another seller, doubled, unknown to the list,
    delayed (with what that cost), and those of which nothing can be known because retention removed what stood there.

    The list has a parcel's id, and if it can its seller and when it was packed, delivered, returned or cancelled.
    Columns are guessed and shown, as for `import csv`. It reads the marketplace's own topic and needs no other right;
    with the right to read the dead letters it adds their ids.

    Example: `greenlane reconcile examples/tables/orders.csv --marketplace demo-vn`
    """
    settings = kafka_settings()
    given = None if mapping is None else read_mapping(mapping)
    with opened(file) as stream, open_workspace() as workspace:
        table = open_table(stream, given, json_lines=file.suffix == ".jsonl")
        notes.print(f"{file}: {table.described()}", highlight=False, markup=False, soft_wrap=True)
        used = given or _guess(table, Told(marketplace, country), save_mapping, as_json=as_json)
        policy = load_policy(settings.policy_file)
        name = marketplace_named(marketplace, used, settings.marketplaces)
        order_list = OrderList(used, table.header, utc_now())
        comparison = Comparison(workspace, order_list, name, delayed_after, policy)
        shown = _Shown(limit, as_json)
        _take_list(comparison, table, shown)
        with shown_progress() as telling:
            comparison.take_topic(settings.kafka_bootstrap_servers, utc_now(), telling)
        for fault in comparison.settle():
            shown.fault(fault)
        for finding in comparison.findings():
            shown.finding(finding)
        shown.table()
        _show_costs(comparison, settings, shown)
        _show_summary(comparison, as_json=as_json)
    raise typer.Exit(0 if comparison.sound else 1)


def _guess(table: Table, told: Told, save: Path | None, *, as_json: bool) -> Mapping:
    """The guessed mapping, shown and saved. Raises MappingError where it asks something."""
    found = guessed(table, told, wanted)
    show_guess(table, found, as_json=as_json)
    target = save or Path("LIST.yaml")
    if save is not None:
        try:
            save.write_text(written_mapping(found.mapping, found.questions), encoding="utf-8")
        except OSError as error:
            raise typer.BadParameter(f"cannot write {save}: {error.strerror}") from error
        notes.print(f"mapping written to {save}", highlight=False, markup=False, soft_wrap=True)
    if found.questions:
        raise MappingError(
            f"{counted(len(found.questions), 'question')} about the list open. Save the mapping with --save-mapping "
            f"{target}, answer there, and reconcile with --mapping {target}."
        )
    return found.mapping


def _take_list(comparison: Comparison, table: Table, shown: "_Shown") -> None:
    order_list = comparison.order_list
    if table.form is not None:
        rows = body_rows(table.form, table.head, table.stream)
    else:
        names = tuple(table.header[column] for column in order_list.columns)  # as the file writes them
        order_list.columns = tuple(range(len(names)))
        rows = read_json_rows(table.head, table.stream, names, order_list.parcel_place)
    with late_progress("rows of the list") as tick:
        for fault in comparison.take_list(_ticked(rows, tick)):
            shown.fault(fault)


def _ticked(rows: Iterator[Any], tick: Any) -> Iterator[Any]:
    for row in rows:
        tick()
        yield row


@contextmanager
def shown_progress() -> Iterator[Any]:
    """Gives a function that tells of each topic how far it has been read."""
    with progress() as bars:

        def telling(topic: str) -> Progress:
            task = bars.add_task(f"reading {topic}", total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield telling


class _Shown:
    """Shows findings: a table of the worst for people, every one as a JSON line for machines."""

    def __init__(self, limit: int, as_json: bool) -> None:
        self.as_json = as_json
        self._limit = limit
        self._kept: list[Finding] = []
        self._faults = 0
        self._found = 0

    def fault(self, fault: Fault) -> None:
        """A row of the list that cannot be read."""
        self._faults += 1
        if self.as_json:
            print_json({"list": fault._asdict()})
        elif self._faults <= self._limit:
            console.print(f"list, {fault}", highlight=False, markup=False, soft_wrap=True)

    def finding(self, finding: Finding) -> None:
        """A finding; the worst come first."""
        self._found += 1
        if self.as_json:
            print_json({name: value for name, value in asdict(finding).items() if value is not None})
        elif len(self._kept) < self._limit:
            self._kept.append(finding)

    def table(self) -> None:
        """The findings that were kept, as a table."""
        if self.as_json:
            return
        rows = [
            (
                item.kind,
                item.parcel or "?",
                item.step,
                item.seller,
                "" if item.line is None else item.line,
                f"{item.because}. {item.remedy[:1].upper()}{item.remedy[1:]}.",
                ", ".join(item.places) + (f", dead letter {item.letter[:12]}" if item.letter else ""),
            )
            for item in self._kept
        ]
        if rows:
            columns = ("what", "parcel", "step", "seller", ">line", "~why, and what to do", "~where")
            print_table(f"List and topic differ ({self._found:,}), the worst first", columns, rows)
        if self._found > len(rows):
            notes.print(f"and {self._found - len(rows):,} more; --limit shows more of them, --json every one")


def _show_costs(comparison: Comparison, settings: Settings, shown: _Shown) -> None:
    """What the delays cost, by seller."""
    if not comparison.found[Kind.DELAYED]:
        return
    with shown_progress() as telling:
        costs = comparison.costs(settings.kafka_bootstrap_servers, load_method(settings.factors_file), telling)
    if shown.as_json:
        for cost in costs:
            print_json({"cost": _cost_document(cost)})
        return
    rows = [
        (cost.seller, cost.delayed, cost.days, f"{cost.without:.2f}", f"{cost.whole:.2f}", f"{cost.points:+.2f}",
         "for good" if cost.late else "until they came")
        for cost in islice((cost for cost in costs if cost.points is not None), 20)
    ]  # fmt: skip
    columns = ("seller", ">events", ">closed days", ">score without them", ">with them", ">points", "missing")
    print_table("What the delays cost", columns, rows)
    uncounted = sum(1 for cost in costs if cost.points is None)
    if uncounted:
        notes.print(f"of {counted(uncounted, 'seller')} more the cost was not computed: there are too many delays")


def _cost_document(cost: Cost) -> dict[str, Any]:
    numbers = {"without": cost.without, "with": cost.whole, "points": cost.points}
    return {
        "seller": cost.seller, "delayed": cost.delayed, "closed_days": cost.days, "late": cost.late,
        **{name: None if number is None else float(round(number, 4)) for name, number in numbers.items()},
    }  # fmt: skip


def _show_summary(comparison: Comparison, *, as_json: bool) -> None:
    summary = comparison.summary()
    side = comparison.side
    if side.letters is None:
        notes.print(
            f"the dead letters could not be read ({side.why_no_letters}); reasons of refusals are found again from the "
            "records, and what was refused for a fault of ours is not known",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if side.lost_until is not None:
        parts = ", ".join(map(str, side.lost_partitions))
        notes.print(
            f"partition {parts} lost its beginning: of what happened before {moment_text(side.lost_until)} an absent "
            "event cannot be told from a removed one",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if not side.broker_times:
        notes.print("the topic keeps its producers' times, so delays cannot be known", highlight=False)
    if not comparison.order_list.tells_sellers:
        notes.print("the list names no seller, so sellers are not compared", highlight=False)
    if as_json:
        print_json(summary)
        return
    listed = summary["list"]
    differ = ", ".join(f"{count:,} {kind}" for kind, count in summary["found"].items() if count) or "nothing differs"
    text = (
        f"{listed['parcels']:,} parcels and {listed['steps']:,} steps listed, {listed['steps_there']:,} of them there; "
        f"{side.records:,} records read ({side.accepted:,} accepted, {side.refused:,} refused), "
        f"{summary['repeated']:,} came again and count once: {differ}"
    )
    if listed["faults"]:
        text += f"; {listed['faults']:,} places of the list cannot be read"
    console.print(text, highlight=False, markup=False, soft_wrap=True)
