"""The truth beside what the pipeline published: accounts at closed days, badge decisions, dead letters."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from tests.audit.comparing import WORDS, Findings, published
from tests.truth.accounts import Figures, Truth

from greenlane.contracts.topics import BADGE_DECISIONS, DEAD_LETTERS, SELLER_SCORES
from greenlane.operations.topics_reader import TopicsReader

Key = tuple[str, date]


class Decided(NamedTuple):
    """A badge decision: what it did, the level before and the level then."""

    word: str
    before: str
    level: str


@dataclass
class Published:
    """What the pipeline says of one marketplace, by seller and closed day."""

    figures: dict[Key, Figures] = field(default_factory=dict)
    decisions: dict[Key, Decided] = field(default_factory=dict)
    dead_letters: int = 0


def read(bootstrap_servers: str, marketplace: str) -> Published:
    """Read the topics of the results to their end; of a day that was stated twice, the last word stands."""
    found, own = Published(), f"{marketplace}/".encode()
    for value in _values(bootstrap_servers, SELLER_SCORES, own):
        if b'"closed_day"' in value:
            data = json.loads(value)["data"]
            found.figures[data["seller_id"], date.fromisoformat(data["day"])] = published(data)
    for value in _values(bootstrap_servers, BADGE_DECISIONS, own):
        data = json.loads(value)["data"]
        key = data["seller_id"], date.fromisoformat(data["day"])
        found.decisions[key] = Decided(WORDS[data["reason"]], data["previous_level"], data["level"])
    letters = (json.loads(value) for value in _values(bootstrap_servers, DEAD_LETTERS, b""))
    topic = f".{marketplace}."
    found.dead_letters = len({letter["id"] for letter in letters if topic in letter["data"]["origin"]["topic"]})
    return found


def _values(bootstrap_servers: str, topic: str, start: bytes) -> Iterator[bytes]:
    with TopicsReader(bootstrap_servers, [topic], lambda _read, _total: None) as reader:
        for record in reader.records(topic):
            if record.value is not None and (record.key or b"").startswith(start):
                yield record.value


def compare(truth: Truth, said: Published, last: date) -> "Verdict":
    """Every account at the last closing, those of earlier closings that are still on the topic, every decision."""
    findings, verdict = Findings(), Verdict()
    for key in sorted(truth.figures.keys() | said.figures.keys()):
        of_truth, of_product = truth.figures.get(key), said.figures.get(key)
        final = key[1] == last
        if of_product is None and (not final or _empty(of_truth)):
            continue  # the topic keeps an account's last statement, and an account without a parcel has none
        expected = None if of_truth is None else {name: value for name, value in of_truth.items() if name != "met"}
        findings.add("account_days", of_product, expected, f"{key[0]} on {key[1]}")
        verdict.accounts += final
        verdict.statements += 1
        if of_product != expected:
            verdict.sellers_different.add(key[0])
    for key in sorted(truth.decisions.keys() | said.decisions.keys()):
        expected_decision = truth.decisions.get(key)
        decision = said.decisions.get(key)
        findings.add("badge_decisions", decision, expected_decision, f"{key[0]} on {key[1]}")
        if decision != expected_decision:
            verdict.sellers_different.add(key[0])
    verdict.findings = findings
    return verdict


def _empty(figures: Figures | None) -> bool:
    return figures is None or not any(" " in name for name in figures)


@dataclass
class Verdict:
    """What was compared and what differed; an account differs that has one figure or one decision that does."""

    findings: Findings = field(default_factory=Findings)
    accounts: int = 0
    statements: int = 0
    sellers_different: set[str] = field(default_factory=set)

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        compared, different = self.findings.compared, self.findings.different
        return {
            "sellers": self.accounts,
            "different": len(self.sellers_different),
            "statements": self.statements,
            "statements_different": different["account_days"],
            "decisions": compared["badge_decisions"],
            "decisions_different": different["badge_decisions"],
            "first_differences": self.findings.first,
        }
