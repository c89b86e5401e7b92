"""`greenlane scores`, `decisions` and `recompute`: what came out, and whether it is what it must be."""

from collections.abc import Iterator
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel

from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import AsJson, console, counted, print_json, print_table, progress
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.topics import BADGE_DECISIONS, SELLER_SCORES
from greenlane.methodology.rule_text import REASON_MEANING, missing_text
from greenlane.oracle.recompute import recompute as recompute_accounts
from greenlane.oracle.topics_reader import TopicsReader
from greenlane.settings import Settings

app = typer.Typer()
Statement = TypeVar("Statement", bound=BaseModel)
Seller = Annotated[str | None, typer.Option(help="Only this seller, as <marketplace>/<seller_id>.")]


def latest_scores(settings: Settings) -> list[SellerScore]:
    """The current score of every seller, best first."""
    latest = {(score.source, score.subject): score for score in _statements(settings, SELLER_SCORES, SellerScore)}
    return sorted(latest.values(), key=lambda score: (-score.data.score.green, score.source, score.subject))


def all_decisions(settings: Settings) -> list[BadgeDecision]:
    """Every badge decision once, oldest first."""
    unique = {decision.id: decision for decision in _statements(settings, BADGE_DECISIONS, BadgeDecision)}
    return sorted(unique.values(), key=lambda decision: (decision.data.day, decision.source, decision.subject))


def _statements(settings: Settings, topic: str, model: type[Statement]) -> Iterator[Statement]:
    with TopicsReader(settings.kafka_bootstrap_servers, [topic], lambda _read, _total: None) as reader:
        for record in reader.records(topic):
            if record.value is not None:
                yield model.model_validate_json(record.value)


@app.command()
def scores(
    seller: Seller = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows to print.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Sellers with score, grade, badge level, and what is missing for the next badge.

    Example: `greenlane scores --limit 10`
    """
    found = [score for score in latest_scores(kafka_settings()) if seller in {None, _name(score)}]
    if as_json:
        for score in found:
            print_json(score)
        return
    show_scores(found, limit, f"Scores ({counted(len(found), 'seller')})")


def show_scores(found: list[SellerScore], limit: int, title: str) -> None:
    """Print scores as a table."""
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
def decisions(seller: Seller = None, as_json: AsJson = False) -> None:
    """Every badge decision with its reason.

    Example: `greenlane decisions --json`
    """
    found = [item for item in all_decisions(kafka_settings()) if seller in {None, _name(item)}]
    if as_json:
        for item in found:
            print_json(item)
        return
    show_decisions(found, f"Badge decisions ({len(found)})")


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
def recompute(as_json: AsJson = False) -> None:
    """Rebuild every account from the topics in an independent program and compare. Exits 1 if anything differs.

    Example: `greenlane recompute --json`
    """
    settings = kafka_settings()
    with progress() as shown:
        task = shown.add_task("recomputing every account", total=None)
        comparison = recompute_accounts(
            settings, progress=lambda done, total: shown.update(task, completed=done, total=total)
        )
    if as_json:
        typer.echo(comparison.to_json())
    else:
        console.print(comparison.to_text(), highlight=False, markup=False)
    raise typer.Exit(0 if comparison.agrees else 1)
