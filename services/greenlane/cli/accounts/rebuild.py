"""`greenlane rebuild`: has the aggregator make a lost or damaged state anew from the assessments."""

import asyncio
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import typer
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import GroupIdNotFoundError, NonEmptyGroupError

from greenlane.accounts.aggregator.checkpoint import rows_of
from greenlane.accounts.oracle.checkpoint import policy_identity, refuse_cut_off
from greenlane.accounts.oracle.method_change import refuse_other_method
from greenlane.cli.connection import settings_here, some_kafka
from greenlane.cli.options import CheckpointOption
from greenlane.cli.output import notes
from greenlane.contracts.checkpoints import Checkpoint, read_checkpoint, refuse_misfit
from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, ASSESSMENTS, declared_topics, group_of
from greenlane.errors import GreenlaneError
from greenlane.factors.loading import load_policy
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.rules import read_rules
from greenlane.operations.running_stack import StackFolder
from greenlane.operations.topic_provisioning import apply
from greenlane.operations.topics_reader import TopicsReader
from greenlane.settings import Settings
from greenlane.streaming import BatchWriter, Output

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
def rebuild(checkpoint: CheckpointOption = None) -> None:
    """Delete the aggregator's state; at its next start it makes a new one from the assessments.

    A running `greenlane up` stops its aggregator meanwhile. If no Kafka runs, the command starts the embedded one and
    stops it again. Stop every other aggregator first. The accounts will be the same. Scores and decisions are published
    again under the same ids, so receivers drop them. Check the result with `greenlane recompute` when the aggregator
    has read everything. With --checkpoint the accounts begin with those of that file.

    Example: `greenlane rebuild`
    """
    start = None if checkpoint is None else Start(checkpoint, read_checkpoint(checkpoint))
    here = settings_here()
    stack = StackFolder(here.data_dir)
    if stack.find() is not None:
        with stack.holding("aggregator", f"`greenlane rebuild` (process {os.getpid()}) deletes its state"):
            _rebuild(here, start)
        notes.print("The state is gone. The running `greenlane up` starts its aggregator again, which makes a new one.")
        return
    with some_kafka(here) as settings:
        _rebuild(settings, start)
    begins = "from the beginning" if start is None else f"from where {start.path} ends"
    notes.print(f"The state is gone. Start the aggregator: it reads the assessments {begins}.", soft_wrap=True)


class Start(NamedTuple):
    """The checkpoint with which the accounts begin, and its file."""

    path: Path
    checkpoint: Checkpoint


def _rebuild(settings: Settings, start: Start | None) -> None:
    with kafka_admin(settings.kafka_bootstrap_servers) as admin:
        described = admin.describe_topics([ASSESSMENTS])[0]
        topic_id = str(described["topic_id"])
        spans = _spans(admin, [item["partition_index"] for item in described["partitions"]])
        if start is None:
            refuse_cut_off(spans)
        else:
            registered = read_rules(settings.kafka_bootstrap_servers)
            policy = registered.policy_before(load_policy(settings.policy_file))
            refuse_misfit(start.path, start.checkpoint, topic_id, spans, policy_identity(policy))
        with TopicsReader(settings.kafka_bootstrap_servers, (ASSESSMENTS,), lambda _read, _total: None) as reader:
            refuse_other_method(
                reader, None if start is None else start.checkpoint, None if start is None else start.path
            )
        _forget_commits(admin)
        _remove_changelog(admin)
    _create_changelog(settings)
    if start is not None:
        asyncio.run(_fill_changelog(settings, start.checkpoint, topic_id))


def _spans(admin: KafkaAdminClient, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
    """The first offset kept of each partition of the assessments, and the one after the last record."""
    places = [TopicPartition(ASSESSMENTS, partition) for partition in partitions]
    firsts = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    return {place.partition: (firsts[place].offset, ends[place].offset) for place in places}


async def _fill_changelog(settings: Settings, checkpoint: Checkpoint, topic_id: str) -> None:
    """Each partition's rows in one transaction: an aggregator finds all of them, or none and refuses to start."""
    for partition in checkpoint.offsets:
        writer = BatchWriter(settings.kafka_bootstrap_servers, "greenlane-rebuild", f"{GROUP}-{partition}")
        await writer.start()
        try:
            rows = rows_of(
                checkpoint.of_partition(partition),
                partitions=checkpoint.header.partitions,
                store=uuid.uuid4().hex,
                topic_id=topic_id,
            )
            await writer.write_atomically(
                Output(AGGREGATOR_CHANGELOG, key, value, (), partition) for key, value in rows
            )
        finally:
            await writer.stop()


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
