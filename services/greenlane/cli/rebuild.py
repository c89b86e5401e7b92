"""`greenlane rebuild`: has the aggregator make a lost or damaged state anew from the assessments."""

import os
import time

import typer
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import GroupIdNotFoundError, NonEmptyGroupError

from greenlane.cli.connection import settings_here, some_kafka
from greenlane.cli.output import notes
from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, ASSESSMENTS, declared_topics, group_of
from greenlane.errors import GreenlaneError
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.running_stack import StackFolder
from greenlane.operations.topics import apply
from greenlane.settings import Settings

app = typer.Typer()
GROUP = group_of("aggregator")
SESSION_SECONDS = 60.0
"""Longest wait for members that are gone to be forgotten: a running stack
stops its aggregator within 40 s, and a stopped worker of a lasting name stays one for 15 s."""

POLL_SECONDS = 0.5
REMOVAL_SECONDS = 30.0


class RebuildError(GreenlaneError):
    """The state cannot be made anew as things are; the text says why and what to do."""


@app.command()
def rebuild() -> None:
    """Throw the aggregator's state away, so that it makes it anew from the assessments when it starts again.

    A running `greenlane up` stops its aggregator meanwhile; without it the embedded Kafka runs for as long as this
    takes. Stop every other aggregator first. Accounts come out the same, and scores and decisions are stated again
    under the same ids, which receivers drop. Check the result with `greenlane recompute` once the aggregator has
    caught up.

    Example: `greenlane rebuild`
    """
    here = settings_here()
    stack = StackFolder(here.data_dir)
    if stack.find() is not None:
        with stack.holding("aggregator", f"`greenlane rebuild` (process {os.getpid()}) throws its state away"):
            _rebuild(here)
        notes.print("The state is gone. The running `greenlane up` starts its aggregator again, which makes it anew.")
        return
    with some_kafka(here) as settings:
        _rebuild(settings)
    notes.print("The state is gone. Start the aggregator: it reads the assessments from the beginning.")


def _rebuild(settings: Settings) -> None:
    with kafka_admin(settings.kafka_bootstrap_servers) as admin:
        _refuse_cut_off(admin)
        _forget_commits(admin)
        _remove_changelog(admin)
    _create_changelog(settings)


def _refuse_cut_off(admin: KafkaAdminClient) -> None:
    """Without its beginning the topic yields other accounts."""
    described = admin.describe_topics([ASSESSMENTS])[0]["partitions"]
    places = [TopicPartition(ASSESSMENTS, item["partition_index"]) for item in described]
    begins = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    for place, begin in begins.items():
        if begin.offset > 0:
            raise RebuildError(
                f"{ASSESSMENTS} partition {place.partition} begins at offset {begin.offset}: accounts made of the rest "
                "would not be the same. Restore the topic from its beginning, then run this again."
            )


def _forget_commits(admin: KafkaAdminClient) -> None:
    """Kafka itself refuses while the group has members, so none can slip in between a look and the deed."""
    deadline = time.monotonic() + SESSION_SECONDS
    while (answer := admin.delete_groups([GROUP])[GROUP]) == NonEmptyGroupError.__name__:
        if time.monotonic() > deadline:
            raise RebuildError(
                f"the group {GROUP} has members: stop every aggregator outside `greenlane up`, then run this again"
            )
        time.sleep(POLL_SECONDS)
    if answer not in {"OK", GroupIdNotFoundError.__name__}:
        raise RebuildError(f"Kafka did not delete the group {GROUP}: {answer}. Run this again.")


def _remove_changelog(admin: KafkaAdminClient) -> None:
    """A start between this and the deletion of the group finds a whole state, one after it an empty one."""
    if AGGREGATOR_CHANGELOG not in admin.list_topics():
        return
    admin.delete_topics([AGGREGATOR_CHANGELOG])
    deadline = time.monotonic() + REMOVAL_SECONDS
    while AGGREGATOR_CHANGELOG in admin.list_topics():
        if time.monotonic() > deadline:
            raise RebuildError(
                f"Kafka did not remove {AGGREGATOR_CHANGELOG} in {REMOVAL_SECONDS:.0f} s; run this again"
            )
        time.sleep(POLL_SECONDS)


def _create_changelog(settings: Settings) -> None:
    """As declared, with as many partitions as its source has."""
    pair = tuple(topic for topic in declared_topics(()) if topic.name in {ASSESSMENTS, AGGREGATOR_CHANGELOG})
    apply(settings.kafka_bootstrap_servers, pair, settings.partitions, settings.replication_factor)
