"""`greenlane restate`: every account of an earlier method's checkpoint under this release's, side by side."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from greenlane.accounts.oracle.checkpoint import policy_identity, topic_id_of
from greenlane.accounts.oracle.method_change import refuse_other_method
from greenlane.accounts.oracle.restating import Restating, latest_of, reassessed_lines, restated, restated_header
from greenlane.accounts.oracle.side_by_side import SellerChange, Sides, Summary, accounts_of, side_by_side
from greenlane.cli.connection import some_kafka
from greenlane.cli.output import AsJson, counted, notes, print_json, print_table, progress
from greenlane.contracts.checkpoints import (
    Checkpoint,
    CheckpointError,
    read_checkpoint,
    refuse_misfit,
    write_checkpoint,
)
from greenlane.contracts.rules import rules_of
from greenlane.contracts.topics import ASSESSMENTS, SELLER_SCORES
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.rules import read_rules
from greenlane.operations.topics_reader import Progress, TopicsReader
from greenlane.settings import Settings

app = typer.Typer()
SHOWN = 30


class Outcome(NamedTuple):
    """The restated checkpoint, unless only the report was asked for, and every seller under both methods."""

    checkpoint: Checkpoint | None
    changes: tuple[SellerChange, ...]


@app.command()
def restate(
    old: Annotated[Path, typer.Argument(help="A checkpoint by the release with the earlier method.", dir_okay=False)],
    new: Annotated[
        Path | None,
        typer.Argument(help="Where to write the restated checkpoint; leave it out to see the report.", dir_okay=False),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write every seller as JSON Lines to this file.", dir_okay=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many sellers.")] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """Assess a checkpoint of an earlier method again under this one, and show every account under both.

    It finds the event of each entry that stands on the fulfilment topics. Nothing is written to Kafka, and the earlier
    release may go on serving. With NEW it writes the same accounts under this method, for `rebuild` and `recompute
    --checkpoint NEW`; then the scorers and the clock of the earlier release must stand still since OLD was made. An
    entry without an event that this method can assess ends the command with 1, and nothing is written. A run that was
    killed is run again, and gives the same file.

    Example: `greenlane restate old.checkpoint new.checkpoint --report changes.jsonl`
    """
    before = read_checkpoint(old, of_any_method=True)
    if before.header.method_version == METHOD_VERSION:
        raise CheckpointError(
            f"{old} is of method {METHOD_VERSION} already. Name it to `rebuild` and `recompute` with --checkpoint."
        )
    _refuse_other_file(new, before)
    _refuse_report_over_checkpoint(report, new)
    with some_kafka() as settings, progress() as shown:
        task = shown.add_task("assessing every entry again", total=None)
        outcome = _restated(
            settings,
            old,
            before,
            whole=new is not None,
            progress=lambda n, of: shown.update(task, completed=n, total=of),
        )
    if report is not None:
        _write_report(report, outcome.changes)
    if new is not None and outcome.checkpoint is not None:
        sha256 = write_checkpoint(new, outcome.checkpoint)
        entries = sum(line.kind == "entry" for line in outcome.checkpoint.lines)
        notes.print(f"{new}: {entries:,} entries under method {METHOD_VERSION}; SHA-256 {sha256}", soft_wrap=True)
    _print(outcome.changes, limit, before.header.method_version, as_json=as_json)


def _refuse_other_file(new: Path | None, before: Checkpoint) -> None:
    """A file of this name may only be what an earlier run of the same command has written."""
    if new is None or not new.exists():
        return
    made = read_checkpoint(new, of_any_method=True).header
    if made.restated_from is None or made.restated_from.sha256 != before.sha256:
        raise CheckpointError(f"{new} exists and is not this checkpoint restated. Name another file.")


def _refuse_report_over_checkpoint(report: Path | None, new: Path | None) -> None:
    """The log may depend on a checkpoint, and nothing makes it again."""
    if report is None:
        return
    same = new is not None and report.resolve() == new.resolve()
    if not same:
        try:
            read_checkpoint(report, of_any_method=True)
        except CheckpointError:
            return
    raise CheckpointError(f"--report would write over the checkpoint {report}. Name another file.")


def _restated(settings: Settings, path: Path, old: Checkpoint, *, whole: bool, progress: Progress) -> Outcome:
    servers = settings.kafka_bootstrap_servers
    method, policy = load_method(settings.factors_file), load_policy(settings.policy_file)
    restating = Restating(old, method)
    with TopicsReader(servers, (ASSESSMENTS, SELLER_SCORES, *restating.topics), progress) as reader:
        spans = {span.partition: (span.first, span.end) for span in reader.spans if span.topic == ASSESSMENTS}
        refuse_misfit(path, old, topic_id_of(servers, ASSESSMENTS), spans, old.header.policy)
        if whole:
            refuse_other_method(reader, Checkpoint(restated_header(old, ""), old.lines), path)
        for topic in restating.topics:
            for record in reader.records(topic):
                restating.take(record)
        restating.refuse_gaps()
        scores = latest_of(reader.records(SELLER_SCORES))
    made = None
    if whole:
        rules = rules_of(policy, method.fingerprint, settings.marketplaces, first=False)
        made = restated(old, restating.found, rules, scores, policy_identity(read_rules(servers).policy_before(policy)))
    accounts = accounts_of(reassessed_lines(old, restating.found), policy)
    return Outcome(made, tuple(side_by_side(old, restating, accounts, Sides(method, policy, scores))))


def _write_report(path: Path, changes: Sequence[SellerChange]) -> None:
    part = path.with_name(path.name + ".part")
    lines = [json.dumps(document, sort_keys=True, ensure_ascii=False) for document in _documents(changes)]
    part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    part.replace(path)


def _documents(changes: Sequence[SellerChange]) -> Iterable[Mapping[str, object]]:
    for change in changes:
        yield change.document()
    yield {"kind": "summary", **asdict(Summary.of(changes))}


def _print(changes: Sequence[SellerChange], limit: int, method: str, *, as_json: bool) -> None:
    if as_json:
        for document in _documents(changes):
            print_json(document)
        return
    ranked = sorted(changes, key=lambda change: (change.difference is None, change.difference or 0))
    if len(ranked) > limit:
        notes.print(f"{limit:,} of {len(ranked):,} are shown, those that fall most first; --limit shows more of them")
    rows = [
        (
            f"{change.marketplace}/{change.seller_id}",
            "" if change.old is None else change.old.green,
            change.new.green,
            "" if change.difference is None else f"{change.difference:+}",
            change.new.proven_green,
            "" if change.old is None else change.old.level,
            change.new.level,
            change.held,
            f"{change.lowered_by}. {change.to_do}" if change.lowered_by else change.to_do,
        )
        for change in ranked[:limit]
    ]
    columns = (
        "seller", ">green " + method, ">green " + METHOD_VERSION, ">change", ">proven", "met", "meets", "badge",
        "~lowered most by, and what to do",
    )  # fmt: skip
    print_table(f"Method {method} and {METHOD_VERSION} ({counted(len(changes), 'seller')})", columns, rows)
    summary = Summary.of(changes)
    notes.print(
        f"{summary.rise:,} rise, {summary.fall:,} fall, {summary.keep:,} keep their score, "
        f"{summary.without_old_score:,} have none yet. Rules met before: {_levels(summary.levels_before)}; now: "
        f"{_levels(summary.levels_after)}. Badges, which carry over: {_levels(summary.badges_held)}.",
        highlight=False,
        soft_wrap=True,
    )


def _levels(levels: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in levels.items())
