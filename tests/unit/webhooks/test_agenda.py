"""Whose turn it is, under a virtual clock."""

import heapq
from collections import Counter, deque

import pytest

from greenlane.webhooks.dispatcher.claiming.agenda import Agenda, Budget, Slot
from greenlane.webhooks.dispatcher.claiming.breaker import Breaker, Phase
from greenlane.webhooks.dispatcher.verdicts import Answer
from greenlane.webhooks.states import Failure

OK = Answer(200)
TIMEOUT = Answer(None, Failure.TIMEOUT)


def started(agenda: Agenda, endpoint_id: str, count: int, now: float = 0.0) -> list[Slot]:
    """Claim `count` of an endpoint's deliveries, with more of them waiting."""
    agenda.mark(endpoint_id)
    asked = dict(agenda.take(now, 1_000))[endpoint_id]
    assert asked >= count
    return agenda.claimed(endpoint_id, count, count, now)


def test_endpoints_take_turns_with_four_requests_each() -> None:
    agenda = Agenda()
    for endpoint_id in ("a", "b", "c"):
        agenda.mark(endpoint_id)
    assert agenda.take(0.0, 10) == [("a", 4), ("b", 4), ("c", 2)]


def test_an_endpoint_at_its_cap_waits_until_one_of_its_requests_is_over() -> None:
    agenda = Agenda()
    first, *_ = started(agenda, "a", 4)
    assert agenda.take(0.0, 10) == []
    agenda.finished(first, OK, 0.1)
    assert agenda.take(0.1, 10) == [("a", 1)]


def test_after_a_failure_an_endpoint_is_sent_one_request_at_a_time_until_one_succeeds() -> None:
    agenda = Agenda()
    one, other = started(agenda, "a", 2)
    agenda.finished(one, Answer(500), 0.1)
    assert agenda.take(0.1, 10) == []
    agenda.finished(other, Answer(500), 0.2)
    assert agenda.take(0.2, 10) == [("a", 1)]
    (probe,) = agenda.claimed("a", 1, 1, 0.2)
    assert probe.budget is Budget.SLOW
    agenda.finished(probe, OK, 0.3)
    assert agenda.take(0.3, 10) == [("a", 4)]


def test_an_endpoint_that_failed_its_last_owner_is_probed_until_two_succeed_unless_it_is_known_here() -> None:
    agenda = Agenda()
    agenda.distrust("failed")
    for now in (0.0, 0.1):
        agenda.mark("failed")
        assert agenda.take(now, 10) == [("failed", 1)]
        (probe,) = agenda.claimed("failed", 1, 1, now)
        assert probe.budget is Budget.SLOW
        agenda.finished(probe, OK, now)
    agenda.distrust("failed")
    agenda.mark("failed")
    assert agenda.take(0.2, 10) == [("failed", 4)]


def test_an_endpoint_that_failed_its_last_owner_and_the_first_probe_is_left_alone_for_a_minute() -> None:
    agenda = Agenda()
    agenda.distrust("failed")
    (probe,) = started(agenda, "failed", 1)
    agenda.finished(probe, TIMEOUT, 1.0)
    assert agenda.take(60.9, 10) == []
    assert agenda.take(61.1, 10) == [("failed", 1)]


def test_a_request_that_is_out_for_a_second_frees_its_fast_slot_and_makes_its_endpoint_suspect() -> None:
    agenda = Agenda(fast=2, slow=10)
    slots = started(agenda, "hangs", 2)
    agenda.mark("healthy")
    assert agenda.take(0.9, 10) == []
    assert agenda.idle_seconds(0.9) == pytest.approx(0.1)
    assert agenda.take(1.0, 10) == [("healthy", 2)]
    assert (agenda.in_flight(Budget.FAST), agenda.in_flight(Budget.SLOW)) == (0, 2)
    agenda.finished(slots[0], TIMEOUT, 15.0)
    assert agenda.take(15.0, 10) == []
    agenda.finished(slots[1], OK, 15.1)
    assert dict(agenda.take(15.1, 10))["hangs"] == 2


def test_a_full_slow_budget_stops_suspect_endpoints_only() -> None:
    agenda = Agenda(fast=4, slow=1)
    (failing,) = started(agenda, "fails", 1)
    (slot,) = agenda.claimed("hangs", 4, 1, 0.0)
    agenda.finished(failing, Answer(404), 0.5)
    agenda.mark("healthy")
    assert agenda.take(1.0, 10) == [("healthy", 4)]
    assert agenda.idle_seconds(1.0) is None
    agenda.finished(slot, OK, 2.0)
    assert ("fails", 1) in agenda.take(2.0, 10)


def test_five_failures_in_a_row_open_the_breaker_and_one_probe_follows_after_thirty_seconds() -> None:
    agenda = Agenda()
    for _ in range(5):
        (slot,) = started(agenda, "a", 1)
        agenda.finished(slot, Answer(500), 0.0)
    agenda.mark("a")
    assert agenda.take(29.9, 10) == []
    assert agenda.breakers()[Phase.OPEN] == 1
    assert agenda.take(30.0, 10) == [("a", 1)]
    (probe,) = agenda.claimed("a", 1, 1, 30.0)
    assert agenda.take(30.0, 10) == []
    agenda.finished(probe, OK, 30.1)
    assert agenda.take(30.1, 10) == [("a", 1)]
    (second,) = agenda.claimed("a", 1, 1, 30.1)
    agenda.finished(second, OK, 30.2)
    assert agenda.breakers()[Phase.CLOSED] == 1
    assert agenda.take(30.2, 10)[0][1] > 1


def test_the_pause_between_probes_doubles_up_to_a_quarter_of_an_hour() -> None:
    breaker, now, pauses = Breaker(), 0.0, []
    for _ in range(5):
        breaker.learn(TIMEOUT, now)
    for _ in range(7):
        reopens = breaker.closed_until(now)
        assert reopens is not None
        pauses.append(reopens - now)
        now = reopens
        assert breaker.closed_until(now) is None
        breaker.learn(TIMEOUT, now)
    assert pauses == [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0]


def test_an_answer_that_is_no_outage_breaks_the_row_of_failures() -> None:
    breaker = Breaker()
    for answer in (*[TIMEOUT] * 4, Answer(404), *[Answer(500)] * 4):
        breaker.learn(answer, 0.0)
    assert breaker.phase is Phase.CLOSED


def test_the_cap_rises_with_fast_successes_and_is_halved_when_the_receiver_asks_for_less() -> None:
    agenda = Agenda()
    for _ in range(50 * 12):
        (slot,) = started(agenda, "a", 1)
        agenda.finished(slot, OK, 0.0)
    slots = started(agenda, "a", 16)
    assert len(slots) == 16
    assert started(agenda, "a", 8) == []
    for slot in slots:
        agenda.finished(slot, Answer(429), 0.0)
    (probe,) = started(agenda, "a", 1)
    agenda.finished(probe, OK, 0.0)
    assert dict(agenda.take(0.0, 100)) == {"a": 1}


def test_an_endpoint_is_looked_at_again_when_its_next_delivery_is_due() -> None:
    agenda = Agenda()
    agenda.mark_at("a", 5.0)
    agenda.mark_at("a", 9.0)
    assert agenda.take(4.9, 10) == []
    assert agenda.idle_seconds(4.0) == 1.0
    assert agenda.take(5.0, 10) == [("a", 4)]


def test_an_earlier_moment_replaces_a_later_one() -> None:
    agenda = Agenda()
    agenda.mark_at("a", 9.0)
    agenda.mark_at("a", 5.0)
    assert agenda.take(5.0, 10) == [("a", 4)]
    assert agenda.take(9.0, 10) == []


def test_a_full_claim_means_that_there_may_be_more() -> None:
    agenda = Agenda()
    agenda.mark("a")
    assert agenda.take(0.0, 2) == [("a", 2)]
    agenda.claimed("a", 2, 2, 0.0)
    assert agenda.take(0.0, 10) == [("a", 2)]
    agenda.claimed("a", 2, 0, 0.0)
    assert agenda.take(0.0, 10) == []
    assert agenda.in_flight(Budget.FAST) == 2


def well(agenda: Agenda, endpoint_id: str, seconds: float = 0.04) -> None:
    """Four requests of the endpoint succeed, each in so many seconds."""
    for slot in started(agenda, endpoint_id, 4):
        agenda.finished(slot, OK, seconds)


def test_an_endpoint_that_is_well_has_half_a_second_of_work_claimed_ahead_and_no_other_has() -> None:
    agenda = Agenda()
    agenda.mark("new")
    assert agenda.take(0.0, 100) == [("new", 4)]
    for name, seconds, expected in (("quick", 0.04, 4 + 32), ("slow", 0.9, 4 + 2)):
        for _ in range(10):
            well(agenda, name, seconds)
        agenda.mark(name)
        assert agenda.take(0.9, 100) == [(name, expected)]
    (slot, *_) = started(agenda, "slow", 4, 1.0)
    agenda.finished(slot, Answer(500), 1.0)
    agenda.mark("slow")
    assert agenda.take(1.0, 100) == []


def test_an_endpoint_that_is_well_shares_a_claim_with_those_that_are_well_alone() -> None:
    agenda = Agenda()
    for _ in range(10):
        well(agenda, "quick")
        well(agenda, "quicker", 0.01)
    failing = [f"failing-{number}" for number in range(44)]
    for name in failing:
        (slot,) = started(agenda, name, 1)
        agenda.finished(slot, Answer(500), 0.04)
    agenda.take(99.0, 10_000)
    for name in (*failing[:22], "quick", "quicker", *failing[22:]):
        agenda.mark(name)
    asked = dict(agenda.take(100.0, 64))
    assert asked["quick"] == 32
    assert asked["quicker"] == 64 - 32 - 22


def test_what_was_claimed_ahead_begins_as_soon_as_a_request_is_over() -> None:
    agenda = Agenda()
    well(agenda, "a")
    slots = started(agenda, "a", 6, 1.0)
    assert len(slots) == 4
    assert agenda.next("a", 1.0) is None
    agenda.finished(slots[0], OK, 1.04)
    assert agenda.give_back("a") == 0
    assert agenda.next("a", 1.04) is not None
    assert agenda.next("a", 1.04) is None
    agenda.finished(slots[1], OK, 1.04)
    assert agenda.next("a", 1.04) is not None
    agenda.finished(slots[2], OK, 1.04)
    assert agenda.next("a", 1.04) is None


@pytest.mark.parametrize("answer", [Answer(500), Answer(429), Answer(410), TIMEOUT, None], ids=str)
def test_what_was_claimed_ahead_is_given_back_when_its_endpoint_is_not_well_any_more(answer: Answer | None) -> None:
    agenda = Agenda()
    well(agenda, "a")
    slots = started(agenda, "a", 10, 1.0)
    agenda.finished(slots[0], answer, 1.04)
    assert agenda.give_back("a") == 6
    assert agenda.next("a", 1.04) is None
    assert agenda.give_back("a") == 0


def test_all_endpoints_together_have_no_more_than_256_claimed_ahead() -> None:
    agenda = Agenda(fast=10_000)
    names = [str(number) for number in range(100)]
    for name in names:
        well(agenda, name, 0.001)
    began = claimed = 0
    for _ in range(20):
        for name in names:
            agenda.mark(name)
        for name, asked in agenda.take(1.0, 10_000):
            began += len(agenda.claimed(name, asked, asked, 1.0))
            claimed += asked
    assert claimed - began == 256


def longest_wait(rate: float, claim_seconds: float, seconds: float = 20.0) -> float:
    """The longest wait at three endpoints that get `rate` messages a second together and answer in 40 ms each."""
    agenda, names = Agenda(), ("a", "b", "c")
    waiting: dict[str, deque[float]] = {name: deque() for name in names}
    ahead: dict[str, deque[float]] = {name: deque() for name in names}
    ends: list[tuple[float, int, Slot]] = []
    longest, order, now = 0.0, 0, 0.0

    def begin(name: str, slot: Slot) -> None:
        nonlocal longest, order
        order += 1
        longest = max(longest, now - ahead[name].popleft())
        heapq.heappush(ends, (now + 0.04, order, slot))

    asked: list[tuple[str, int]] = []
    claimed_at = 0.0
    for tick in range(int(1_000 * seconds)):
        now = tick / 1_000
        if int(now * rate) != int((now - 0.001) * rate):
            name = names[int(now * rate) % 3]
            waiting[name].append(now)
            agenda.mark(name)
        while ends and ends[0][0] <= now:
            _, _, slot = heapq.heappop(ends)
            agenda.finished(slot, OK, now)
            while (following := agenda.next(slot.endpoint_id, now)) is not None:
                begin(slot.endpoint_id, following)
        if asked and now >= claimed_at + claim_seconds:
            for name, count in asked:
                got = [waiting[name].popleft() for _ in range(min(count, len(waiting[name])))]
                ahead[name].extend(got)
                for slot in agenda.claimed(name, count, len(got), now):
                    begin(name, slot)
            asked = []
        if not asked:
            asked, claimed_at = agenda.take(now, 64), now
    return longest


@pytest.mark.parametrize("claim_seconds", [0.005, 0.13, 0.2])
def test_the_rate_of_an_endpoint_does_not_depend_on_how_long_a_claim_takes(claim_seconds: float) -> None:
    assert longest_wait(200, claim_seconds) < 2.0


def queueing(hanging: int, endpoints: int = 500, rate: int = 1_000, seconds: int = 60) -> tuple[int, float]:
    """Healthy messages done and the longest one waited: healthy ones answer in 20 ms, hung ones hold 15 s."""
    agenda = Agenda()
    waiting: dict[str, deque[float]] = {str(number): deque() for number in range(endpoints)}
    ends: list[tuple[float, int, Slot, Answer]] = []
    done, longest, order = 0, 0.0, 0
    for tick in range(rate * seconds):
        now = tick / rate
        target = str(tick * 7 % endpoints)
        waiting[target].append(now)
        agenda.mark(target)
        while ends and ends[0][0] <= now:
            at, _, slot, answer = heapq.heappop(ends)
            agenda.finished(slot, answer, at)
        for endpoint_id, asked in agenda.take(now, 64):
            got = min(asked, len(waiting[endpoint_id]))
            hangs = int(endpoint_id) < hanging
            for slot in agenda.claimed(endpoint_id, asked, got, now):
                order += 1
                heapq.heappush(ends, (now + (15.0 if hangs else 0.02), order, slot, TIMEOUT if hangs else OK))
                since = waiting[endpoint_id].popleft()
                if not hangs:
                    done, longest = done + 1, max(longest, now - since)
    return done, longest


@pytest.mark.parametrize(("share", "longest"), [(0.0, 0.02), (0.1, 0.05), (0.2, 0.1), (0.5, 1.0)])
def test_healthy_endpoints_lose_nothing_while_others_hang(share: float, longest: float) -> None:
    done, waited = queueing(int(500 * share))
    assert done >= 0.98 * 60_000 * (1 - share)
    assert waited <= longest


def test_the_proof_of_isolation_fails_when_requests_never_move_to_the_slow_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stay(_agenda: Agenda, _now: float) -> None:
        return

    monkeypatch.setattr(Agenda, "_age", stay)
    assert queueing(250)[1] > 1.0


def test_every_budget_is_given_back() -> None:
    agenda = Agenda()
    slots = started(agenda, "a", 4) + started(agenda, "b", 4)
    agenda.take(2.0, 1)
    for slot in slots:
        agenda.finished(slot, OK, 3.0)
        agenda.finished(slot, OK, 3.0)
    assert Counter({budget: agenda.in_flight(budget) for budget in Budget}).total() == 0
