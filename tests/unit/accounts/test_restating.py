"""A checkpoint of method 1.0.0 restated: every entry that stands from its own event, and nothing invented."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.accounts.recorded_method import EVENTS, OLD, Recorded, old_checkpoint, records
from typer.testing import CliRunner

from greenlane.accounts.aggregator.checkpoint import lines_of, rows_of
from greenlane.accounts.oracle.checkpoint import account_lines, restore_accounts
from greenlane.accounts.oracle.compare import compare_scores
from greenlane.accounts.oracle.method_change import first_of_another
from greenlane.accounts.oracle.partition_accounts import PartitionAccounts
from greenlane.accounts.oracle.restating import (
    NotRestatableError,
    Restating,
    latest_of,
    reassessed_lines,
    restated,
)
from greenlane.accounts.oracle.side_by_side import SellerChange, Sides, Summary, accounts_of, side_by_side
from greenlane.cli.app import app
from greenlane.contracts.assessing import assessment_of
from greenlane.contracts.assessments import Assessment
from greenlane.contracts.checkpoints import (
    Checkpoint,
    CheckpointError,
    Content,
    EntryLine,
    FatesLine,
    PartitionLine,
    ScoreLine,
    SellerLine,
    read_checkpoint,
    write_checkpoint,
)
from greenlane.contracts.declarations import version_of
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.rules import RULES_KEY, rules_of
from greenlane.contracts.scores import SellerScore
from greenlane.contracts.topics import ASSESSMENTS, SELLER_SCORES
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.sums import SUMS
from greenlane.methodology.vocabulary import BadgeLevel

METHOD = load_method()
POLICY = load_policy()
RULES = rules_of(POLICY, METHOD.fingerprint, ["shop"], first=False)
SCORES = latest_of(records(SELLER_SCORES))
PUBLISHED = tuple(records(EVENTS))


def restating(old: Checkpoint, published: Iterable[Recorded] = PUBLISHED) -> Restating:
    found = Restating(old, METHOD)
    for record in published:
        found.take(record)
    return found


def made(old: Checkpoint | None = None, published: Iterable[Recorded] = PUBLISHED) -> Checkpoint:
    old = old_checkpoint() if old is None else old
    found = restating(old, published)
    found.refuse_gaps()
    return restated(old, found.found, RULES, SCORES, "p")


def changes(old: Checkpoint | None = None) -> list[SellerChange]:
    old = old_checkpoint() if old is None else old
    found = restating(old)
    accounts = accounts_of(reassessed_lines(old, found.found), POLICY)
    return list(side_by_side(old, found, accounts, Sides(METHOD, POLICY, SCORES)))


def entries(checkpoint: Checkpoint) -> list[EntryLine]:
    return [line for line in checkpoint.lines if isinstance(line, EntryLine)]


def with_lines(old: Checkpoint, lines: Iterable[Content]) -> Checkpoint:
    return replace(old, lines=tuple(lines))


def test_only_restate_reads_a_checkpoint_with_the_sums_of_another_method() -> None:
    with pytest.raises(CheckpointError, match=r"sums of method 1.0.0.*greenlane restate"):
        read_checkpoint(OLD)
    old = old_checkpoint()
    assert (old.header.method_version, len(old.sha256)) == ("1.0.0", 64)


def test_every_standing_entry_has_what_its_own_event_comes_to_and_the_rest_stays() -> None:
    old, new = old_checkpoint(), made()
    expected = {}
    for record in PUBLISHED:
        event = read_event(record).event
        if event is not None:
            said = assessment_of(record, event, METHOD)
            if isinstance(said, Assessment):
                expected[said.parcel_id, said.dimension, version_of(event)] = said.sums()
    assert len(entries(old)) == len(entries(new)) > 100
    for before, after in zip(entries(old), entries(new), strict=True):
        assert before.model_copy(update={"contribution": None}) == after.model_copy(update={"contribution": None})
        version = (after.revision, after.occurred_at, after.event_id)
        if before.contribution is None:
            assert after.contribution is None, "what was retracted stays retracted"
        else:
            assert after.contribution == tuple(expected[after.parcel_id, after.dimension, version])
            assert len(after.contribution) == len(SUMS[after.dimension]._fields)
    others = (EntryLine, PartitionLine, ScoreLine)
    assert [line for line in old.lines if not isinstance(line, others)] == [
        line for line in new.lines if not isinstance(line, others)
    ]
    assert any(line.contribution is None for line in entries(new)), "the recording has a cancellation"
    assert any(line.revision == 1 for line in entries(new)), "the recording has a correction"


def test_the_same_input_gives_the_same_bytes_and_the_file_says_what_it_was_made_of(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_checkpoint(first, made())
    write_checkpoint(second, made())
    assert first.read_bytes() == second.read_bytes()
    header = read_checkpoint(first).header
    assert header.method_version == METHOD_VERSION
    assert header.restated_from is not None
    assert header.restated_from.model_dump() == {"method_version": "1.0.0", "sha256": old_checkpoint().sha256}


def test_an_entry_whose_event_is_gone_is_named_with_the_number_and_the_remedy() -> None:
    gone = [record for record in PUBLISHED if record.key != b"sim-careful-001"]
    with pytest.raises(NotRestatableError) as refused:
        made(published=gone)
    text = str(refused.value)
    mine = sum(
        line.seller_id == "sim-careful-001" and line.contribution is not None for line in entries(old_checkpoint())
    )
    whole = sum(line.contribution is not None for line in entries(old_checkpoint()))
    assert f"{mine} of {whole} entries cannot be assessed under method {METHOD_VERSION}" in text
    assert "shop/sim-careful-001" in text
    assert "its event is no longer kept" in text
    assert f"and {mine - 5} more" in text
    assert "higher revision" in text
    assert refused.value.exit_code == 1


def test_an_event_that_this_release_refuses_is_named_with_the_refusal() -> None:
    spoilt = []
    for record in PUBLISHED:
        value = record.value
        if record.key == b"sim-careful-001" and value is not None:
            value = value.replace(b'"country":"VN"', b'"country":"Vietnam"')
        spoilt.append(replace(record, value=value))
    with pytest.raises(NotRestatableError, match=r"this release refuses the event, schema_violation: .*country"):
        made(published=spoilt)


def test_of_two_records_of_one_version_the_one_that_was_taken_in_counts() -> None:
    standing = {line.event_id.encode() for line in entries(old_checkpoint()) if line.contribution is not None}
    packed = next(
        record
        for record in PUBLISHED
        if b"parcel.packed" in dict(record.headers).get("ce_type", b"") and dict(record.headers)["ce_id"] in standing
    )
    other = replace(packed, value=re.sub(rb'"mass_g": ?[0-9.]+', b'"mass_g": 7', packed.value or b""), offset=9_999)
    assert other.value != packed.value
    assert made(published=[other, *PUBLISHED]) == made(), (
        "an offset that the checkpoint does not know is never preferred"
    )
    old = old_checkpoint()
    unknown = with_lines(old, (line for line in old.lines if not isinstance(line, FatesLine)))
    assert entries(made(unknown)) == entries(made()), "without fates the first one counts, and here it is the same"
    assert entries(made(unknown, [other, *PUBLISHED])) != entries(made())


def test_what_no_entry_stands_for_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    old = old_checkpoint()
    late = [
        line.model_copy(update={"runs": tuple(("late", count) for _, count in line.runs)})
        if isinstance(line, FatesLine)
        else line
        for line in old.lines
    ]
    monkeypatch.setattr("greenlane.accounts.oracle.restating.read_event", lambda _record: pytest.fail("it was read"))
    assert restating(with_lines(old, late)).found == {}


def test_an_open_score_of_another_moment_is_refused() -> None:
    old = old_checkpoint()
    further = [
        line.model_copy(update={"accepted": line.accepted + 1}) if isinstance(line, SellerLine) else line
        for line in old.lines
    ]
    with pytest.raises(CheckpointError, match=r"another moment.*later checkpoint"):
        made(with_lines(old, further))


def test_a_score_that_an_even_earlier_method_stated_is_carried_over_once(tmp_path: Path) -> None:
    wanted = [line for line in made().lines if isinstance(line, ScoreLine)]
    stated = {(line.marketplace, line.seller_id): line for line in wanted}
    opened = [
        stated[line.marketplace, line.seller_id]
        for line in old_checkpoint().lines
        if isinstance(line, SellerLine) and line.accepted
    ]
    assert opened
    old = old_checkpoint()
    new = made(with_lines(old, Checkpoint.of(old.header, [*old.lines, *opened]).lines))
    assert [line for line in new.lines if isinstance(line, ScoreLine)] == wanted
    assert write_checkpoint(tmp_path / "new.checkpoint", new)


def test_a_report_is_never_written_over_a_checkpoint(tmp_path: Path) -> None:
    old, other, new = tmp_path / "old", tmp_path / "other", tmp_path / "new"
    for path in (old, other):
        path.write_bytes(OLD.read_bytes())
    for report in (old, other, new):
        refused = CliRunner().invoke(app, ["restate", str(old), str(new), "--report", str(report)])
        assert refused.exit_code == 2
        assert "--report would write over the checkpoint" in " ".join(refused.output.split())
    assert old.read_bytes() == other.read_bytes() == OLD.read_bytes()
    assert not new.exists()


def test_a_line_that_stands_twice_is_never_given_a_name(tmp_path: Path) -> None:
    new = made()
    path = tmp_path / "new.checkpoint"
    with pytest.raises(CheckpointError, match="every line once"):
        write_checkpoint(path, Checkpoint.of(new.header, [*new.lines, new.lines[-1]]))
    assert not path.exists()


def test_the_statements_of_before_stand_until_their_account_moves() -> None:
    new = made()
    stood = {key: value for key, value in SCORES.items() if value is not None}
    moved = None
    for number in new.offsets:
        accounts = PartitionAccounts(POLICY)
        restore_accounts(new.of_partition(number), accounts)
        mine = {item.text.encode() for item in accounts.earlier.values()}
        assert mine <= set(stood.values())
        assert list(accounts.statements()) == []
        assert [*account_lines(number, new.offsets[number], accounts)] != []
        assert Checkpoint.of(new.header, account_lines(number, new.offsets[number], accounts)).lines == tuple(
            line for line in new.of_partition(number) if line.kind != "refused"
        )
        for record in PUBLISHED:
            event = read_event(record).event
            if event is None or ("shop", event.subject) not in accounts.earlier:
                continue
            later = event.model_copy(update={"id": "later", "data": event.data.model_copy(update={"revision": 9})})
            said = assessment_of(record, later, METHOD)
            if isinstance(said, Assessment) and accounts.take(said) == "assessed":
                moved = ("shop", said.seller_id)
                assert moved not in accounts.earlier
                restated_score = next(item for item in accounts.statements() if item.subject == said.seller_id)
                assert restated_score.data.method_version == METHOD_VERSION
                break
    assert moved is not None
    assert sum(isinstance(line, ScoreLine) for line in new.lines) == len(stood) == 5


def test_the_comparison_wants_the_old_bytes_where_the_old_score_stands() -> None:
    accounts = PartitionAccounts(POLICY)
    new = made()
    for number in new.offsets:
        restore_accounts(new.of_partition(number), accounts)
    found = list(records(SELLER_SCORES))
    agreed = compare_scores([], found, accounts.earlier.values())
    assert (agreed.total, agreed.differences) == (5, ())
    spoilt = replace(found[-1], value=(found[-1].value or b"").replace(b'"sequence":', b'"sequence": '))
    assert len(compare_scores([], [*found[:-1], spoilt], accounts.earlier.values()).differences) == 1


def test_the_new_rules_hold_with_the_policy_of_before_until_the_next_closed_day() -> None:
    for line in made().lines:
        if isinstance(line, PartitionLine):
            assert line.rules is not None
            assert line.rules.adopted.id == RULES.id
            assert line.rules.adopted.marketplaces == ("shop",)
            assert line.rules.older["shop"].version == "1.0.0"


def test_a_log_without_rules_is_refused() -> None:
    old = old_checkpoint()
    bare = [line.model_copy(update={"rules": None}) if isinstance(line, PartitionLine) else line for line in old.lines]
    with pytest.raises(CheckpointError, match=r"not adopted any rules.*topics apply"):
        made(with_lines(old, bare))


def test_the_aggregator_begins_with_the_restated_accounts() -> None:
    new = made()
    for number, offset in new.offsets.items():
        rows = dict(rows_of(new.of_partition(number), partitions=2, store="s", topic_id="t"))
        read = lines_of(number, rows, 2)
        wanted = [line for line in new.of_partition(number) if isinstance(line, EntryLine | SellerLine | PartitionLine)]
        told = [
            line.model_copy(update={"last_accepted_at": ""}) if isinstance(line, SellerLine) else line
            for line in wanted
        ]
        assert sorted(map(str, read)) == sorted(map(str, told))
        assert offset > 0


def test_a_log_is_entered_only_where_this_method_begins() -> None:
    log = [record for record in records(ASSESSMENTS) if record.partition == 0]
    adoption = Recorded(ASSESSMENTS, 0, 900, RULES_KEY, RULES.model_dump_json().encode())
    first = first_of_another(log, None)
    assert first is not None
    assert first.offset == log[1].offset, "the first record after the rules of method 1.0.0"
    assert first_of_another([adoption, *log[1:]], "1.0.0") is None, "only what comes first decides"
    assert first_of_another([log[1], adoption], "1.0.0") is log[1]
    assert first_of_another([], "1.0.0") is None
    assert first_of_another([log[-1]], None) is log[-1], "without rules the assessment itself names its method"


def test_every_seller_stands_side_by_side_with_what_to_do() -> None:
    told = changes()
    assert [change.seller_id for change in told] == sorted(change.seller_id for change in told)
    assert len(told) == 5
    for change in told:
        stated = SellerScore.model_validate_json(SCORES[f"shop/{change.seller_id}".encode()] or b"")
        assert change.old is not None
        assert (change.old.green, change.old.method_version) == (stated.data.score.green, "1.0.0")
        assert change.old.proven_green is None
        assert (change.old.day, change.new.day) == (stated.data.day, stated.data.day)
        assert change.new.method_version == METHOD_VERSION
        assert change.difference == change.new.green - change.old.green
        assert change.lowered_points > 0
        assert change.to_do
        document = json.loads(json.dumps(change.document()))
        assert document["difference"]["green"] == pytest.approx(float(change.difference))
        assert document["new"]["proven_green"] is not None
    undeclared = next(change for change in told if change.seller_id == "sim-undeclared-002")
    assert "declared" in undeclared.to_do.lower()
    assert {change.held for change in told} > {BadgeLevel.NONE}, "the recording has badges"


def test_the_summary_counts_every_seller_once() -> None:
    told = changes()
    summary = Summary.of(told)
    assert summary.rise + summary.fall + summary.keep + summary.without_old_score == summary.sellers == 5
    assert sum(summary.levels_after.values()) == sum(summary.badges_held.values()) == 5
    alone = Summary.of([replace(told[0], old=None)])
    assert (alone.without_old_score, alone.levels_before["none"]) == (1, 0)
