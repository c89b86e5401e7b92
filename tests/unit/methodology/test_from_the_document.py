"""A small part of `make method-audit`: the product agrees with a second implementation from its document."""

import json
from pathlib import Path

import pytest
from tests.audit.comparing import Findings, compare_accounts, compare_events
from tests.audit.document import METHODOLOGY, certificate_forms
from tests.audit.product import sums_of

AUDIT = Path(__file__).parents[2] / "audit"
INDEPENDENT = ("document", "facts", "packaging", "delivery", "from_the_document", "account")


def test_every_sum_of_random_events_is_the_documents() -> None:
    findings = Findings()
    compare_events(findings, count=300, seed=1, tell=str)
    assert not findings.first
    assert findings.compared["events"] == 300
    assert {"packed measured_parcels", "delivered measured_parcels"} <= set(findings.seen)


def test_every_closed_day_of_an_account_is_the_documents() -> None:
    findings = Findings()
    compare_accounts(findings, sellers=1, days=26, seed=1, tell=str)
    assert not findings.first
    assert findings.compared["account_days"] >= 10
    assert findings.seen["met none"] < findings.compared["account_days"], "the account meets no level at all"


def test_a_difference_is_found_and_fails_the_audit() -> None:
    findings = Findings()
    findings.add("events", {"ratio": 1, "parcels": 1}, {"ratio": 2, "parcels": 1}, "an event")
    assert findings.first["events"] == {"about": "an event", "product": {"ratio": 1}, "document": {"ratio": 2}}
    assert not findings.alike({"events": 1})


def test_too_few_comparisons_fail_the_audit() -> None:
    assert not Findings().alike({"events": 1})


@pytest.mark.parametrize("name", INDEPENDENT)
def test_the_second_implementation_uses_nothing_of_the_product(name: str) -> None:
    assert "greenlane." not in (AUDIT / f"{name}.py").read_text(encoding="utf-8").replace(
        "greenlane.parcel", ""
    ).replace("greenlane.packaging", "")


def test_the_documents_form_of_fsc_ids_finds_the_id_of_the_worked_example() -> None:
    assert certificate_forms()["fsc"].fullmatch("FSC-C192811")


def test_the_worked_example_has_a_measured_parcel() -> None:
    lines = (METHODOLOGY / "worked-example.jsonl").read_text(encoding="utf-8").splitlines()
    assert sums_of(json.loads(lines[0]))["measured_parcels"] == 1
