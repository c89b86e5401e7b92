"""`greenlane checkpoint`: the accounts at a moment as one verified file, so that the log may lose what came before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from kafka import TopicPartition

from greenlane.accounts.aggregator.checkpoint import lines_of
from greenlane.accounts.aggregator.rows import RowError
from greenlane.accounts.oracle.checkpoint import policy_identity, topic_id_of
from greenlane.accounts.oracle.checkpointing import recomputed_lines, taken_lines
from greenlane.accounts.oracle.recompute import Basis, basis_of
from greenlane.cli.connection import kafka_settings
from greenlane.cli.options import CheckpointOption, FactorsOption
from greenlane.cli.output import AsJson, counted, notes, print_json, progress
from greenlane.contracts.checkpoints import (
    Checkpoint,
    CheckpointError,
    Content,
    EntryLine,
    Header,
    PartitionLine,
    SellerLine,
    read_checkpoint,
    write_checkpoint,
)
from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, ASSESSMENTS
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.topics_reader import Progress, TopicsReader
from greenlane.settings import Settings
from greenlane.streaming import StreamingError

app = typer.Typer()


@app.command()
def checkpoint(  # noqa: PLR0913, PLR0917 - one option each
    file: Annotated[Path, typer.Argument(help="Where to write the checkpoint.", dir_okay=False)],
    checkpoint: CheckpointOption = None,
    from_accounts: Annotated[
        bool,
        typer.Option(
            "--from-accounts",
            help="Take the aggregator's accounts without proof, for a log that has lost its beginning.",
        ),
    ] = False,
    factors: FactorsOption = None,
    trim: Annotated[
        bool, typer.Option("--trim", help="Then delete the assessments that the checkpoint contains.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write all accounts to a file, so that `recompute` and `rebuild` can begin with it.

    The independent program recomputes every account up to one offset of each partition, and compares it with the
    aggregator's account at that offset. If one differs, the command exits with 1 and writes and deletes nothing. The
    pipeline may run meanwhile. Keep the file as long as the log: after --trim nothing else has what was deleted.

    Example: `greenlane checkpoint 2026-07.checkpoint --trim`
    """
    if from_accounts and checkpoint is not None:
        raise typer.BadParameter("--from-accounts begins a new checkpoint: leave --checkpoint out")
    if file.exists() and (checkpoint is None or not file.samefile(checkpoint)):
        raise CheckpointError(
            f"{file} exists, and the log may depend on it. Name another file, or go on from it with "
            f"--checkpoint {file}."
        )
    settings = kafka_settings()
    with progress() as shown:
        task = shown.add_task("reading the accounts", total=None)
        made = _made(
            settings,
            basis_of(settings, factors or ()),
            checkpoint,
            from_accounts=from_accounts,
            progress=lambda n, of: shown.update(task, completed=n, total=of),
        )
    sha256 = write_checkpoint(file, made)
    trimmed = _trim(settings, file) if trim else {}
    _report(file, made, sha256, trimmed, as_json=as_json)


def _made(
    settings: Settings, basis: Basis, start: Path | None, *, from_accounts: bool, progress: Progress
) -> Checkpoint:
    header = Header(
        topic_id=topic_id_of(settings.kafka_bootstrap_servers, ASSESSMENTS),
        partitions=settings.partitions,
        accounts="taken" if from_accounts else "recomputed",
        method_version=METHOD_VERSION,
        policy=policy_identity(basis.policy),
    )
    accounts = aggregator_lines(settings, progress)
    if from_accounts:
        return Checkpoint.of(header, taken_lines(settings, basis, accounts, progress=progress))
    cuts = {line.partition: line.offset for line in accounts if isinstance(line, PartitionLine)}
    lines = recomputed_lines(settings, basis, cuts, progress=progress, start=start)
    _refuse_difference(accounts, lines)
    if start is not None and read_checkpoint(start).header.accounts == "taken":
        header = header.model_copy(update={"accounts": "taken"})
    return Checkpoint.of(header, lines)


def aggregator_lines(settings: Settings, progress: Progress) -> list[Content]:
    """The aggregator's accounts of every partition, as its changelog has them at one moment.

    Raises CheckpointError when they do not decode or contradict themselves.
    """
    rows: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
    with TopicsReader(settings.kafka_bootstrap_servers, (AGGREGATOR_CHANGELOG,), progress) as reader:
        partitions = [span.partition for span in reader.spans]
        for record in reader.records(AGGREGATOR_CHANGELOG):
            if record.value is None:
                rows[record.partition].pop(record.key or b"", None)
            else:
                rows[record.partition][record.key or b""] = record.value
    try:
        return [line for number in partitions for line in lines_of(number, rows[number], settings.partitions)]
    except (RowError, StreamingError) as error:
        raise CheckpointError(f"{AGGREGATOR_CHANGELOG}: {error}. Run `greenlane rebuild`, then this again.") from error


def _refuse_difference(accounts: Iterable[Content], recomputed: Iterable[Content]) -> None:
    """Raise DifferenceError unless both say the same of each account."""
    theirs, ours = set(_comparable(accounts)), set(_comparable(recomputed))
    if theirs == ours:
        return
    only = min(theirs ^ ours)
    whose = "the aggregator's state alone" if only in theirs else "the recomputation alone"
    raise DifferenceError(
        f"The aggregator's accounts are not those of the log: {counted(len(theirs ^ ours), 'line')} differ. The first "
        f"one is in {whose}: {only}. Nothing was written or deleted. `greenlane recompute` "
        "shows more; `greenlane rebuild` makes a new state."
    )


class DifferenceError(CheckpointError):
    """The recomputation and the aggregator disagree; the command ends with 1."""

    exit_code = 1


def _comparable(lines: Iterable[Content]) -> Iterable[str]:
    """What both programs know of the accounts."""
    for line in lines:
        if isinstance(line, SellerLine):
            yield line.model_copy(update={"last_accepted_at": ""}).model_dump_json()
        elif isinstance(line, EntryLine | PartitionLine):
            yield line.model_dump_json()


def _trim(settings: Settings, file: Path) -> Mapping[int, int]:
    """Delete the assessments that the checkpoint contains, once it reads back whole; how many of each partition."""
    offsets = read_checkpoint(file).offsets
    gone: dict[int, int] = {}
    with kafka_admin(settings.kafka_bootstrap_servers) as admin:
        for partition, offset in offsets.items():
            admin.delete_records({TopicPartition(ASSESSMENTS, partition): offset})
            gone[partition] = offset
    return gone


def _report(file: Path, made: Checkpoint, sha256: str, trimmed: Mapping[int, int], *, as_json: bool) -> None:
    sellers = sum(isinstance(line, SellerLine) for line in made.lines)
    if as_json:
        print_json(
            {
                "file": str(file),
                "sha256": sha256,
                "accounts": made.header.accounts,
                "sellers": sellers,
                "offsets": made.offsets,
                "trimmed": bool(trimmed),
            }
        )
        return
    how = "recomputed from the log" if made.header.accounts == "recomputed" else "taken from the aggregator, unproven"
    notes.print(f"{file}: {counted(sellers, 'account')}, {how}; SHA-256 {sha256}", highlight=False, soft_wrap=True)
    if trimmed:
        places = ", ".join(f"{partition}: {offset}" for partition, offset in trimmed.items())
        notes.print(
            f"{ASSESSMENTS} begins at these offsets now (by partition): {places}. "
            f"Nothing else has the records before them: keep {file} where it cannot be lost.",
            highlight=False,
            soft_wrap=True,
        )
