"""`greenlane scores`, `decisions` and `recompute`: what came out, and whether it is what it must be."""

from typing import Annotated

import typer

from greenlane.accounts.oracle.recompute import recompute as recompute_accounts
from greenlane.cli.accounts.statements import latest_statements, read_statements
from greenlane.cli.connection import kafka_settings
from greenlane.cli.options import CheckpointOption, FactorsOption
from greenlane.cli.output import AsJson, console, counted, no_such, notes, print_lines, print_table, progress
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.topics import BADGE_DECISIONS, SELLER_SCORES
from greenlane.methodology.explaining.rule_text import REASON_MEANING, missing_text
from greenlane.settings import Settings

app = typer.Typer()
SHOWN = 30
NO_SCORE = (
    "No score yet. A score is published once a day of the marketplace is closed: "
    "`greenlane close-days MARKETPLACE --first DAY --through DAY`, or by the clock at midnight UTC for those in "
    "GREENLANE_LIVE_MARKETPLACES."
)
NO_DECISION = (
    "No badge decision yet. Badges are decided when a day is closed; `greenlane scores` says what each seller lacks."
)
Limit = Annotated[int | None, typer.Option(min=1, help="Show at most this many; without it 30 rows, with --json all.")]
Seller = Annotated[str | None, typer.Option(help="Only this seller, as <marketplace>/<seller_id>.")]


def latest_scores(settings: Settings) -> list[SellerScore]:
    """The current score of every seller, best first."""
    latest = {(score.source, score.subject): score for score in latest_statements(settings, SELLER_SCORES, SellerScore)}
    return sorted(latest.values(), key=lambda score: (-score.data.score.green, score.source, score.subject))


def all_decisions(settings: Settings) -> list[BadgeDecision]:
    """Every badge decision once, oldest first."""
    unique = {decision.id: decision for decision in read_statements(settings, BADGE_DECISIONS, BadgeDecision)}
    return sorted(unique.values(), key=lambda decision: (decision.data.day, decision.source, decision.subject))


@app.command()
def scores(
    seller: Seller = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List sellers with score, grade, badge level, and what is missing for the next badge.

    Example: `greenlane scores --limit 10`
    """
    everyone = latest_scores(kafka_settings())
    found = [score for score in everyone if seller in {None, _name(score)}]
    if seller is not None and not found:
        raise no_such("seller", seller, map(_name, everyone))
    if as_json:
        print_lines(found[:limit])
        return
    if not everyone:
        notes.print(NO_SCORE, highlight=False, soft_wrap=True)
        return
    show_scores(found, limit or SHOWN, f"Scores ({counted(len(found), 'seller')})")


def show_scores(found: list[SellerScore], limit: int, title: str) -> None:
    """Print scores as a table."""
    if len(found) > limit:
        notes.print(f"{limit:,} of {len(found):,} are shown; --limit shows more of them, --json all")
    rows = [
        (
            _name(score),
            f"{score.data.score.green:.1f}",
            score.data.score.grade,
            f"{score.data.score.packaging:.1f}",
            f"{score.data.score.delivery:.1f}",
            score.data.standing.level,
            missing_text(score.data.standing.next_level, score.data.standing.rules),
            score.data.day,
        )
        for score in found[:limit]
    ]
    columns = (
        "seller",
        ">green",
        "grade",
        ">packaging",
        ">delivery",
        "badge",
        "~what is missing for the next badge",
        "day",
    )
    print_table(title, columns, rows)


@app.command()
def decisions(seller: Seller = None, limit: Limit = None, as_json: AsJson = False) -> None:
    """List every badge decision with its reason, oldest first; --limit shows the latest ones.

    Example: `greenlane decisions --json`
    """
    settings = kafka_settings()
    everything = all_decisions(settings)
    found = [item for item in everything if seller in {None, _name(item)}]
    if seller is not None and not found:
        known = {_name(score) for score in latest_scores(settings)}
        if seller not in known:
            raise no_such("seller", seller, known)
    if as_json:
        print_lines(found[-limit:] if limit else found)
        return
    if not found:
        notes.print(NO_DECISION, highlight=False, soft_wrap=True)
        return
    shown = found[-(limit or SHOWN) :]
    if len(shown) < len(found):
        notes.print(f"The latest {len(shown):,} of {len(found):,} are shown; --limit shows more of them, --json all")
    show_decisions(shown, f"Badge decisions ({len(found):,})")


def show_decisions(found: list[BadgeDecision], title: str) -> None:
    """Print decisions as a table."""
    rows = [
        (
            item.data.day,
            _name(item),
            item.type,
            item.data.previous_level,
            item.data.level,
            REASON_MEANING.get(item.data.reason, item.data.reason),
            f"{item.data.score.green:.1f}",
        )
        for item in found
    ]
    columns = ("day", "seller", "decision", "from", "to", "~reason", ">green")
    print_table(title, columns, rows)


def _name(statement: SellerScore | BadgeDecision) -> str:
    return f"{statement.data.marketplace}/{statement.subject}"


@app.command()
def recompute(
    factors: FactorsOption = None,
    checkpoint: CheckpointOption = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild every account from the topics in an independent program and compare. Exits 1 if anything differs.

    Example: `greenlane recompute --json`
    """
    settings = kafka_settings()
    with progress() as shown:
        task = shown.add_task("recomputing every account", total=None)
        comparison = recompute_accounts(
            settings,
            factors=tuple(factors or ()),
            progress=lambda done, total: shown.update(task, completed=done, total=total),
            checkpoint=checkpoint,
        )
    if as_json:
        typer.echo(comparison.to_json())
    else:
        console.print(comparison.to_text(), highlight=False, markup=False)
    raise typer.Exit(0 if comparison.agrees else 1)
