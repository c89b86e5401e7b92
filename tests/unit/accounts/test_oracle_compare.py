"""The oracle's comparison finds every tampering with scores and decisions, and names the first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from greenlane.accounts.oracle.compare import Comparison, compare_decisions, compare_scores
from greenlane.accounts.oracle.difference import Difference, difference
from greenlane.contracts.assessments import account_key
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.statements import BadgeState, StatedAccount, decision_statement, score_statement
from greenlane.methodology.seller.eligibility import LevelRules, Policy
from greenlane.methodology.seller.score import score
from greenlane.methodology.sums import PackagingSums, Totals
from greenlane.methodology.vocabulary import BadgeLevel

LEVELS = tuple(LevelRules(level, 60, 50, 0, 1, 0, 1, 2) for level in tuple(BadgeLevel)[1:])


@dataclass
class Stored:
    """A record as a consumer hands it over."""

    key: bytes | None
    value: bytes | None
    topic: str = "topic"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


def account(seller: str, day: int = 1) -> StatedAccount:
    totals = Totals(PackagingSums(parcels=3, packaging_mass_mg=500, co2e_ratio=9), active_days=1)
    return StatedAccount(
        marketplace="shop",
        seller_id=seller,
        day=date(2026, 6, day),
        sequence=1,
        first_day=date(2026, 5, 1),
        last_day=date(2026, 6, day),
        totals=totals,
        scores=score(totals),
        badge=BadgeState(level=BadgeLevel.BRONZE),
        policy=Policy("test", LEVELS),
    )


def scored(seller: str) -> SellerScore:
    return score_statement(account(seller), "2026-06-02T00:00:00Z")


def granted(seller: str, day: int = 1) -> BadgeDecision:
    return decision_statement(account(seller, day), "badge.granted", BadgeLevel.NONE, "rules_met_in_a_row", "d")


def stored(item: SellerScore | BadgeDecision) -> Stored:
    return Stored(account_key("shop", item.subject), item.model_dump_json().encode())


def tampered(record: Stored, old: str, new: str) -> Stored:
    assert record.value is not None
    assert old.encode() in record.value
    return replace(record, value=record.value.replace(old.encode(), new.encode(), 1))


ANN, BOB = scored("ann"), scored("bob")


def test_equal_scores_agree() -> None:
    assert compare_scores([ANN, BOB], [stored(BOB), stored(ANN)]) == (2, (), 0, ())


def test_only_the_last_record_of_a_seller_counts() -> None:
    earlier = tampered(stored(ANN), '"parcels":3', '"parcels":2')
    assert compare_scores([ANN], [earlier, stored(ANN)]).differences == ()
    assert len(compare_scores([ANN], [stored(ANN), earlier]).differences) == 1


def test_a_changed_sum_is_named_by_seller_path_and_both_values() -> None:
    found = compare_scores([ANN, BOB], [stored(ANN), tampered(stored(BOB), '"parcels":3', '"parcels":4')])
    assert found.differences == (Difference("shop/bob", "score", "data.sums.packaging.parcels", "3", "4"),)


def test_the_same_json_in_other_bytes_is_different() -> None:
    found = compare_scores([ANN], [tampered(stored(ANN), ",", ", ")])
    assert [(item.seller, item.path) for item in found.differences] == [("shop/ann", "")]


def test_a_missing_score_is_different() -> None:
    found = compare_scores([ANN, BOB], [stored(BOB)])
    assert (found.total, [(item.seller, item.found) for item in found.differences]) == (2, [("shop/ann", None)])


def test_a_deleted_score_is_missing() -> None:
    found = compare_scores([ANN], [stored(ANN), replace(stored(ANN), value=None)])
    assert [(item.seller, item.found) for item in found.differences] == [("shop/ann", None)]


def test_a_score_that_should_not_be_there_is_different() -> None:
    found = compare_scores([ANN], [stored(ANN), stored(BOB)])
    assert (found.total, [(item.seller, item.expected) for item in found.differences]) == (2, [("shop/bob", None)])


def test_equal_decisions_agree_in_any_order_of_sellers() -> None:
    expected = [granted("ann"), granted("bob")]
    assert compare_decisions(expected, [stored(item) for item in reversed(expected)]) == (2, (), 0, ())


def test_a_repeated_decision_is_harmless() -> None:
    record = stored(granted("ann"))
    assert compare_decisions([granted("ann")], [record, record]) == (1, (), 1, ())


def test_a_repeat_that_says_something_else_is_different() -> None:
    record = stored(granted("ann"))
    found = compare_decisions([granted("ann")], [record, tampered(record, '"parcels":3', '"parcels":4')])
    assert [(item.path, item.expected, item.found) for item in found.differences] == [
        ("data.sums.packaging.parcels", "3", "4")
    ]


def test_a_repeat_to_another_seller_is_different() -> None:
    record = stored(granted("ann"))
    found = compare_decisions([granted("ann")], [record, replace(record, key=b"shop/bob")])
    assert [item[2:] for item in found.differences] == [("key", "shop/ann", "shop/bob")]


def test_a_missing_decision_is_different() -> None:
    found = compare_decisions([granted("ann", 1), granted("ann", 2)], [stored(granted("ann", 1))])
    assert [(item.record, item.found) for item in found.differences] == [(f"decision {granted('ann', 2).id}", None)]


def test_an_extra_decision_is_different() -> None:
    found = compare_decisions([], [stored(granted("ann"))])
    assert [(item.seller, item.expected) for item in found.differences] == [("shop/ann", None)]


def test_a_wrong_id_is_a_missing_and_an_extra_decision() -> None:
    right = granted("ann")
    found = compare_decisions([right], [tampered(stored(right), right.id, "f" * 32)])
    assert {(item.record, item.expected is None) for item in found.differences} == {
        (f"decision {right.id}", False),
        (f"decision {'f' * 32}", True),
    }


def test_a_changed_level_is_named() -> None:
    found = compare_decisions(
        [granted("ann")], [tampered(stored(granted("ann")), '"level":"bronze"', '"level":"gold"')]
    )
    assert [item.path for item in found.differences] == ["data.standing.level"]


def test_a_decision_under_another_sellers_key_is_different() -> None:
    found = compare_decisions([granted("ann")], [replace(stored(granted("ann")), key=b"shop/bob")])
    assert [item[2:] for item in found.differences] == [("key", "shop/ann", "shop/bob")]


FOREIGN = (b"", b"{}", b"[]", b"nonsense", b"\xff" * 1_000, b"[" * 200_000, b'{"id": "\\u001b]0;owned\\u0007"}')


@pytest.mark.parametrize("value", [None, *FOREIGN], ids=range(1 + len(FOREIGN)))
def test_what_is_no_decision_is_named_as_foreign_and_no_difference(value: bytes | None) -> None:
    record = Stored(b"shop/ann", value, offset=7)
    found = compare_decisions([granted("ann")], [record, stored(granted("ann")), record])
    assert (found.differences, found.repeats) == ((), 0)
    assert [item.partition(" ")[2] for item in found.foreign] == ["partition 0 offset 7 is no decision"] * 2


@pytest.mark.parametrize("value", FOREIGN, ids=range(len(FOREIGN)))
def test_what_is_no_score_is_named_as_foreign_and_hides_none(value: bytes) -> None:
    record = Stored(b"shop/ann", value, offset=7)
    nobodys = Stored(b"shop/nobody", value, offset=8)
    found = compare_scores([ANN], [record, stored(ANN), record, nobodys])
    assert (found.total, found.differences, len(found.foreign)) == (1, (), 3)
    assert found.foreign[-1].endswith("partition 0 offset 8 is no score")
    assert [item.seller for item in compare_scores([ANN], [record]).differences] == ["shop/ann"]


def test_a_foreign_record_is_said_and_does_not_disagree() -> None:
    found = compared(foreign=2, first_foreign="scores partition 0 offset 7 is no score")
    assert found.agrees
    assert "first foreign record: scores partition 0 offset 7 is no score" in found.to_text()
    assert json.loads(found.to_json())["foreign"] == 2


@pytest.mark.parametrize(
    ("expected", "found", "path", "values"),
    [
        (b'{"a":{"b":[1,2]}}', b'{"a":{"b":[1,3]}}', "a.b.1", ("2", "3")),
        (b'{"a":[1]}', b'{"a":[1,2]}', "a.1", (None, "2")),
        (b'{"a":1,"b":2}', b'{"a":1}', "b", ("2", None)),
        (b'{"a":1}', b'{"a":1.0}', "a", ("1", "1.0")),
        (b'{"a":[]}', b'{"a":{}}', "a", ("[]", "{}")),
        (b'{"a":1}', b"\xff", "", ('{"a":1}', "�")),
        (None, b"{}", "", (None, "{}")),
    ],
)
def test_the_first_field_that_differs_is_named(
    expected: bytes | None, found: bytes, path: str, values: tuple[str | None, str | None]
) -> None:
    assert difference("s", "r", expected, found) == Difference("s", "r", path, *values)


FIGURES = {
    "sellers": 3, "different": 0, "decisions": 2, "decisions_different": 0, "decision_repeats": 0, "badges": 1,
    "published": 9, "assessed": 7, "ignored": 0, "duplicates": 1, "superseded": 0, "late": 0, "dead_letters": 1,
    "unaccounted": 0, "scorer_repeats": 2, "unexplained": 0,
}  # fmt: skip


def compared(**changes: Any) -> Comparison:
    first = Difference("shop/ann", "score", "data.day", '"a"', '"b"') if changes.get("different") else None
    return Comparison(
        **(FIGURES | changes), first_difference=first, first_unaccounted=None, first_unexplained=None, begins="log"
    )


def test_harmless_repeats_agree() -> None:
    assert compared().agrees


@pytest.mark.parametrize("trouble", ["different", "decisions_different", "unaccounted", "unexplained"])
def test_any_trouble_does_not_agree(trouble: str) -> None:
    assert not compared(**{trouble: 1}).agrees


def test_the_result_is_one_json_object_with_the_first_difference_by_name() -> None:
    document = json.loads(compared(different=1).to_json())
    assert {name: document[name] for name in FIGURES} == FIGURES | {"different": 1}
    assert document["first_difference"]["path"] == "data.day"


def test_the_text_names_the_first_difference_and_the_verdict() -> None:
    text = compared(different=1).to_text()
    assert "seller shop/ann, score, data.day" in text
    assert text.endswith("does not agree")
    assert compared().to_text().endswith("\nagrees")
