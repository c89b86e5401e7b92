"""The truth file: what counts of a simulated history, and that the product's accounts are what it comes to."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.audit.comparing import WORDS, published
from tests.audit.product import MARKET, ProductAccounts
from tests.truth.accounts import truth_of_file
from tests.truth.comparing import Decided, Published, Verdict, compare
from tests.truth.reading import ending_of, fact_of, lines, seller_of

from greenlane.contracts.events import FulfilmentEvent
from greenlane.methodology.parcel import chain
from greenlane.publishing.history.replay import Pace, replay
from greenlane.publishing.history.timeline import Kind, RawRecord
from greenlane.publishing.sdk.receipts import Receipt, Tally
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate
from greenlane.publishing.simulator.truth import TruthFile

TRUTH = Path(__file__).parents[2] / "truth"
PLAN = SimulationPlan(
    seed=3, sellers=17, days=20, start=date(2025, 11, 3), rate=2.5, marketplace=MARKET, malformed=5, close_every=4
)  # fmt: skip


class Straight:
    """Stands where a publisher stands and hands everything to the product's accounts, without Kafka."""

    marketplace = MARKET

    def __init__(self) -> None:
        self.accounts, self.said = ProductAccounts(), Published()

    def publish(self, event: FulfilmentEvent) -> None:
        self.accounts.take(event.model_dump(mode="json", exclude_none=True))

    def publish_raw(self, _: RawRecord, *, name: str) -> None:
        assert name

    def flush(self) -> Tally:
        return Tally(delivered=0, failed=0, unknown=0, pending=0)

    def close(self) -> tuple[Receipt, ...]:
        return ()

    def close_days(self, _: str, first: date, last: date) -> None:
        scores, decisions = self.accounts.close(first, last)
        self.said.figures |= {(seller, last): published(data) for seller, data in scores.items()}
        self.said.decisions |= {
            key: Decided(WORDS[data["reason"]], data["previous_level"], data["level"])
            for key, data in decisions.items()
        }


def beside_the_truth(file: Path) -> Verdict:
    """The product's accounts of a history beside the truth of it."""
    straight = Straight()
    with TruthFile(file, PLAN) as truth:
        report = replay(truth.watch(simulate(PLAN)), straight, Pace(close_every=PLAN.close_every), straight.close_days)  # type: ignore[arg-type] # the part of a publisher that a replay uses
        truth.finish(report.closed)
    return compare(truth_of_file(file, str), straight.said, ending_of(file).closed[-1][1])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("truth") / "truth.jsonl.gz"
    verdict = beside_the_truth(path).to_json()
    path.with_suffix(".verdict").write_text(json.dumps(verdict, default=str), encoding="utf-8")
    return path


def verdict_of(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.with_suffix(".verdict").read_text(encoding="utf-8")))


def test_every_account_and_decision_of_the_product_is_the_truths(file: Path) -> None:
    verdict = verdict_of(file)

    assert not verdict["first_differences"]
    assert verdict["different"] == verdict["statements_different"] == verdict["decisions_different"] == 0
    assert verdict["sellers"] == PLAN.sellers
    assert verdict["decisions"] > 0


def test_one_milligram_too_many_in_each_round_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = chain
    right = module.round_cost

    def round_cost(*facts: Any) -> Any:
        cost = right(*facts)
        return None if cost is None else replace(cost, counted_mg=cost.counted_mg + 1)

    monkeypatch.setattr(module, "round_cost", round_cost)
    verdict = beside_the_truth(tmp_path / "truth.jsonl").to_json()

    assert verdict["different"] == PLAN.sellers - 2, "all but the two whose sellers declare no rounds"
    assert set(verdict["first_differences"]["account_days"]["product"]) == {"delivery ratio"}


def test_the_file_names_every_record_in_its_last_line(file: Path) -> None:
    ending, history = ending_of(file), list(simulate(PLAN))

    assert ending.records == len(history)
    assert ending.by_kind == {kind: sum(item.kind is kind for item in history) for kind in Kind}
    assert ending.closed[-1][1] == date(2025, 11, 22)


def test_each_fact_has_the_seller_and_the_days_on_which_it_counts(file: Path) -> None:
    facts = [fact_of(line) for line in lines(file) if seller_of(line)]

    assert len(facts) == sum(item.counts for item in simulate(PLAN))
    assert all(fact.seller == fact.event["subject"] for fact in facts)
    assert any(fact.until is not None for fact in facts)
    assert all(fact.until is None or fact.first <= fact.until for fact in facts)
    assert not any("score" in name for fact in facts for name in fact.event["data"])


def test_a_file_of_a_simulation_that_did_not_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    with TruthFile(path, PLAN) as truth:
        _some(truth.watch(simulate(PLAN)), 50)

    with pytest.raises(ValueError, match="Simulate again"):
        ending_of(path)


def _some(events: Iterator[Any], count: int) -> None:
    for _ in range(count):
        next(events)


@pytest.mark.parametrize("name", ["reading", "accounts"])
def test_the_arithmetic_of_the_truth_uses_nothing_of_the_product(name: str) -> None:
    assert "greenlane" not in (TRUTH / f"{name}.py").read_text(encoding="utf-8")
