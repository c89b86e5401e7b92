"""A checkpoint is the same accounts again: in its file, in the oracle and in the aggregator's rows."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.unit.accounts.test_aggregator_model import FIRST, POLICIES, STAGE, Incoming, LogRecord, whole

from greenlane.accounts.aggregator.checkpoint import lines_of, rows_of
from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.rows import DAY, RowError
from greenlane.accounts.aggregator.state import Accounts
from greenlane.accounts.aggregator.telemetry import Gauges
from greenlane.accounts.oracle.assess import Expected
from greenlane.accounts.oracle.checkpoint import (
    account_lines,
    book_lines,
    policy_identity,
    restore_accounts,
    restore_books,
)
from greenlane.accounts.oracle.conservation import Conservation
from greenlane.accounts.oracle.partition_accounts import PartitionAccounts
from greenlane.contracts.assessments import Assessment, DayClosed, Retraction, SellerErased, SourcePosition
from greenlane.contracts.checkpoints import (
    BooksLine,
    Checkpoint,
    CheckpointError,
    Content,
    EntryLine,
    FatesLine,
    Header,
    PartitionLine,
    RefusedLine,
    SellerLine,
    read_checkpoint,
    refuse_misfit,
    write_checkpoint,
)
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.rules import RulesAdopted, rules_of
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.vocabulary import DataCategory, Dimension
from greenlane.operations.metrics import AggregatorMetrics
from greenlane.streaming import META_KEY, Meta

TOPIC = "greenlane.fulfilment.shop.v1"
ORIGIN = SourcePosition(topic=TOPIC, partition=0, offset=0, appended_ms=0)
POLICY = replace(POLICIES[0], version="1.0.0")
WIDER = replace(POLICIES[0], version="2.0.0", window_days=6, leave_days=2)
SEEDS = range(6)


def history(seed: int, days: int = 14) -> list[LogRecord | RulesAdopted]:
    """Sellers of two marketplaces who come and go, corrections to other days, retractions, closings, erasures.

    In every second history rules are adopted.
    """
    chance = random.Random(seed)  # noqa: S311 - a seeded history, no secret
    records_so_far: list[LogRecord | RulesAdopted] = []
    for number in range(days):
        today = FIRST + timedelta(days=number)
        if seed % 2 and number in {2, 5, 9}:
            policy = WIDER if number == 5 else POLICY
            records_so_far.append(rules_of(policy, "0" * 16, ["shop", "other"][: number - 1], first=number == 2))
        for _ in range(chance.randrange(14)):
            day = today - timedelta(days=chance.choice([0, 0, 0, 1, 2, 4]))
            seller, parcel = f"seller-{chance.randrange(5) + number // 4}", f"p{chance.randrange(30)}"
            fields: dict[str, Any] = {
                "marketplace": chance.choice(["shop", "other"]),
                "seller_id": seller,
                "parcel_id": parcel,
                "occurred_at": f"{day}T10:00:00.{chance.randrange(3):06}Z",
                "event_id": f"e{chance.randrange(3)}",
                "origin": ORIGIN,
            }
            if chance.random() < 0.04:
                records_so_far.append(SellerErased(marketplace=fields["marketplace"], seller_id=seller))
                continue
            if chance.random() < 0.15:
                records_so_far.append(Retraction.model_validate(fields))
                continue
            contribution = {"parcels": 1, "packaging_co2e_mg": chance.choice([10, 150, 600])}
            records_so_far.append(
                Assessment.model_validate(
                    fields
                    | {
                        "revision": chance.randrange(3),
                        "dimension": Dimension.PACKAGING,
                        "contribution": contribution | {"co2e_ratio": 500_000},
                        "data_category": DataCategory.PRIMARY,
                        "factor_ids": (),
                        "method_version": METHOD_VERSION,
                    }
                )
            )
        records_so_far += [
            DayClosed(marketplace=marketplace, first_day=FIRST, last_day=today)
            for marketplace in ("shop", "other")
            if chance.random() < 0.6
        ]
    return records_so_far


def oracle_of(records: Sequence[LogRecord | RulesAdopted]) -> PartitionAccounts:
    accounts = PartitionAccounts(POLICY)
    take(accounts, records)
    return accounts


def take(accounts: PartitionAccounts, records: Sequence[LogRecord | RulesAdopted]) -> None:
    """Rules are adopted; what they refuse is left out, as in a recomputation."""
    for record in records:
        if isinstance(record, RulesAdopted):
            assert accounts.rules.adopt(record) is None
        elif accounts.rules.refusal_of(record) is None:
            accounts.take(record)


def aggregator() -> Accounts:
    gauges = Gauges(AggregatorMetrics(CollectorRegistry(), ["shop", "other"]))

    def refused(code: DeadLetterCode) -> None:
        assert code is DeadLetterCode.UNKNOWN_MARKETPLACE

    return Accounts(0, PackedEntries(), POLICY, STAGE, gauges, refused)


def fold(
    accounts: Accounts, records: Sequence[LogRecord | RulesAdopted], first: int, rows: dict[bytes, bytes]
) -> list[bytes]:
    """Hand the records over one by one; keeps the rows, returns what was stated."""
    stated: list[bytes] = []
    for offset, record in enumerate(records, first):
        for outcome in map(whole, accounts.handle([Incoming(offset, record.model_dump_json().encode())])):
            stated += [output.value for output in outcome.outputs if output.value is not None]
        for key, value in accounts.changes():
            rows.pop(key, None)
            if value is not None:
                rows[key] = value
        rows[META_KEY] = Meta(applied=offset, partitions=1, store="s").encode()
    return stated


def through_a_file(lines: Sequence[Content], folder: Path, **header: str) -> Checkpoint:
    path = folder / "checkpoint"
    made = Checkpoint.of(header_of(**header), lines)
    write_checkpoint(path, made)
    return read_checkpoint(path)


def header_of(**changes: str) -> Header:
    fields = {"topic_id": "t", "partitions": 1, "accounts": "recomputed", "method_version": "1", "policy": "p"}
    return Header.model_validate(fields | changes)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_oracle_goes_on_from_a_checkpoint_as_if_it_had_read_everything(seed: int, tmp_path: Path) -> None:
    records = history(seed)
    cut = len(records) * 2 // 3
    earlier, whole = oracle_of(records[:cut]), oracle_of(records)
    read = through_a_file(list(account_lines(0, cut, earlier)), tmp_path)
    later = PartitionAccounts(POLICY)
    restore_accounts(read.of_partition(0), later)
    take(later, records[cut:])
    assert list(later.statements()) == list(whole.statements())
    assert earlier.decisions + later.decisions == whole.decisions
    # a checkpoint after a checkpoint is the one that a whole reading makes
    of_whole = list(account_lines(0, len(records), whole))
    of_later = [*account_lines(0, len(records), later), *(line for line in read.lines if line.kind == "decision")]
    assert Checkpoint.of(header_of(), of_later) == Checkpoint.of(header_of(), of_whole)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_aggregator_goes_on_from_a_checkpoint_as_if_it_had_read_everything(seed: int, tmp_path: Path) -> None:
    records = history(seed)
    cut = len(records) * 2 // 3
    rows: dict[bytes, bytes] = {}
    whole = aggregator()
    fold(whole, records[:cut], 0, rows)
    read = through_a_file(lines_of(0, rows, 1), tmp_path)
    again = dict(rows_of(read.of_partition(0), partitions=1, store="s", topic_id=""))
    assert list(again)[-1] == META_KEY
    assert Checkpoint.of(read.header, lines_of(0, again, 1)) == read
    restored = aggregator()
    for key, value in again.items():
        if key != META_KEY:
            restored.restore(key, value)
    assert fold(restored, records[cut:], cut, again) == fold(whole, records[cut:], cut, rows)
    assert sorted(map(str, lines_of(0, again, 1))) == sorted(map(str, lines_of(0, rows, 1)))


@pytest.mark.parametrize("seed", SEEDS)
def test_both_programs_say_the_same_of_every_account(seed: int) -> None:
    records, rows = history(seed), dict[bytes, bytes]()
    fold(aggregator(), records, 0, rows)
    ours = [
        line.model_copy(update={"last_accepted_at": ""}) if isinstance(line, SellerLine) else line
        for line in account_lines(0, len(records), oracle_of(records))
        if isinstance(line, PartitionLine | SellerLine | EntryLine)
    ]
    assert sorted(map(str, ours)) == sorted(map(str, lines_of(0, rows, 1)))


def test_sums_that_are_not_those_of_the_entries_are_refused() -> None:
    rows: dict[bytes, bytes] = {}
    fold(aggregator(), history(1, days=3), 0, rows)
    day = next(key for key in rows if key[:1] == DAY)
    del rows[day]
    with pytest.raises(RowError, match="are not those of its entries"):
        lines_of(0, rows, 1)


def test_a_partition_that_took_nothing_in_has_no_rows() -> None:
    (line,) = lines_of(0, {}, 1)
    assert line == PartitionLine(partition=0, offset=0, closed={})
    assert list(rows_of([line], partitions=1, store="s", topic_id="")) == []


def test_the_books_go_on_with_every_fate_and_every_open_question(tmp_path: Path) -> None:
    expected = {(TOPIC, 0, offset): Expected(b"raw", content=b"said") for offset in (3, 4, 5, 7, 8)}
    books = Conservation(expected, {(TOPIC, 0): 3})
    books.fates |= {(TOPIC, 0, 3): "assessed", (TOPIC, 0, 5): "late", (TOPIC, 0, 7): "late"}
    books.repeats = 2
    books.unexplained.append("something")
    books.restore_refused(("greenlane.assessments.v1", 0, 9), Expected(b"\x01", bulky=True), DeadLetterCode.FUTURE_TIME)
    lines = [*book_lines(books, {("other", 1): 12}), PartitionLine(partition=0, offset=1, closed={})]
    read = through_a_file(lines, tmp_path)
    (fates,) = [line for line in read.lines if isinstance(line, FatesLine) and line.topic == TOPIC]
    runs = (("assessed", 1), ("unknown", 1), ("late", 1), ("unknown", 1), ("late", 1), ("unknown", 1))
    assert (fates.first, fates.runs) == (3, runs)
    later = Conservation({key: expected[key] for key in list(expected)[1:]}, {})
    restore_books(read, later)
    assert later.fates == {(TOPIC, 0, 5): "late", (TOPIC, 0, 7): "late"}, "what the topic has lost is nobody's"
    assert (later.repeats, later.unexplained) == (2, ["something"])
    assert later.unexplained_yet() == books.unexplained_yet()
    assert later.code_of(("greenlane.assessments.v1", 0, 9)) is DeadLetterCode.FUTURE_TIME


@pytest.fixture
def whole_file(tmp_path: Path) -> Path:
    path = tmp_path / "whole.checkpoint"
    lines = list(account_lines(0, 40, oracle_of(history(2))))
    write_checkpoint(path, Checkpoint.of(header_of(), [*lines, BooksLine(repeats=0)]))
    return path


def test_the_same_accounts_are_the_same_bytes(whole_file: Path, tmp_path: Path) -> None:
    shuffled = list(read_checkpoint(whole_file).lines)
    random.Random(1).shuffle(shuffled)  # noqa: S311 - no secret
    again = tmp_path / "again"
    write_checkpoint(again, Checkpoint.of(header_of(), shuffled))
    assert again.read_bytes() == whole_file.read_bytes()


def changed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        assert old in raw
        return raw.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (changed(b'"accepted":', b'"accepted":1'), "was changed after it was written: its SHA-256 is"),
        (changed(b'"offset":40', b'"offset":41'), "was changed after it was written"),
        (changed(b'"format":1', b'"format":0'), "has format 0, this release reads format 1"),
        (changed(b'"kind":"checkpoint"', b'"kind":"other"'), "is no checkpoint"),
        (changed(b'["parcels"', b'["pieces"'), "has the sums of method"),
        (lambda raw: raw[: len(raw) // 2], "has no end: it was cut off|is no checkpoint"),
        (lambda raw: raw[:-1], "is no checkpoint|has no end"),
        (lambda raw: b"".join(raw.splitlines(keepends=True)[:-1]), "has no end: it was cut off"),
        (lambda raw: b"".join(raw.splitlines(keepends=True)[:3] + raw.splitlines(keepends=True)[4:]), "was changed"),
        (lambda raw: raw + b"{}\n", "has no end: it was cut off"),
        (lambda _: b"", "is no checkpoint"),
        (lambda _: b"\xff\n\xfe\n", "is no checkpoint"),
    ],
)
def test_what_is_not_whole_is_refused_with_the_reason(
    whole_file: Path, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    whole_file.write_bytes(spoil(whole_file.read_bytes()))
    with pytest.raises(CheckpointError, match=reason):
        read_checkpoint(whole_file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="none cannot be read: No such file"):
        read_checkpoint(tmp_path / "none")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([PartitionLine(partition=1, offset=0, closed={})], "does not have each of its 1 partitions"),
        ([PartitionLine(partition=0, offset=0, closed={})] * 2, "every line once"),
    ],
)
def test_lines_that_make_no_checkpoint_are_refused(lines: list[Content], reason: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=reason):
        write_checkpoint(tmp_path / "f", Checkpoint.of(header_of(), lines))
    assert not (tmp_path / "f").exists()


FITTING = {"topic_id": "t", "spans": {0: (40, 90)}, "policy": "p"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"topic_id": "u"}, "is of another topic: of greenlane.assessments.v1 with the id t, .* has the id u now"),
        ({"policy": "q"}, "made under the policy p, the settings name q"),
        ({"spans": {0: (40, 90), 1: (0, 0)}}, "has 1 partitions, greenlane.assessments.v1 has 2"),
        ({"spans": {0: (41, 90)}}, "ends before offset 40 .* the log begins at 41: .* in neither"),
        ({"spans": {0: (0, 39)}}, "up to offset 40, and the log ends at 39"),
    ],
)
def test_a_checkpoint_that_the_log_does_not_go_on_from_is_refused(
    whole_file: Path, changes: dict[str, object], reason: str
) -> None:
    checkpoint = read_checkpoint(whole_file)
    refuse_misfit(whole_file, checkpoint, **FITTING)  # type: ignore[arg-type] # three of them by name
    with pytest.raises(CheckpointError, match=reason):
        refuse_misfit(whole_file, checkpoint, **(FITTING | changes))  # type: ignore[arg-type] # as above


def test_every_rule_of_a_policy_is_in_its_identity() -> None:
    assert policy_identity(POLICY) != policy_identity(replace(POLICY, leave_days=POLICY.leave_days + 1))
    assert policy_identity(POLICY).startswith("1.0.0 sha256:")


def test_a_line_of_another_kind_is_refused_by_its_number(whole_file: Path) -> None:
    lines = whole_file.read_bytes().splitlines()
    assert json.loads(lines[1])["kind"] == "partition"
    refused = RefusedLine(partition=0, offset=1, raw=None, bulky=False, code=None)
    made = Checkpoint(header_of(), (refused, *read_checkpoint(whole_file).lines))
    with pytest.raises(CheckpointError, match="in their order"):
        write_checkpoint(whole_file.with_name("g"), made)
