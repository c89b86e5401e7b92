"""`greenlane import csv` and `import jsonl`: a shop's table of parcels as events, by a guessed or a saved mapping."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.events import Limit, opened, utc_now
from greenlane.cli.late_progress import late_progress
from greenlane.cli.output import AsJson, console, counted, notes, print_json, print_table
from greenlane.cli.start import INTERRUPTED
from greenlane.publishing.sdk.publisher import Options, Publisher
from greenlane.publishing.sdk.receipts import PublisherError
from greenlane.publishing.tables.events import Events, Tally
from greenlane.publishing.tables.faults import Fault, MappingError, UnreadableTableError
from greenlane.publishing.tables.guessing import Guess, Told
from greenlane.publishing.tables.mapping import FileForm, Mapping, Source, read_mapping, written_mapping
from greenlane.publishing.tables.parcels import Made
from greenlane.publishing.tables.sending import Sending
from greenlane.publishing.tables.table import Table, guessed, open_table, planned, rows_of
from greenlane.publishing.tables.wire import Wire
from greenlane.settings import load_settings

TableFile = Annotated[Path, typer.Argument(help="The table of parcels. - reads standard input.")]
MappingFile = Annotated[Path | None, typer.Option("--mapping", help="YAML that says which column tells what.")]
SaveMapping = Annotated[Path | None, typer.Option("--save-mapping", help="Write the guessed mapping there.")]
Marketplace = Annotated[str | None, typer.Option(help="Whose parcels they are, where the mapping does not say it.")]
Country = Annotated[str | None, typer.Option(help="Country of parcels and places, for the guess; for example VN.")]
Revision = Annotated[
    int | None, typer.Option(min=1, max=1_000_000, help="Publish as corrections with this number, higher each time.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read everything, publish nothing.")]
EventsFile = Annotated[Path | None, typer.Option("--events", help="Write JSON Lines there; publish nothing. - prints.")]
Yes = Annotated[bool, typer.Option("--yes", help="Publish by a guessed mapping without saving it first.")]


class Asked(NamedTuple):
    """What the options ask for."""

    file: Path
    mapping: Path | None
    save: Path | None
    marketplace: str | None
    country: str | None
    revision: int | None
    dry_run: bool
    events: Path | None
    yes: bool
    limit: int
    as_json: bool
    json_lines: bool


CSV_HELP = """Publish a CSV of parcels as events: any separator, encoding, number, date and unit, by a mapping.

Without --mapping it guesses one from the names and values of the columns, shows it and asks what is not certain;
nothing is published then. Rows that cannot be read are named by line and column, and the rest is published.

Example: `greenlane import csv examples/tables/orders.csv --mapping examples/tables/orders.yaml --dry-run`
"""

JSONL_HELP = """Publish JSON Lines of orders as events: as `import csv`, with paths like `items[].weight` as columns.

For lines that are events already: `greenlane publish`.

Example: `greenlane import jsonl examples/tables/orders.jsonl --mapping examples/tables/orders-jsonl.yaml --dry-run`
"""


def table_importer(*, json_lines: bool) -> Callable[..., None]:
    """The command that imports a table of this form."""

    def imported(  # noqa: PLR0913, PLR0917 - one option each
        file: TableFile,
        mapping: MappingFile = None,
        save_mapping: SaveMapping = None,
        marketplace: Marketplace = None,
        country: Country = None,
        revision: Revision = None,
        dry_run: DryRun = False,
        events: EventsFile = None,
        yes: Yes = False,
        limit: Limit = 20,
        as_json: AsJson = False,
    ) -> None:
        asked = Asked(
            file,
            mapping,
            save_mapping,
            marketplace,
            country,
            revision,
            dry_run,
            events,
            yes,
            limit,
            as_json,
            json_lines,
        )
        _run(asked)

    return imported


def _run(asked: Asked) -> None:
    now = utc_now()
    mapping = None if asked.mapping is None else read_mapping(asked.mapping)
    if mapping is not None and asked.save is not None:
        raise typer.BadParameter("--save-mapping writes a guessed mapping; leave --mapping out to guess one")
    with opened(asked.file) as stream:
        table = open_table(stream, mapping, json_lines=asked.json_lines)
        notes.print(f"{asked.file}: {table.described()}", highlight=False, markup=False, soft_wrap=True)
        if mapping is None:
            mapping = _guess(asked, table)
        mapping = _completed(asked, mapping)
        marketplace = mapping.marketplace or ""
        events = Events(planned(table, mapping, now))
        with _target(asked, marketplace) as target:
            _read(asked, events, table, target)
    raise typer.Exit(target.ended(asked, events.tally))


def _guess(asked: Asked, table: Table) -> Mapping:
    """The guessed mapping, shown and saved; ends the command where it cannot be used as it stands."""
    found = guessed(table, Told(asked.marketplace, asked.country))
    show_guess(table, found, as_json=asked.as_json)
    if asked.save is not None:
        try:
            asked.save.write_text(written_mapping(found.mapping, found.questions), encoding="utf-8")
        except OSError as error:
            raise typer.BadParameter(f"cannot write {asked.save}: {error.strerror}") from error
        notes.print(f"mapping written to {asked.save}", highlight=False, markup=False, soft_wrap=True)
    target = asked.save or Path("MAPPING.yaml")
    asked_of_user = counted(len(found.questions), "question")
    if found.questions and asked.save is not None:
        notes.print(f"{asked_of_user} open: answer in {target}, then import with --mapping {target}", highlight=False)
        raise typer.Exit(0)
    if found.questions:
        raise MappingError(
            f"{asked_of_user} about the mapping open. Save it with --save-mapping {target}, answer there, and import "
            f"with --mapping {target}."
        )
    if not (asked.dry_run or asked.events or asked.yes):
        notes.print(
            f"nothing published. Look at the mapping; then save it (--save-mapping {target}) and import with --mapping "
            f"{target}, or publish by it as it stands with --yes. --dry-run says what would become of each row.",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
        raise typer.Exit(0)
    return found.mapping


def show_guess(table: Table, found: Guess, *, as_json: bool) -> None:
    """Print a guessed mapping, the columns that it does not use, and what it asks."""
    used = {line.column for line in found.lines}
    unused = [name for name in table.header if name and name not in used] if table.is_named() else []
    if as_json:
        lines = [line._asdict() for line in found.lines]
        print_json({"guess": lines, "questions": found.questions, "unused": unused})
        return
    rows = [(line.column, line.fact, line.form, line.confidence, line.reason) for line in found.lines]
    print_table("Guessed mapping", ("~column", "fact", "~form", "confidence", "~reason"), rows)
    if unused:
        console.print(f"Not used: {', '.join(unused)}", highlight=False, markup=False, soft_wrap=True)
    if not table.is_named():
        text = f"{len(table.header)} columns, and too few names that are known to show them."
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    for number, question in enumerate(found.questions, start=1):
        console.print(f"Question {number}: {question}.", highlight=False, markup=False, soft_wrap=True)


def _completed(asked: Asked, mapping: Mapping) -> Mapping:
    """The mapping with what the options say. Raises MappingError."""
    facts = dict(mapping.facts)
    if asked.revision is not None:
        if "revision" in facts:
            raise MappingError("the mapping tells the revision already; leave out --revision, or the fact")
        facts["revision"] = Source(value=asked.revision)
    content = mapping.model_dump() | {
        "marketplace": marketplace_named(asked.marketplace, mapping, load_settings().marketplaces),
        "facts": facts,
        "file": FileForm(**mapping.file.model_dump()),
    }
    return Mapping.model_validate(content)


def marketplace_named(option: str | None, mapping: Mapping, configured: Sequence[str]) -> str:
    """Whose parcels they are: by the option, by the mapping, or as the only one there is. Raises MappingError."""
    if option and mapping.marketplace not in {None, option}:
        raise MappingError(f"the mapping is for {mapping.marketplace}, --marketplace says {option}; use one")
    marketplace = option or mapping.marketplace or (configured[0] if len(configured) == 1 else None)
    if marketplace is None:
        there_are = ", ".join(configured)
        raise MappingError(
            f"no marketplace is named; write `marketplace:` in the mapping, or --marketplace, of {there_are}"
        )
    return marketplace


class _Target:
    """Where events go: nowhere, into a file, or to Kafka; and how they ended."""

    def __init__(self, take: Callable[[Made], object], sending: Sending | None, *, written: bool) -> None:
        self.take = take
        self._sending = sending
        self._written = written
        self.stopped = ""
        self.interrupted = False

    def ended(self, asked: Asked, tally: Tally) -> int:
        """Print the counts; the exit code."""
        sending = self._sending
        published = 0 if sending is None else sending.delivered
        unknown = 0 if sending is None else sending.unknown
        read = tally.made + tally.refused
        counts: dict[str, Any] = {
            "rows": tally.rows, "blank": tally.blank, "parcels": tally.parcels, "without_event": tally.without_event,
            "read": read, "published": published, "refused": tally.refused,
            "not_sent": tally.made - published - unknown, "unknown": unknown,
        }  # fmt: skip
        if self._written:
            counts["written"] = tally.made
        if self.stopped or self.interrupted:
            counts["complete"] = False
        if asked.as_json:
            print_json(counts)
        else:
            notes.print(self._text(counts), highlight=False, markup=False, soft_wrap=True)
        if self.interrupted:
            return INTERRUPTED
        lost = sending is not None and published != tally.made
        return 1 if tally.refused or lost or self.stopped else 0

    def _text(self, counts: dict[str, Any]) -> str:
        text = f"{counts['rows']} rows, {counts['parcels']} parcels, {counts['read']} events: "
        if self._sending is None:
            done = f"{counts['written']} written" if self._written else f"{counts['not_sent']} would be published"
            text += f"{done}, {counts['refused']} refused"
        else:
            text += f"{counts['published']} published, {counts['refused']} refused, {counts['not_sent']} not sent"
        if counts["unknown"]:
            text += f", {counts['unknown']} unknown (import the file again: an event that arrived counts once)"
        if counts["without_event"]:
            text += f"; {counts['without_event']} parcels say of nothing when it happened"
        if "complete" in counts:
            text += "; the rest of the file was not read: import it again, an event that arrived counts once"
        return text


@contextmanager
def _target(asked: Asked, marketplace: str) -> Iterator[_Target]:
    wire = Wire(marketplace)
    if asked.events is not None:
        if str(asked.events) == "-":
            yield _Target(lambda made: typer.echo(wire.line(made), nl=False), None, written=True)
            return
        part = asked.events.with_name(f"{asked.events.name}.part")
        try:
            stream = part.open("w", encoding="utf-8", newline="\n", buffering=1 << 20)
        except OSError as error:
            raise typer.BadParameter(f"cannot write {asked.events}: {error.strerror}") from error
        with stream:
            target = _Target(lambda made: stream.write(wire.line(made)), None, written=True)
            yield target
        if not (target.interrupted or target.stopped):
            part.replace(asked.events)
        return
    if asked.dry_run:
        yield _Target(wire.line, None, written=False)
        return
    sending = Sending(_connect(marketplace), wire)
    try:
        yield _Target(sending.take, sending, written=False)
    finally:
        for receipt in sending.finish()[: asked.limit]:
            notes.print(f"{receipt.event_id}: {receipt.outcome}, {receipt.reason}", markup=False, soft_wrap=True)
        if sending.obstacle:
            notes.print(sending.obstacle, highlight=False, markup=False, soft_wrap=True)


def _connect(marketplace: str) -> Callable[[], Publisher]:
    settings = kafka_settings()
    if marketplace not in settings.marketplaces:
        names = ",".join((*settings.marketplaces, marketplace))
        raise PublisherError(
            f"the marketplace {marketplace} is not in GREENLANE_MARKETPLACES; correct the mapping, or add it there: "
            f"export GREENLANE_MARKETPLACES={names}, and start the services again with it"
        )
    return lambda: Publisher(settings.kafka_bootstrap_servers, marketplace, Options())


def _read(asked: Asked, events: Events, table: Table, target: _Target) -> None:
    """Read the whole table into the target, and show what is refused."""
    shown = 0
    try:
        with late_progress("events") as tick:
            for found in events.read(rows_of(table, events.plan)):
                tick()
                if isinstance(found, Made):
                    target.take(found)
                    continue
                shown += 1
                if asked.as_json:
                    print_json(found._asdict())
                elif shown <= asked.limit:
                    _show(found)
    except KeyboardInterrupt:
        target.interrupted = True
    except (UnreadableTableError, OSError) as error:
        target.stopped = str(error)
        notes.print(f"stopped: {error}", highlight=False, markup=False, soft_wrap=True)
    if not asked.as_json and shown > asked.limit:
        notes.print(f"and {shown - asked.limit} more; --limit shows more of them, --json every one", highlight=False)


def _show(fault: Fault) -> None:
    console.print(str(fault), highlight=False, markup=False, soft_wrap=True)
