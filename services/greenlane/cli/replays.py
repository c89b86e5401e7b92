"""`greenlane import olist` and `simulate`: histories published in the order things happened, days closed on the way."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from greenlane.accounts.clock.closed_days import closed_through
from greenlane.accounts.clock.day_closer import DayCloser, refuse_no_run
from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import AsJson, notes, print_json, progress
from greenlane.cli.tables import CSV_HELP, JSONL_HELP, table_importer
from greenlane.operations.rules import adopt_missing
from greenlane.publishing.adapters.olist.events import MARKETPLACE as OLIST_MARKETPLACE
from greenlane.publishing.adapters.olist.events import read_olist
from greenlane.publishing.adapters.olist.files import OlistError
from greenlane.publishing.history.replay import Pace, ReplayReport, replay
from greenlane.publishing.history.timeline import TimedEvent
from greenlane.publishing.sdk.publisher import Options, Publisher
from greenlane.publishing.simulator.marketplace import SimulationPlan
from greenlane.publishing.simulator.marketplace import simulate as simulated
from greenlane.publishing.simulator.truth import TruthFile
from greenlane.settings import Settings

app = typer.Typer()
importing = typer.Typer(help="Publish existing data as events.", no_args_is_help=True)

FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
Rate = Annotated[float, typer.Option(min=0, help="Events a second; 0 is as fast as possible.")]
CloseEvery = Annotated[int, typer.Option(min=1, help="Days that one closing covers.")]


app.add_typer(importing, name="import")


@importing.callback()
def _importing() -> None:
    """Keep `olist` a subcommand: other sources stand beside it."""


importing.command("csv", help=CSV_HELP)(table_importer(json_lines=False))
importing.command("jsonl", help=JSONL_HELP)(table_importer(json_lines=True))


@importing.command()
def olist(
    folders: Annotated[list[Path], typer.Argument(help="Folders that hold the Olist CSV files and municipios.csv.")],
    rate: Rate = 0.0,
    close_every: CloseEvery = 30,
    as_json: AsJson = False,
) -> None:
    """Publish the public Olist data set: real weights, dimensions, times, sellers and places.

    The data name no materials and no vehicles. So these stay undeclared, and the scores are low.

    Example: `greenlane import olist ../shared/data`
    """
    report = import_olist(kafka_settings(), folders, Pace(rate, close_every))
    _show(report, as_json)


def import_olist(settings: Settings, folders: list[Path], pace: Pace) -> ReplayReport:
    """Publish the Olist data set found below these folders and close its days; returns what was published."""
    try:
        data = read_olist(folders)
    except OlistError as error:
        notes.print(str(error), style="bold red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    report = play(settings, OLIST_MARKETPLACE, data.events(), pace, "Olist orders")
    for line in data.report.lines():
        notes.print(line, highlight=False)
    return report


@app.command()
def simulate(  # noqa: PLR0913, PLR0917 - one option each
    seed: Annotated[int, typer.Option(help="The same seed makes the same events.")] = 1,
    sellers: Annotated[int, typer.Option(min=1)] = 200,
    days: Annotated[int, typer.Option(min=1)] = 60,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.", show_default=f"{FIRST_DAY:%Y-%m-%d}")
    ] = FIRST_DAY,
    parcels_per_day: Annotated[
        float, typer.Option(min=0.01, help="Average number of parcels that a seller packs in a day.")
    ] = 1.6,
    rate: Rate = 0.0,
    close_every: CloseEvery = 1,
    truth: Annotated[
        Path | None, typer.Option(help="Write each fact that counts to this file, .gz to compress it.", dir_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish a synthetic Vietnamese marketplace: habits, sale days, returns, corrections, bad events.

    Sellers and buyers are invented; goods and boxes are real ones. The truth file says what the simulator knows of its
    own parcels: which facts count, from when until when. It holds no scores. Whoever computes them by the method's
    document finds the accounts.

    Example: `greenlane simulate --sellers 50 --days 30 --seed 7`
    Example: `greenlane simulate --sellers 50 --truth truth.jsonl.gz`
    """
    plan = SimulationPlan(
        seed=seed, sellers=sellers, days=days, start=start.date(), rate=parcels_per_day, close_every=close_every
    )
    _show(run_simulation(kafka_settings(), plan, Pace(rate, close_every), truth), as_json)


def run_simulation(settings: Settings, plan: SimulationPlan, pace: Pace, truth: Path | None = None) -> ReplayReport:
    """Publish the plan's events and close its days; returns what was published.

    What counts of them goes to the file `truth`; a file that cannot be written ends the command with code 2.
    """
    title = "simulated events"
    if truth is None:
        return play(settings, plan.marketplace, simulated(plan), pace, title)
    try:
        opened = TruthFile(truth, plan)
    except OSError as error:
        raise typer.BadParameter(f"{truth} cannot be written: {error.strerror}", param_hint="--truth") from error
    with opened as written:
        report = play(settings, plan.marketplace, written.watch(simulated(plan)), pace, title)
        written.finish(report.closed)
    return report


@app.command()
def close_days(
    marketplace: Annotated[str, typer.Argument(help="Marketplace whose days are over.")],
    through: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day to close.")],
    first: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day of the history; it matters only at the first closing."),
    ] = None,
) -> None:
    """Close days by hand, once both scorers have read what is published; badges are decided then.

    Exits 1 if these days are closed already: a closed day cannot be opened (`greenlane reassess` makes a new log).
    The clock does this every midnight UTC for the marketplaces in GREENLANE_LIVE_MARKETPLACES.

    Example: `greenlane close-days demo-vn --through 2026-07-03`
    """
    settings = kafka_settings()
    if marketplace not in settings.marketplaces:
        raise typer.BadParameter(_unknown(marketplace, settings))
    refuse_no_run((first or through).date(), through.date())
    closed = closed_through(settings.kafka_bootstrap_servers, marketplace)
    if closed is not None and through.date() <= closed:
        notes.print(
            f"nothing closed: {marketplace} is closed through {closed} already. If that was a mistake, "
            "`greenlane reassess --help` names the way back.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        raise typer.Exit(1)
    adopt_missing(settings)
    with DayCloser(settings.kafka_bootstrap_servers) as closer:
        closer.close(marketplace, (first or through).date(), through.date())
    notes.print(f"closed {marketplace} through {through.date()}")


def play(settings: Settings, marketplace: str, events: Iterable[TimedEvent], pace: Pace, title: str) -> ReplayReport:
    """Publish a history, closing its days as it goes, with progress on standard error."""
    if marketplace not in settings.marketplaces:
        raise typer.BadParameter(_unknown(marketplace, settings))
    servers = settings.kafka_bootstrap_servers
    adopt_missing(settings)

    def close(through: str, first_day: date, last_day: date) -> None:
        closer.close(through, first_day, last_day)
        shown.update(task, description=f"{title}, closed through {last_day}")

    with progress() as shown, DayCloser(servers) as closer, Publisher(servers, marketplace, Options()) as publisher:
        task = shown.add_task(title, total=None)
        return replay(
            events,
            publisher,
            pace,
            close=close,
            progress=lambda report: shown.update(task, completed=report.by_kind.total()),
        )


def _unknown(marketplace: str, settings: Settings) -> str:
    there_are = ",".join(settings.marketplaces)
    return (
        f"there is no marketplace {marketplace}; there are: {there_are}. To add it: export "
        f"GREENLANE_MARKETPLACES={there_are},{marketplace} and restart `greenlane up`"
    )


def _show(report: ReplayReport, as_json: bool) -> None:
    counted = {str(kind): count for kind, count in sorted(report.by_kind.items())}
    if as_json:
        print_json({"published": report.by_kind.total(), "by_kind": counted})
        return
    notes.print(
        f"{report.by_kind.total()} published: " + ", ".join(f"{count} {kind}" for kind, count in counted.items())
    )
