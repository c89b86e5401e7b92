"""The rules stand in the log: the aggregator and the oracle follow them record by record, through restarts."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
from prometheus_client import CollectorRegistry

from greenlane.accounts.aggregator import state
from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.rows import RowError, rules_key
from greenlane.accounts.aggregator.state import Accounts
from greenlane.accounts.aggregator.telemetry import Gauges
from greenlane.accounts.oracle.conservation import Conservation
from greenlane.accounts.oracle.method_change import first_of_another
from greenlane.accounts.oracle.partition_accounts import PartitionAccounts
from greenlane.accounts.oracle.recompute import Basis, rebuilt
from greenlane.contracts.assessments import Assessment, DayClosed, SourcePosition
from greenlane.contracts.dead_letters import DeadLetter, DeadLetterCode
from greenlane.contracts.rules import AGGREGATOR_RECORD, RULES_KEY, RulesAdopted, UnreadableRulesError, rules_of
from greenlane.contracts.topics import BADGE_DECISIONS, DEAD_LETTERS, SELLER_SCORES
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import LevelRules, Policy
from greenlane.methodology.vocabulary import BadgeLevel, DataCategory, Dimension
from greenlane.operations.metrics import AggregatorMetrics
from greenlane.operations.rules import Wanted
from greenlane.operations.topics_reader import TopicsReader
from greenlane.streaming import Outcome, Stage, StreamingError

LEVELS = (
    LevelRules(BadgeLevel.BRONZE, 45, 40, 0, 1, 0, 1, 100),
    LevelRules(BadgeLevel.SILVER, 50, 45, 0, 2, 0, 2, 100),
    LevelRules(BadgeLevel.GOLD, 55, 45, 0, 3, 0, 2, 100),
)
SHORT = Policy("1.0.0", LEVELS, window_days=4, lateness_days=2, prior_parcels=1, enter_days=2, leave_days=3)
LONG = replace(SHORT, version="1.1.0", window_days=9, lateness_days=90, enter_days=1)
STRICT = replace(SHORT, version="2.0.0", window_days=2, prior_parcels=30, leave_days=1)
FACTORS, OTHER_FACTORS = "0" * 16, "f" * 16
FIRST = date(2026, 7, 1)


class Incoming(NamedTuple):
    """A record of one partition."""

    offset: int
    value: bytes
    topic: str = "greenlane.assessments.v1"
    partition: int = 0
    timestamp: int = 1_800_000_000_000
    key: bytes | None = b"key"
    headers: Sequence[tuple[str, bytes]] = ()


def rules(policy: Policy, *, first: bool = False, factors: str = FACTORS, to: tuple[str, ...] = ("m",)) -> RulesAdopted:
    return rules_of(policy, factors, to, first=first)


def packed(parcel: int, day: date, seller: str = "s", marketplace: str = "m", **changed: Any) -> Assessment:
    fields: dict[str, Any] = {
        "marketplace": marketplace,
        "seller_id": seller,
        "parcel_id": f"p{parcel}",
        "revision": 0,
        "occurred_at": f"{day}T12:00:00.000000Z",
        "event_id": "e",
        "origin": SourcePosition(topic="t", partition=0, offset=parcel, appended_ms=0),
        "dimension": Dimension.PACKAGING,
        "contribution": {"parcels": 1, "packaging_co2e_mg": 9_000, "co2e_ratio": 90_000},
        "data_category": DataCategory.PRIMARY,
        "factor_ids": (),
        "method_version": METHOD_VERSION,
        "factors": FACTORS,
    }
    return Assessment(**(fields | changed))


def closed(day: date, marketplace: str = "m") -> DayClosed:
    return DayClosed(marketplace=marketplace, first_day=day, last_day=day)


Message = Assessment | DayClosed | RulesAdopted


class Both:
    """One partition as the aggregator and as the oracle keep it, fed with the same records."""

    def __init__(self, before: Policy = SHORT) -> None:
        self.before = before
        self.offset = 0
        self.rows: dict[bytes, bytes] = {}
        self.scores: dict[bytes, bytes] = {}
        self.decisions: list[bytes] = []
        self.refused: list[DeadLetterCode] = []
        self.accounts = self.aggregator()
        self.oracle = PartitionAccounts(before)

    def aggregator(self) -> Accounts:
        gauges = Gauges(AggregatorMetrics(CollectorRegistry(), ["m"]))
        stage = Stage("aggregation", "aggregator", "0", METHOD_VERSION)
        return Accounts(0, PackedEntries(), self.before, stage, gauges, self.refused.append)

    def restart(self) -> None:
        """As after a kill: only the rows are left."""
        self.accounts = self.aggregator()
        for key, value in self.rows.items():
            self.accounts.restore(key, value)

    def take(self, *messages: Message) -> list[str]:
        """What became of each; both must refuse the same with the same code."""
        records = [
            Incoming(
                self.offset + number,
                message.model_dump_json().encode(),
                key=RULES_KEY if isinstance(message, RulesAdopted) else b"key",
            )
            for number, message in enumerate(messages)
        ]
        self.offset += len(records)
        told: list[str] = []
        while len(told) < len(records):
            waiting = records[len(told) :]
            for record, outcome in zip(waiting, self.accounts.handle(waiting), strict=False):
                told.append(self.compare(record, outcome))
            for key, value in self.accounts.changes():
                if value is None:
                    self.rows.pop(key, None)
                else:
                    self.rows[key] = value
        return told

    def compare(self, record: Incoming, outcome: Outcome) -> str:
        """Take what the aggregator made of a record, give it to the oracle too, and say what became of it."""
        code = None
        for output in (*outcome.outputs, *(outcome.streamed or ())):
            if output is None:
                continue
            assert output.value is not None
            if output.topic == DEAD_LETTERS:
                code = DeadLetter.model_validate_json(output.value).data.failure.code
            elif output.topic == SELLER_SCORES:
                self.scores[output.key or b""] = output.value
            else:
                assert output.topic == BADGE_DECISIONS
                self.decisions.append(output.value)
        message = AGGREGATOR_RECORD.validate_json(record.value)
        assert self.oracle.refusal_of(record, message) == code
        if code is None and not isinstance(message, RulesAdopted):
            self.oracle.take(message)
        return outcome.name if code is None else str(code)

    def agree(self) -> None:
        wanted = {f"m/{item.subject}": item for item in self.oracle.statements() if item.data.marketplace == "m"}
        found = {key.decode(): value for key, value in self.scores.items() if key.startswith(b"m/")}
        assert {key: item.model_dump_json().encode() for key, item in wanted.items()} == found
        mine = sorted(item.model_dump_json().encode() for item in self.oracle.decisions)
        assert sorted(self.decisions) == mine


def test_another_policy_in_the_settings_changes_nothing_once_the_log_has_rules() -> None:
    told = []
    for before in (SHORT, STRICT):
        both = Both(before)
        both.take(rules(SHORT, first=True), *(packed(number, FIRST) for number in range(5)))
        both.take(*(closed(FIRST + timedelta(days=number)) for number in range(9)))
        both.agree()
        told.append((both.decisions, both.scores))
    assert told[0] == told[1]
    assert told[0][0]


def test_a_new_policy_decides_from_the_next_closed_day_on_also_after_a_restart() -> None:
    both = Both()
    both.take(rules(SHORT, first=True), packed(1, FIRST), packed(2, FIRST), closed(FIRST))
    assert not both.decisions, "two days in a row are asked for"
    assert both.take(rules(LONG)) == ["control"]
    both.restart()
    both.take(packed(3, FIRST + timedelta(days=1)))
    assert json.loads(both.scores[b"m/s"])["data"]["window"]["first_day"] == "2026-06-29", "the window is the old one"
    both.agree()
    both.take(closed(FIRST + timedelta(days=1)))
    assert json.loads(both.scores[b"m/s"])["data"]["window"]["first_day"] == "2026-06-24"
    assert both.decisions
    both.agree()


def test_first_rules_never_replace_others_and_a_repeat_changes_nothing() -> None:
    both = Both()
    assert both.take(rules(SHORT, first=True), rules(SHORT, first=True)) == ["control", "control"]
    assert both.take(rules(LONG, first=True)) == ["other_rules"]
    rows = dict(both.rows)
    assert both.take(rules(SHORT)) == ["control"]
    assert {key: value for key, value in both.rows.items() if key[:1] == b"R"}.keys() == rows.keys()
    both.agree()


@pytest.mark.parametrize("restart", [False, True])
def test_a_marketplace_that_the_log_does_not_know_becomes_dead_letters(restart: bool) -> None:
    both = Both()
    both.take(rules(SHORT, first=True))
    if restart:
        both.restart()
    stranger = packed(1, FIRST, marketplace="evil")
    assert both.take(stranger, closed(FIRST, "evil")) == ["unknown_marketplace"] * 2
    assert both.take(rules(SHORT, to=("evil",)), stranger, packed(1, FIRST)) == ["control", "assessed", "assessed"]
    assert both.refused == [DeadLetterCode.UNKNOWN_MARKETPLACE] * 2


def test_an_assessment_by_other_factors_or_another_method_is_never_folded_in() -> None:
    both = Both()
    both.take(rules(SHORT, first=True))
    told = both.take(
        packed(1, FIRST, factors=OTHER_FACTORS),
        packed(2, FIRST, method_version="0.9.0"),
        packed(3, FIRST, factors=None),
    )
    assert told == ["other_rules", "other_rules", "assessed"], "earlier releases name no factors"
    both.take(rules(SHORT, factors=OTHER_FACTORS))
    assert both.take(packed(1, FIRST, factors=OTHER_FACTORS), packed(4, FIRST)) == ["assessed", "other_rules"]
    both.take(closed(FIRST))
    both.agree()


def test_nothing_is_taken_in_while_the_log_is_of_another_method() -> None:
    both = Both()
    earlier = rules(SHORT, first=True).model_copy(update={"method_version": "1.0.0"})
    both.take(earlier, rules(SHORT))
    assert both.take(packed(1, FIRST)) == ["assessed"], "rules of another method alone do no harm"
    for record in (packed(1, FIRST, method_version="1.0.0"), closed(FIRST)):
        other = Both()
        other.take(earlier)
        with pytest.raises(StreamingError, match=r"offset 1 on, records of method 1\.0\.0.*`greenlane restate`"):
            other.take(record)


def test_accounts_of_another_method_are_not_gone_on_with() -> None:
    both = Both()
    both.take(rules(SHORT, first=True), packed(1, FIRST))
    both.rows[rules_key()] = both.rows[rules_key()].replace(METHOD_VERSION.encode(), b"1.0.0", 1)
    both.restart()
    with pytest.raises(RowError, match=r"has accounts of method 1\.0\.0.*`greenlane rebuild --checkpoint`"):
        both.take(closed(FIRST))


def test_a_log_of_an_earlier_release_goes_on_under_the_rules_it_adopts() -> None:
    both = Both()
    old = [packed(number, FIRST, factors=None) for number in range(4)]
    both.take(*old, closed(FIRST), closed(FIRST + timedelta(days=1)))
    assert not any(key[:1] == b"R" for key in both.rows)
    both.restart()
    both.take(rules(LONG, first=True), packed(9, FIRST + timedelta(days=1)), closed(FIRST + timedelta(days=2)))
    both.agree()


@pytest.mark.parametrize("seed", range(60))
def test_both_agree_on_any_order_of_rules_parcels_closings_and_restarts(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 3 == 0:  # every closing is stated while it is written, and ends its batch
        monkeypatch.setattr(state, "MOST_STATED", -1)
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing
    both, today, parcels = Both(rng.choice([SHORT, LONG, STRICT])), FIRST, 0
    for _ in range(25):
        batch: list[Message] = []
        for _ in range(rng.randint(1, 6)):
            kind = rng.random()
            if kind < 0.12:
                policy, factors = rng.choice([SHORT, LONG, STRICT]), rng.choice([FACTORS, FACTORS, OTHER_FACTORS])
                batch.append(rules(policy, first=rng.random() < 0.3, factors=factors, to=rng.choice([("m",), ("n",)])))
            elif kind < 0.35:
                today += timedelta(days=rng.randint(0, 2))
                batch.append(closed(today, rng.choice("mmmn")))
            else:
                parcels += 1
                day = today + timedelta(days=rng.randint(-5, 1))
                batch.append(
                    packed(parcels, day, rng.choice("abc"), rng.choice("mmmn"), factors=rng.choice([FACTORS, None]))
                )
        both.take(*batch)
        if rng.random() < 0.3:
            both.restart()
    assert set(both.refused) <= {DeadLetterCode.OTHER_RULES, DeadLetterCode.UNKNOWN_MARKETPLACE}
    wanted = {
        f"{item.data.marketplace}/{item.subject}": item.model_dump_json().encode() for item in both.oracle.statements()
    }
    assert {key.decode(): value for key, value in both.scores.items()} == wanted
    assert sorted(both.decisions) == sorted(item.model_dump_json().encode() for item in both.oracle.decisions)


LATER = json.loads(rules(LONG).model_dump_json())
UNREADABLE = {
    "another field of the policy": LATER | {"policy": LATER["policy"] | {"later_days": 3}},
    "a threshold beyond what this release allows": LATER | {"policy": LATER["policy"] | {"window_days": 9_999}},
    "another version of the record": LATER | {"type": "greenlane.rules-adopted.v2"},
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_nobody_goes_on_past_rules_of_a_later_release(value: dict[str, Any]) -> None:
    both = Both()
    both.take(rules(SHORT, first=True))
    record = Incoming(1, json.dumps(value).encode(), key=RULES_KEY)
    told = r"partition 0 offset 1 has adopted rules that this release cannot read \(.+\)\. Start the release that"
    with pytest.raises(UnreadableRulesError, match=told):
        both.accounts.handle([record])
    with pytest.raises(UnreadableRulesError, match=told):
        _books(record)
    with pytest.raises(UnreadableRulesError, match=told):
        first_of_another([record], "1.0.0")


@pytest.mark.parametrize("value", [b"", b"[" * 5_000, b"{}", b'{"type": 1}', b'"greenlane.rules-adopted.v1"'])
def test_other_bytes_under_the_key_of_the_rules_become_dead_letters(value: bytes) -> None:
    both = Both()
    record = Incoming(0, value, key=RULES_KEY)
    assert [output.topic for output in both.accounts.handle([record])[0].outputs] == [DEAD_LETTERS]
    assert len(_books(record).unexplained_yet()) == 1


def test_rules_under_another_key_that_cannot_be_read_become_dead_letters() -> None:
    both = Both()
    record = Incoming(0, json.dumps(UNREADABLE["another field of the policy"]).encode())
    assert [output.topic for output in both.accounts.handle([record])[0].outputs] == [DEAD_LETTERS]
    assert len(_books(record).unexplained_yet()) == 1


def _books(record: Incoming) -> Conservation:
    """What the oracle makes of a log with this record alone."""
    reader = Mock(spec=TopicsReader, spans=())
    reader.records.side_effect = lambda topic: iter([record] if topic == record.topic else [])
    return rebuilt(reader, Basis({}, SHORT, ()), None)[0]


def test_settings_that_name_other_rules_are_told_both_and_the_remedy() -> None:
    current = rules(SHORT, first=True)
    assert Wanted(METHOD_VERSION, current.policy, FACTORS).contradiction(current) is None
    assert Wanted(METHOD_VERSION, rules(LONG).policy).contradiction(None) is None
    assert Wanted(METHOD_VERSION, factors=FACTORS, marketplaces=("m",)).contradiction(current) is None
    why = Wanted(METHOD_VERSION, factors=FACTORS, marketplaces=("m", "new")).contradiction(current)
    assert why is not None
    assert "marketplaces new" in why
    assert "greenlane topics apply" in why
    why = Wanted(METHOD_VERSION, rules(LONG).policy, OTHER_FACTORS).contradiction(current)
    assert why is not None
    for words in ("policy 1.1.0 (", "adopted 1.0.0 (", OTHER_FACTORS, FACTORS, "greenlane policy adopt"):
        assert words in why
