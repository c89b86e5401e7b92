"""`greenlane topics`: compare Kafka with the declared topics, and bring it there without ever losing a record."""

import typer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import AsJson, console, notes, print_json
from greenlane.contracts.topics import ASSESSMENTS, declared_topics
from greenlane.operations.rules import adopt_missing
from greenlane.operations.topic_provisioning import TopicPlan
from greenlane.operations.topic_provisioning import apply as apply_topics
from greenlane.operations.topic_provisioning import plan as plan_topics

app = typer.Typer(help="Create and check the topics.", no_args_is_help=True)


@app.command()
def plan(as_json: AsJson = False) -> None:
    """Show what `apply` would change, and change nothing. Exits 1 if anything differs.

    Example: `greenlane topics plan`
    """
    settings = kafka_settings()
    declared = declared_topics(settings.marketplaces)
    found = plan_topics(settings.kafka_bootstrap_servers, declared, settings.partitions, settings.replication_factor)
    _show(found, as_json, "Every topic is as declared.")
    raise typer.Exit(1 if found.changes else 0)


@app.command()
def apply(as_json: AsJson = False) -> None:
    """Create missing topics and correct their settings, without losing a record. Exits 1 if something is refused.

    It never shortens what a topic keeps, and never adds partitions to a topic with keys. It also writes the
    marketplaces into the log, and the policy and the factors if the log has none yet.

    Example: `GREENLANE_MARKETPLACES=demo-vn,olist-br greenlane topics apply`
    """
    settings = kafka_settings()
    declared = declared_topics(settings.marketplaces)
    done = apply_topics(settings.kafka_bootstrap_servers, declared, settings.partitions, settings.replication_factor)
    _show(done, as_json, "Every topic was as declared already.")
    if adopt_missing(settings, anew=done.creates(ASSESSMENTS)):
        notes.print("Rules adopted for " + ", ".join(settings.marketplaces) + "; `greenlane policy show` shows them.")
    raise typer.Exit(1 if done.refused else 0)


def _show(plan_: TopicPlan, as_json: bool, nothing: str) -> None:
    if as_json:
        print_json(plan_.to_json())
    elif plan_.changes:
        console.print(plan_.table())
    else:
        notes.print(nothing)
