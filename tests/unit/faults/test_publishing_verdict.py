"""The judge of `make faults-publishing` finds each kind of broken promise, and nothing in a run without any."""

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from tests.faults.publishing.client import Client
from tests.faults.publishing.events import SELLERS, event_of, id_of, is_bad, is_delivered, seller_of
from tests.faults.publishing.journal import Journal, Known, Verdict, read
from tests.faults.publishing.verdict import Findings, Standing

from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.reading.fulfilment import read_document

CLIENT, COUNT = "http-0", 40


def honest() -> tuple[Known, Standing]:
    """Every good event was accepted and stands, one of them twice; every bad one was refused."""
    said: dict[int, list[Verdict]] = {}
    places: dict[str, list[tuple[int, int]]] = {}
    for number in range(COUNT):
        name = id_of(CLIENT, number)
        if is_bad(number):
            said[number] = [Verdict("refused")]
        else:
            said[number] = [Verdict("accepted", 0, number)]
            places[name] = [(0, number)]
    said[3].append(Verdict("accepted", 1, 0))
    places[id_of(CLIENT, 3)].append((1, 0))
    ids = {place: name for name, every in places.items() for place in every}
    return Known(COUNT, said), Standing(places, ids)


def counted(*, surplus: int = 0, missing: int = 0) -> dict[str, tuple[int, int]]:
    """The accounts of the honest run; the first seller's is off by so many."""
    found = {seller_of(CLIENT, number): [0, 0] for number in range(COUNT)}
    for number in range(COUNT):
        found[seller_of(CLIENT, number)][is_delivered(number)] += not is_bad(number)
    found[seller_of(CLIENT, 0)][0] += surplus - missing
    return {seller: (packed, delivered) for seller, (packed, delivered) in found.items()}


def judged(
    known: Known, standing: Standing, accounts: dict[str, tuple[int, int]], *, spooled: bool = False
) -> Findings:
    findings = Findings()
    findings.promises(CLIENT, known, standing, spooled=spooled)
    findings.accounts({CLIENT: known}, standing, accounts)
    return findings


def test_kept_promises_give_no_figure_and_a_repeat_is_none() -> None:
    findings = judged(*honest(), counted())
    assert not findings.figures
    assert (findings.events, findings.repeats) == (COUNT, 1)
    assert len(counted()) == SELLERS


def test_an_accepted_event_that_is_absent_is_lost_and_breaks_its_receipt() -> None:
    known, standing = honest()
    standing.ids.pop(standing.places.pop(id_of(CLIENT, 5))[0])
    figures = judged(known, standing, counted(), spooled=True).figures
    assert figures["lost"] == figures["spool_lost"] == 1
    assert figures["receipts_broken"] == 2, "absent, and not where the receipt says"


def test_a_refused_event_that_is_present_breaks_its_receipt() -> None:
    known, standing = honest()
    known.said[5] = [Verdict("refused")]
    assert judged(known, standing, counted()).figures["receipts_broken"] == 1


def test_a_receipt_that_names_another_place_is_broken() -> None:
    known, standing = honest()
    known.said[5] = [Verdict("accepted", 0, 6)]
    assert dict(judged(known, standing, counted()).figures) == {"receipts_broken": 1}


def test_a_bad_event_that_was_accepted_breaks_the_contract() -> None:
    known, standing = honest()
    bad = next(number for number in range(COUNT) if is_bad(number))
    known.said[bad] = [Verdict("accepted")]
    assert judged(known, standing, counted()).figures["receipts_broken"] == 2


def test_an_event_without_a_verdict_is_open() -> None:
    known, standing = honest()
    del known.said[5]
    assert dict(judged(known, standing, counted()).figures) == {"open": 1}


def test_accounts_that_hold_too_much_or_too_little_are_seen() -> None:
    assert dict(judged(*honest(), counted(surplus=2)).figures) == {"counted_twice": 2}
    assert dict(judged(*honest(), counted(missing=3)).figures) == {"lost": 3}
    assert judged(*honest(), {}).figures["lost"] > 0


def test_a_journal_says_after_a_kill_what_it_was_told_before(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.begin(3)
    journal.note({0: Verdict("accepted", 1, 7), 2: Verdict("refused")})
    with path.open("ab") as torn:
        torn.write(b"accepted 1 0")
    assert read(path) == Known(3, {0: [Verdict("accepted", 1, 7)], 2: [Verdict("refused")]})
    assert read(path).open == [1]


class Deaf:
    """A road that answers only every third time."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []

    def send(self, events: list[tuple[int, dict[str, object]]]) -> dict[int, Verdict]:
        self.sent.append([number for number, _ in events])
        return {number: Verdict("accepted") for number, _ in events} if len(self.sent) % 3 == 0 else {}

    def finish(self) -> bool:
        return True


def test_a_client_sends_what_has_no_verdict_until_it_has_one(tmp_path: Path) -> None:
    journal, road = Journal(tmp_path / "journal"), Deaf()
    client = Client(CLIENT, road, journal, Random(1))  # noqa: S311 - a test's seed
    for _ in range(6):
        client.turn(fresh=True)
    while journal.known.open:
        client.turn(fresh=False)
    assert set(journal.known.said) == set(range(journal.known.begun))
    assert len({number for sent in road.sent for number in sent}) < sum(map(len, road.sent)), "some were sent again"


@pytest.mark.parametrize("number", range(40))
def test_the_events_are_good_but_for_those_that_are_meant_bad(number: int) -> None:
    body = json.dumps(event_of(CLIENT, number)).encode()
    try:
        read_document(body, datetime(2026, 8, 1, tzinfo=UTC))
    except Refusal:
        assert is_bad(number)
    else:
        assert not is_bad(number)
