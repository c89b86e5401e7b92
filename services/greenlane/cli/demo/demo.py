"""`greenlane demo`: everything at once on real input, and the proof that what arrived is what was published."""

import asyncio
import contextlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from greenlane.accounts.clock.day_closer import ClosingError
from greenlane.accounts.clock.lag import LagMeter
from greenlane.accounts.oracle.compare import Comparison
from greenlane.accounts.oracle.recompute import recompute
from greenlane.cli.accounts.results import all_decisions, latest_scores, show_decisions, show_scores
from greenlane.cli.dead_letters import all_letters, show_letters
from greenlane.cli.demo.receiver import DemoReceiver
from greenlane.cli.output import console, notes, progress
from greenlane.cli.replays import import_olist, run_simulation
from greenlane.cli.running.machine import terminated_by_signal
from greenlane.cli.running.stack import Stack
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.topics import ASSESSMENTS, marketplace_of
from greenlane.methodology.vocabulary import BadgeLevel
from greenlane.publishing.adapters.olist.events import MARKETPLACE as OLIST_MARKETPLACE
from greenlane.publishing.history.replay import Pace, ReplayReport
from greenlane.publishing.simulator.goods import SIMULATED_FROM
from greenlane.publishing.simulator.marketplace import SimulationPlan
from greenlane.settings import Settings, load_settings
from greenlane.webhooks.management.administration import administration

app = typer.Typer()
OLIST_SAMPLE = Path("../shared/data")
SETTLE_SECONDS = 120.0
SHOWN = 15


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything the demo counted, published on one side and arrived on the other."""

    published: int
    comparison: Comparison
    scores: list[SellerScore]
    decisions: list[BadgeDecision]
    expected: frozenset[tuple[str, str]]
    verified: frozenset[tuple[str, str]]
    seconds: float

    @property
    def missing(self) -> frozenset[tuple[str, str]]:
        """Webhooks that should have arrived and did not: (path, CloudEvent id)."""
        return self.expected - self.verified

    @property
    def complete(self) -> bool:
        """Whether everything that was published arrived, once, and every account is the oracle's."""
        arrived = self.comparison.published - self.comparison.ignored
        return self.comparison.agrees and not self.missing and arrived == self.published

    def to_json(self) -> dict[str, float]:
        """The demo's last line."""
        found = self.comparison
        return {
            "published": self.published,
            "assessed": found.assessed,
            "ignored": found.ignored,
            "duplicates": found.duplicates,
            "superseded": found.superseded,
            "late": found.late,
            "dead_letters": found.dead_letters,
            "unaccounted": found.unaccounted,
            "sellers": found.sellers,
            "badges": sum(score.data.standing.level is not BadgeLevel.NONE for score in self.scores),
            "decisions": len(self.decisions),
            "different": found.different,
            "webhooks_expected": len(self.expected),
            "webhooks_verified": len(self.verified & self.expected),
            "webhooks_missing": len(self.missing),
            "seconds": round(self.seconds, 1),
        }


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Check the result, print it as one JSON line, and exit.")
    ] = False,
    olist: Annotated[Path, typer.Option(help="Folder with the Olist sample; left out if absent.")] = OLIST_SAMPLE,
    sellers: Annotated[int, typer.Option(min=1, help="Simulated sellers.")] = 200,
    days: Annotated[int, typer.Option(min=1, help="Simulated days.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed makes the same marketplace.")] = 1,
) -> None:
    """Start everything, import real orders, simulate a marketplace, and show scores, badges and webhooks.

    Uses its own data folder below the configured one and begins with an empty one each time.

    Example: `greenlane demo --once`
    """
    began = time.monotonic()
    base = load_settings()
    settings = base.model_copy(
        update={"data_dir": base.data_dir / "demo", "webhook_allow_private_networks": True, "live_marketplaces": ()}
    )
    shutil.rmtree(settings.data_dir, ignore_errors=True)
    with terminated_by_signal(), DemoReceiver() as receiver, Stack(settings, notify=notes.print) as stack:
        console.print(stack.table())
        result = play(stack.settings, receiver, SimulationPlan(seed=seed, sellers=sellers, days=days), olist, began)
        _show(stack.settings, receiver, result)
        if once:
            typer.echo(json.dumps(result.to_json()))
            raise typer.Exit(0 if result.complete else 1)
        notes.print(f"\nLook around with: export GREENLANE_DATA_DIR={settings.data_dir}; greenlane --help")
        notes.print("Everything keeps running. Ctrl-C stops it.")
        with contextlib.suppress(KeyboardInterrupt):
            stack.keep_running()


def play(settings: Settings, receiver: DemoReceiver, plan: SimulationPlan, olist: Path, began: float) -> DemoResult:
    """Publish the sample and the simulation to a running stack, wait for every webhook, and count what arrived."""
    endpoints = {marketplace: f"/{marketplace}" for marketplace in settings.marketplaces}
    _add_endpoints(settings, receiver, endpoints)
    published = 0
    if olist.is_dir():
        published += _published(import_olist(settings, [olist], Pace(close_every=30)))
    else:
        notes.print(f"No Olist sample in {olist}: the demo runs on simulated parcels of {SIMULATED_FROM}.")
    published += _published(run_simulation(settings, plan, Pace()))
    _wait_for_scores(settings)
    scores, decisions = latest_scores(settings), all_decisions(settings)
    stated: list[SellerScore | BadgeDecision] = [*scores, *decisions]
    expected = frozenset((endpoints[item.data.marketplace], item.id) for item in stated)
    _wait_for_webhooks(receiver, expected)
    with progress() as shown:
        task = shown.add_task("recomputing every account independently", total=None)
        comparison = recompute(settings, progress=lambda done, total: shown.update(task, completed=done, total=total))
    return DemoResult(
        published, comparison, scores, decisions, expected, frozenset(receiver.verified), time.monotonic() - began
    )


def _published(report: ReplayReport) -> int:
    return report.by_kind.total()


def _add_endpoints(settings: Settings, receiver: DemoReceiver, endpoints: dict[str, str]) -> None:
    async def add() -> None:
        async with administration(settings) as desk:
            for marketplace, path in endpoints.items():
                new = await desk.add_endpoint(receiver.url(path), marketplace)
                receiver.expect(path, new.secret)

    asyncio.run(add())


def _wait_for_scores(settings: Settings) -> None:
    """Wait until every stream service has read everything there is."""
    deadline = time.monotonic() + SETTLE_SECONDS
    with LagMeter(settings.kafka_bootstrap_servers) as meter, progress() as shown:
        task = shown.add_task("waiting for the accounts", total=None)
        while (behind := _behind(meter, settings)) != 0:
            if time.monotonic() > deadline:
                raise ClosingError(
                    f"{_count(behind)} records were still unread after {SETTLE_SECONDS:.0f} s; look at the logs"
                )
            shown.update(task, description=f"waiting for the accounts, {_count(behind)} records to read")
            time.sleep(0.2)


def _count(behind: int | None) -> str:
    """A count for people."""
    return "an unknown number of" if behind is None else str(behind)


def _behind(meter: LagMeter, settings: Settings) -> int | None:
    lag = meter.offsets_behind(settings.marketplaces)
    if lag is None:
        return None
    return sum(
        count for (_, topic, _), count in lag.items() if topic == ASSESSMENTS or marketplace_of(topic) is not None
    )


def _wait_for_webhooks(receiver: DemoReceiver, expected: frozenset[tuple[str, str]]) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    with progress() as shown:
        task = shown.add_task("waiting for the webhooks", total=len(expected))
        while True:
            arrived = len(expected & frozenset(receiver.verified))
            shown.update(task, completed=arrived)
            if arrived == len(expected) or time.monotonic() > deadline:
                return
            time.sleep(0.2)


def _show(settings: Settings, receiver: DemoReceiver, result: DemoResult) -> None:
    ours = [score for score in result.scores if score.data.marketplace != OLIST_MARKETPLACE]
    olist = [score for score in result.scores if score.data.marketplace == OLIST_MARKETPLACE]
    show_scores(_spread(ours), SHOWN, f"Scores: {len(ours)} simulated sellers of real goods, from best to worst")
    if olist:
        show_scores(
            _spread(olist)[::5], SHOWN, f"Scores: {len(olist)} sellers of Olist (materials and vehicles undeclared)"
        )
    show_decisions(result.decisions[-SHOWN:], f"Badge decisions: the last of {len(result.decisions)}")
    letters = all_letters(settings)
    one_of_each = list({letter.data.failure.code: letter for letter in letters}.values())
    show_letters(one_of_each, f"Dead letters: one for each reason, {len(letters)} in all")
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(receiver.counts.items()))
    console.print(f"Webhooks received with a good signature: {kinds}", highlight=False)
    console.print(result.comparison.to_text(), highlight=False, markup=False)


def _spread(scores: list[SellerScore]) -> list[SellerScore]:
    """Sellers evenly spaced from best to worst."""
    step = max(1, -(-len(scores) // SHOWN))
    return scores[::step]
