"""`greenlane reassess`: has every event assessed again into a new log, the way back from days closed by mistake."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack

import typer
from kafka.admin import KafkaAdminClient
from kafka.errors import GroupIdNotFoundError, NonEmptyGroupError

from greenlane.accounts.clock.day_closer import SCORERS
from greenlane.cli.connection import settings_here, some_kafka
from greenlane.cli.output import notes
from greenlane.contracts.topics import (
    AGGREGATOR_CHANGELOG,
    ASSESSMENTS,
    BADGE_DECISIONS,
    SELLER_SCORES,
    declared_topics,
    group_of,
)
from greenlane.errors import GreenlaneError
from greenlane.operations.kafka_admin import kafka_admin, running_groups
from greenlane.operations.rules import adopt_missing
from greenlane.operations.running_stack import StackFolder
from greenlane.operations.topic_provisioning import apply
from greenlane.settings import Settings

app = typer.Typer()
SERVICES = (*SCORERS, "aggregator")
DERIVED = (ASSESSMENTS, AGGREGATOR_CHANGELOG, SELLER_SCORES, BADGE_DECISIONS)
"""Everything that is made of the events, and of nothing else."""

SESSION_SECONDS = 60.0
REMOVAL_SECONDS = 30.0
POLL_SECONDS = 0.5


class ReassessError(GreenlaneError):
    """The events cannot be assessed again as things are; the text says why and what to do."""


@app.command()
def reassess(
    yes: bool = typer.Option(False, "--yes", help="Do it. Without this option it only says what it would do."),
) -> None:
    """Delete assessments, accounts, scores and decisions, and assess every event again.

    Use it when days were closed by mistake. A closed day cannot be opened in the same log, so this makes a new log
    under the rules in use. All events that are still kept count again, late ones too, and no day is closed: close the
    days with `greenlane close-days MARKETPLACE --first … --through …` before the clock does. New scores and decisions
    may have the ids of old ones, and receivers drop ids that they know: tell them what was wrong. Sellers that were
    erased come back with their events: erase them again. A running `greenlane up` stops its scorers and its aggregator
    meanwhile; stop all others first.

    Example: `greenlane reassess --yes`
    """
    here = settings_here()
    if not yes:
        notes.print(f"This would delete {', '.join(DERIVED)}, and assess every event again. Run it with --yes.")
        raise typer.Exit(1)
    with ExitStack() as held:
        stack = StackFolder(here.data_dir)
        if stack.find() is not None:
            why = f"`greenlane reassess` (process {os.getpid()}) makes a new log"
            for service in SERVICES:
                held.enter_context(stack.holding(service, why))
        _reassess(held.enter_context(some_kafka(here)))
    notes.print("The log is new. The scorers assess every event again as soon as they run; then close the days.")


def _reassess(settings: Settings) -> None:
    with kafka_admin(settings.kafka_bootstrap_servers) as admin:
        _forget_commits(admin, [group_of(service) for service in SERVICES])
        _remove(admin, [topic for topic in DERIVED if topic in admin.list_topics()])
    declared = declared_topics(settings.marketplaces)
    apply(settings.kafka_bootstrap_servers, declared, settings.partitions, settings.replication_factor)
    adopt_missing(settings, anew=True)


def _forget_commits(admin: KafkaAdminClient, groups: Sequence[str]) -> None:
    """Kafka itself refuses while a group has members; nothing is deleted before all of them are gone."""
    running = running_groups(admin, groups, SESSION_SECONDS)
    if running:
        raise ReassessError(
            f"nothing deleted. {', '.join(running)} have members: stop every scorer and aggregator outside "
            "`greenlane up`, then run this again"
        )
    for group, answer in admin.delete_groups(list(groups)).items():
        if answer == NonEmptyGroupError.__name__:
            raise ReassessError(f"{group} was joined meanwhile: stop every scorer and aggregator, then run this again")
        if answer not in {"OK", GroupIdNotFoundError.__name__}:
            raise ReassessError(f"Kafka did not delete the group {group}: {answer}. Run this again.")


def _remove(admin: KafkaAdminClient, topics: Sequence[str]) -> None:
    """A run that was cut off is finished by the next one: what is gone already is not asked for."""
    if topics:
        admin.delete_topics(list(topics))
    deadline = time.monotonic() + REMOVAL_SECONDS
    while left := sorted(set(topics) & set(admin.list_topics())):
        if time.monotonic() > deadline:
            raise ReassessError(f"Kafka did not remove {', '.join(left)} in {REMOVAL_SECONDS:.0f} s; run this again")
        time.sleep(POLL_SECONDS)
