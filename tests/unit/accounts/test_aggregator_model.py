"""The partition state against a deliberately naive model that sums every figure from the parcels anew."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from prometheus_client import CollectorRegistry
from tests.unit.methodology.choices import Choices, chosen

from greenlane.accounts.aggregator import state as state_module
from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.state import Accounts, EntryRows
from greenlane.accounts.aggregator.telemetry import Gauges
from greenlane.contracts.assessments import (
    FINAL_REVISION,
    Assessment,
    DayClosed,
    Retraction,
    SellerErased,
    SourcePosition,
)
from greenlane.contracts.scores import statement_id
from greenlane.contracts.topics import BADGE_DECISIONS, SELLER_SCORES
from greenlane.methodology.seller.eligibility import LevelRules, Policy, level_held, level_met
from greenlane.methodology.seller.score import score
from greenlane.methodology.sums import SUMS, Totals
from greenlane.methodology.vocabulary import BadgeLevel, DataCategory, Dimension
from greenlane.operations.metrics import AggregatorMetrics
from greenlane.streaming import Outcome, Output, Stage

FIRST = date(2026, 7, 1)
LEVELS = list(BadgeLevel)
POLICIES = [
    Policy("a", _levels, window_days=4, lateness_days=lateness, prior_parcels=1, enter_days=enter, leave_days=leave)
    for _levels in [
        (
            LevelRules(BadgeLevel.BRONZE, 45, 40, 0, 1, 0, 1, 100),
            LevelRules(BadgeLevel.SILVER, 50, 45, 0, 2, 0, 2, 100),
            LevelRules(BadgeLevel.GOLD, 55, 45, 0, 3, 0, 2, 100),
        )
    ]
    for lateness, enter, leave in [(2, 2, 3), (90, 1, 1), (1, 3, 2)]
]
STAGE = Stage("aggregation", "aggregator", "0", "1.0.0")
LogRecord = Assessment | Retraction | DayClosed | SellerErased


class Incoming(NamedTuple):
    """A record as the engine hands it over."""

    offset: int
    value: bytes | None
    topic: str = "assessments"
    partition: int = 0
    timestamp: int = 1_900_000_000_000
    key: bytes | None = b"key"
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class Seller:
    """What the model remembers of a seller that cannot be summed from parcels."""

    level: BadgeLevel = BadgeLevel.NONE
    met: list[BadgeLevel] = field(default_factory=list)
    below: int = 0
    warned_on: date | None = None
    count: int = 0


class Naive:
    """The rules as they are written, without a thought for speed."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.closed: dict[str, date] = {}
        self.entries: dict[tuple[str, str, str, Dimension], tuple[Any, date, dict[str, int] | None]] = {}
        self.sellers: dict[tuple[str, str], Seller] = {}
        self.decisions: list[tuple[Any, ...]] = []
        self.scores: list[tuple[Any, ...]] = []

    def totals(self, market: str, seller: str, first: date, last: date) -> Totals:
        standing = [
            (key[3], day, contribution)
            for key, (_, day, contribution) in self.entries.items()
            if key[:2] == (market, seller) and first <= day <= last and contribution is not None
        ]
        sums: list[Any] = []
        for dimension, kind in SUMS.items():
            mine = [contribution for of, _, contribution in standing if of is dimension]
            sums.append(kind(**{name: sum(item.get(name, 0) for item in mine) for name in kind._fields}))
        active = {
            day
            for of, day, contribution in standing
            if of in {Dimension.PACKAGING, Dimension.DELIVERY} and contribution.get("parcels", 0) > 0
        }
        packaging, delivery, returns, circularity = sums
        return Totals(packaging, delivery, returns, circularity, len(active))

    def take(self, record: LogRecord) -> str:
        if isinstance(record, DayClosed):
            self.close(record)
            return "control"
        if isinstance(record, SellerErased):
            gone = (record.marketplace, record.seller_id)
            self.entries = {key: item for key, item in self.entries.items() if key[:2] != gone}
            self.sellers.pop(gone, None)
            return "control"
        market, day = record.marketplace, record.day
        bound = min(self.policy.lateness_days, self.policy.window_days - 1)
        if market in self.closed and day <= self.closed[market] - timedelta(days=bound):
            return "late"
        dimensions = [record.dimension] if isinstance(record, Assessment) else list(Dimension)
        contribution = record.contribution if isinstance(record, Assessment) else None
        outcomes = []
        for dimension in dimensions:
            key = (market, record.seller_id, record.parcel_id, dimension)
            standing = self.entries[key][0] if key in self.entries else None
            if standing is None or standing < record.version:
                self.entries[key] = (record.version, day, contribution)
                outcomes.append("assessed")
            else:
                outcomes.append("duplicate" if standing == record.version else "superseded")
        if "assessed" in outcomes:
            self.sellers.setdefault((market, record.seller_id), Seller()).count += 1
            return "assessed"
        return "duplicate" if set(outcomes) == {"duplicate"} else "superseded"

    def close(self, record: DayClosed) -> None:
        market, width = record.marketplace, timedelta(days=self.policy.window_days - 1)
        day = self.closed[market] + timedelta(days=1) if market in self.closed else record.first_day
        if day > record.last_day:
            return
        only_day = day == record.last_day
        names = sorted(name for of, name in self.sellers if of == market)
        counts = {name: self.sellers[market, name].count for name in names}
        first_of_run = day
        while day <= record.last_day:
            for name in names:
                sequence = counts[name] + 1 if day == first_of_run else 1
                self.close_day(market, name, day, sequence, record.id)
            day += timedelta(days=1)
        last = record.last_day
        for name in names:
            totals = self.totals(market, name, last - width, last)
            sequence = counts[name] + 1 if only_day else 1
            self.scores.append(self.said(market, name, last, sequence, totals))
            self.sellers[market, name].count = 0
        self.closed[market] = last
        kept_from = last + timedelta(days=1) - width
        self.entries = {key: item for key, item in self.entries.items() if key[0] != market or item[1] >= kept_from}
        for name in names:
            holds = any(key[:2] == (market, name) for key in self.entries)
            if not holds and self.sellers[market, name].level is BadgeLevel.NONE:
                del self.sellers[market, name]

    def close_day(self, market: str, name: str, day: date, sequence: int, day_closed_id: str) -> None:
        policy, seller = self.policy, self.sellers[market, name]
        totals = self.totals(market, name, day - timedelta(days=policy.window_days - 1), day)
        scores = score(totals, policy.prior_parcels)
        seller.met.append(level_met(totals, scores, policy))
        recent = seller.met[-policy.enter_days :]
        proven = [
            level
            for level in LEVELS[1:]
            if len(recent) == policy.enter_days and all(LEVELS.index(met) >= LEVELS.index(level) for met in recent)
        ]
        previous, kind, reason = seller.level, "", ""
        if proven and LEVELS.index(proven[-1]) > LEVELS.index(previous):
            seller.level, seller.below, seller.warned_on = proven[-1], 0, None
            kind = "badge.granted" if previous is BadgeLevel.NONE else "badge.level_changed"
            reason = "rules_met_in_a_row"
        elif not level_held(previous, totals, scores, policy):
            seller.below += 1
            if seller.below >= policy.leave_days:
                lower = [
                    level for level in LEVELS[1 : LEVELS.index(previous)] if level_held(level, totals, scores, policy)
                ]
                seller.level, seller.below, seller.warned_on = ([BadgeLevel.NONE, *lower][-1], 0, None)
                kind = "badge.revoked" if seller.level is BadgeLevel.NONE else "badge.level_changed"
                reason = "days_below_used_up"
            elif seller.below == 1:
                kind, reason, seller.warned_on = "badge.warned", "below_level", day
        else:
            seller.below, seller.warned_on = 0, None
        if kind:
            said = self.said(market, name, day, sequence, totals, what="badge")
            self.decisions.append((*said, kind, reason, previous, seller.level, day_closed_id))

    def open_score(self, market: str, name: str) -> tuple[Any, ...]:
        day = self.closed[market] + timedelta(days=1)
        totals = self.totals(market, name, day - timedelta(days=self.policy.window_days - 1), date.max)
        return self.said(market, name, day, self.sellers[market, name].count, totals)

    def said(
        self, market: str, name: str, day: date, sequence: int, totals: Totals, what: str = "score"
    ) -> tuple[Any, ...]:
        seller = self.sellers[market, name]
        identity = statement_id("badge" if what == "badge" else "score", market, name, day, sequence)
        green = float(score(totals, self.policy.prior_parcels).green)
        sums = [sums._asdict() for sums in totals[:4]]
        return (identity, day, sequence, sums, totals.active_days, green, seller.level, seller.below, seller.warned_on)


def read_said(output: Output) -> tuple[Any, ...]:
    """A statement, as the model tells it."""
    statement = json.loads(output.value or b"")
    data = statement["data"]
    standing, sums = data["standing"], data["sums"]
    assert output.key == f"{data['marketplace']}/{data['seller_id']}".encode()
    said = (
        statement["id"],
        date.fromisoformat(data["day"]),
        data["sequence"],
        [sums[name] for name in ("packaging", "delivery", "returns", "circularity")],
        sums["active_days"],
        data["score"]["green"],
        BadgeLevel(standing["level"]),
        standing["days_below"],
        None if standing["warned_on"] is None else date.fromisoformat(standing["warned_on"]),
    )
    if output.topic == SELLER_SCORES:
        return said
    decided = (statement["type"], data["reason"], data["previous_level"], data["level"], data["day_closed_id"])
    return (*said, *decided)


def an_instant(of: Choices, today: date) -> str:
    """An instant near today, of one of two times of day."""
    day = today + timedelta(days=of.one_of((0, 0, 0, 0, -1, -1, -2, -3, -5, 1, 2)))
    return f"{day}T{of.one_of(('08', '20'))}:00:00.000000Z"


def a_contribution(of: Choices, dimension: Dimension) -> dict[str, int]:
    """Small sums of a dimension that yield scores of every kind."""
    amount = of.one_of(range(9))
    match dimension:
        case Dimension.PACKAGING:
            names = ("packaging_co2e_mg", "plastic_mass_mg", "packaging_mass_mg")
            ratios = dict.fromkeys(("co2e_ratio", "plastic_ratio"), amount * 250_000)
            return {"parcels": 1} | dict.fromkeys(names, amount) | ratios
        case Dimension.DELIVERY:
            return {"parcels": 1, "delivery_co2e_mg": amount, "ratio": amount * 250_000}
        case Dimension.RETURN:
            return {"parcels": 1, "return_co2e_mg": amount, "ratio": amount * 250_000}
        case _:
            return {"recoveries": 1}


BYTES = 12
"""What the choices of one record take at most."""

KINDS = ("assessment",) * 16 + ("retraction", "closed", "closed") * 2 + ("erased",)


def a_record(of: Choices, today: date) -> LogRecord:
    """Anything that may arrive: assessments in any order and version, retractions, days closed anew or again."""
    market = of.one_of(("m1", "m1", "m2"))
    kind = of.one_of(KINDS)
    if kind == "closed":
        last = today + timedelta(days=of.one_of((-1, 0, 0, 0, 1, 2, 9)))
        return DayClosed(marketplace=market, first_day=last - timedelta(days=of.one_of(range(7))), last_day=last)
    if kind == "erased":
        return SellerErased(marketplace=market, seller_id=of.one_of(("s1", "s2", "s3")))
    common: dict[str, Any] = {
        "marketplace": market,
        "seller_id": of.one_of(("s1", "s2")),
        "parcel_id": of.one_of(("p1", "p2", "p3")),
        "occurred_at": an_instant(of, today),
        "event_id": of.one_of(("e1", "e2")),
        "origin": SourcePosition(topic="events", partition=0, offset=0, appended_ms=0),
    }
    if kind == "retraction":
        return Retraction(**common, revision=FINAL_REVISION)
    dimension = of.one_of((*Dimension, Dimension.PACKAGING, Dimension.PACKAGING))
    return Assessment(
        **common,
        revision=of.one_of(range(3)),
        dimension=dimension,
        contribution=a_contribution(of, dimension),
        data_category=DataCategory.PRIMARY,
        factor_ids=(),
        method_version="1.0.0",
    )


def records(today: date, size: int) -> st.SearchStrategy[list[LogRecord]]:
    """So many records, drawn in one piece."""
    return chosen(lambda of: [a_record(of, today) for _ in range(size)], BYTES * size)


HELD = st.sampled_from([0, state_module.MOST_STATED])
"""Statements that a closing holds in memory: none, so that each is streamed, or as many as in production."""


def whole(outcome: Outcome) -> Outcome:
    """An outcome with what was streamed among its outputs, as the engine writes it."""
    streamed = tuple(output for output in outcome.streamed or () if output is not None)
    return Outcome(outcome.name, (*outcome.outputs, *streamed))


class AccountsAgainstNaiveModel(RuleBasedStateMachine):
    """Batches of any size arrive; now and then the process dies and is restored from its rows in any order."""

    @initialize(policy=st.sampled_from(POLICIES), held=HELD)
    def begin(self, policy: Policy, held: int) -> None:
        self.hold(held)
        self.policy, self.model = policy, Naive(policy)
        self.rows: dict[bytes, bytes] = {}
        self.today, self.offset = FIRST, 0
        self.state = self.new_state(PackedEntries())

    def hold(self, most: int) -> None:
        """Let closings of more sellers than this be streamed."""
        self.patched = patch.object(state_module, "MOST_STATED", most)
        self.patched.start()

    def new_state(self, entries: EntryRows) -> Accounts:
        self.registry = CollectorRegistry()
        gauges = Gauges(AggregatorMetrics(self.registry, ["m1", "m2"]))
        return Accounts(0, entries, self.policy, STAGE, gauges, pytest.fail)

    @rule(data=st.data(), size=st.integers(1, 8), days_on=st.sampled_from([0, 0, 1]))
    def a_batch_arrives(self, data: st.DataObject, size: int, days_on: int) -> None:
        self.today += timedelta(days=days_on)
        batch = data.draw(records(self.today, size))
        self.today = max([self.today, *(said.last_day for said in batch if isinstance(said, DayClosed))])
        incoming = [Incoming(self.offset + place, said.model_dump_json().encode()) for place, said in enumerate(batch)]
        self.offset += size
        while incoming:
            taken = [whole(outcome) for outcome in self.state.handle(incoming)]
            self.write(list(self.state.changes()))
            assert [outcome.name for outcome in taken] == self.told(batch[: len(taken)], taken)
            batch, incoming = batch[len(taken) :], incoming[len(taken) :]

    def told(self, batch: list[LogRecord], outcomes: list[Outcome]) -> list[str]:
        """The model's outcomes; what was stated on the way must be what the model states."""
        names, expected_scores, erased = [], [], list[bytes]()
        dirty: set[tuple[str, str]] = set()
        self.model.decisions = []
        for said in batch:
            if isinstance(said, DayClosed):
                expected_scores += self.open_scores(dirty, said.marketplace)
                self.model.scores = []
            if isinstance(said, SellerErased):
                expected_scores += self.open_scores(dirty, said.marketplace)
                erased.append(f"{said.marketplace}/{said.seller_id}".encode())
            names.append(self.model.take(said))
            if isinstance(said, DayClosed):
                expected_scores += self.model.scores
            elif names[-1] == "assessed" and not isinstance(said, SellerErased):
                dirty.add((said.marketplace, said.seller_id))
        expected_scores += self.open_scores(dirty, "m1") + self.open_scores(dirty, "m2")
        written = [output for outcome in outcomes for output in outcome.outputs]
        assert [(output.topic, output.key) for output in written if output.value is None] == [
            (SELLER_SCORES, key) for key in erased
        ]
        outputs = [output for output in written if output.value is not None]
        scores = [read_said(output) for output in outputs if output.topic == SELLER_SCORES]
        decisions = [read_said(output) for output in outputs if output.topic == BADGE_DECISIONS]
        assert sorted(scores, key=repr) == sorted(expected_scores, key=repr)
        assert sorted(decisions, key=repr) == sorted(self.model.decisions, key=repr)
        days: dict[bytes, date] = {}
        for output in outputs:
            if output.topic == BADGE_DECISIONS:
                day = read_said(output)[1]
                assert days.get(output.key, date.min) < day, "a seller's decisions stand in the order of their days"
                days[output.key] = day
        return names

    def open_scores(self, dirty: set[tuple[str, str]], market: str) -> list[tuple[Any, ...]]:
        mine = {key for key in dirty if key[0] == market}
        dirty -= mine
        return [self.model.open_score(*key) for key in sorted(mine)] if market in self.model.closed else []

    def write(self, changes: Sequence[tuple[bytes, bytes | None]]) -> None:
        for key, value in changes:
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value

    @precondition(lambda self: self.rows)
    @rule(seed=st.integers(0, 2**16))
    def the_process_is_restored_from_its_rows(self, seed: int) -> None:
        rows = list(self.rows.items())
        random.Random(seed).shuffle(rows)  # noqa: S311 - a seeded order, no secret
        self.state = self.new_state(PackedEntries())
        for key, value in rows:
            self.state.restore(key, value)
        assert self.state.handle([]) == []
        assert list(self.state.changes()) == []

    @precondition(lambda self: self.offset)
    @rule(data=st.data())
    def records_up_to_the_guard_come_again(self, data: st.DataObject) -> None:
        guard = self.state._guard
        if guard >= 0:
            [said] = data.draw(records(self.today, 1))
            again = Incoming(data.draw(st.integers(0, guard)), said.model_dump_json().encode())
            assert self.state.handle([again]) == [Outcome("replayed")]
            assert list(self.state.changes()) == []

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.patched.stop()
            self.same_figures()

    def same_figures(self) -> None:
        """Metrics and rows hold exactly what the model holds."""
        levels: dict[tuple[str, BadgeLevel], int] = {}
        for (market, _), seller in self.model.sellers.items():
            levels[market, seller.level] = levels.get((market, seller.level), 0) + 1
        for market in ("m1", "m2"):
            for level in BadgeLevel:
                labels = {"marketplace": market, "level": level}
                holders = self.registry.get_sample_value("greenlane_badge_sellers", labels)
                assert holders == levels.get((market, level), 0)
            grams = self.registry.get_sample_value("greenlane_window_plastic_grams", {"marketplace": market}) or 0.0
            plastic = [
                item[2].get("plastic_mass_mg", 0)
                for key, item in self.model.entries.items()
                if key[0] == market and item[2] is not None
            ]
            assert round(grams * 1000) == sum(plastic)
        assert sum(key[:1] == b"E" for key in self.rows) == len(self.model.entries)
        assert sum(key[:1] == b"S" for key in self.rows) == len(self.model.sellers)
        days = {(*key[:2], item[1]) for key, item in self.model.entries.items()}
        assert sum(key[:1] == b"D" for key in self.rows) == len(days)


TestAccounts = AccountsAgainstNaiveModel.TestCase
TestAccounts.settings = settings(deadline=None, stateful_step_count=20)
