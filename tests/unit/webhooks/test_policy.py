"""What an answer means for the delivery and its endpoint."""

from datetime import UTC, datetime, timedelta

import pytest

from greenlane.webhooks.dispatcher.verdicts import Answer, Verdict, endpoint_after, judge, row_after, should_disable
from greenlane.webhooks.states import MODES, EndpointState, Failure, Mode, State

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
LAST = 12


def verdict(mode: Mode, answer: Answer, attempt_no: int = 1, lost_leases: int = 0) -> Verdict:
    return judge(mode, attempt_no, answer, 1.0, lost_leases=lost_leases)


def test_scores_replace_each_other_and_badges_queue() -> None:
    assert MODES["seller.score.updated"] is Mode.LATEST
    assert {mode for name, mode in MODES.items() if name.startswith("badge.")} == {Mode.FIFO}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    assert verdict(Mode.FIFO, Answer(status)) == Verdict(State.DELIVERED)


@pytest.mark.parametrize("status", [100, 199, 300, 301, 302, 307, 400, 401, 404, 408, 429, 500, 503])
def test_everything_else_is_tried_again(status: int) -> None:
    assert verdict(Mode.LATEST, Answer(status)) == Verdict(State.PENDING, f"status_{status}", delay=5.0)


@pytest.mark.parametrize("failure", [Failure.DNS, Failure.CONNECT, Failure.TLS, Failure.TIMEOUT, Failure.BROKEN])
def test_an_attempt_without_an_answer_is_tried_again(failure: Failure) -> None:
    assert verdict(Mode.LATEST, Answer(None, failure)) == Verdict(State.PENDING, failure.value, delay=5.0)


def test_a_score_is_exhausted_at_the_end_of_the_schedule_and_a_badge_never() -> None:
    assert verdict(Mode.LATEST, Answer(500), LAST).state is State.EXHAUSTED
    assert verdict(Mode.FIFO, Answer(500), LAST) == Verdict(State.PENDING, "status_500", delay=86_400.0)


@pytest.mark.parametrize("status", [413, 415, 422])
def test_a_refusal_of_the_content_is_tried_three_times(status: int) -> None:
    assert verdict(Mode.LATEST, Answer(status), 2).state is State.PENDING
    assert verdict(Mode.LATEST, Answer(status), 3) == Verdict(State.EXHAUSTED, "refused")
    assert verdict(Mode.FIFO, Answer(status), 3) == Verdict(State.HELD, "refused")


def test_gone_and_the_disable_directive_disable_the_endpoint_at_once() -> None:
    for answer in (Answer(410), Answer(500, directive="disable")):
        found = verdict(Mode.FIFO, answer)
        assert (found.state, found.endpoint) == (State.HELD, EndpointState.DISABLED)
    taken = verdict(Mode.LATEST, Answer(200, directive="disable"))
    assert (taken.state, taken.endpoint) == (State.DELIVERED, EndpointState.DISABLED)


def test_abort_message_cancels_this_message_only() -> None:
    assert verdict(Mode.FIFO, Answer(400, directive="abort-message")) == Verdict(State.CANCELLED, "aborted_by_receiver")


def test_retry_after_holds_the_endpoint_and_never_shortens_the_delay() -> None:
    assert verdict(Mode.LATEST, Answer(429, retry_after=60.0)) == Verdict(
        State.PENDING, "status_429", delay=60.0, hold=60.0
    )
    assert verdict(Mode.LATEST, Answer(503, retry_after=1.0), 3).delay == 120.0


def test_a_forbidden_address_costs_no_attempt_and_needs_the_owner() -> None:
    found = verdict(Mode.FIFO, Answer(None, Failure.FORBIDDEN_ADDRESS))
    assert found == Verdict(State.HELD, "forbidden_address", endpoint=EndpointState.NEEDS_ATTENTION, charged=False)
    assert verdict(Mode.UNORDERED, Answer(None, Failure.FORBIDDEN_ADDRESS)).state is State.CANCELLED


def test_the_third_lost_lease_quarantines() -> None:
    lost = Answer(None, Failure.LEASE_LOST)
    assert verdict(Mode.FIFO, lost, lost_leases=1) == Verdict(State.PENDING, "lease_lost", delay=0.0)
    assert verdict(Mode.FIFO, lost, lost_leases=2).state is State.QUARANTINED


def test_an_answered_test_activates_and_an_unanswered_one_ends_after_three_attempts() -> None:
    assert verdict(Mode.UNORDERED, Answer(204)) == Verdict(State.DELIVERED, endpoint=EndpointState.ACTIVE)
    assert verdict(Mode.UNORDERED, Answer(500), 2).state is State.PENDING
    assert verdict(Mode.UNORDERED, Answer(500), 3) == Verdict(State.EXHAUSTED, "status_500")


def test_a_removed_endpoint_stays_removed() -> None:
    assert endpoint_after(EndpointState.REMOVED, EndpointState.ACTIVE) is EndpointState.REMOVED
    assert endpoint_after(EndpointState.UNCONFIRMED, EndpointState.ACTIVE) is EndpointState.ACTIVE
    assert endpoint_after(EndpointState.ACTIVE, None) is EndpointState.ACTIVE


def test_nothing_but_a_test_is_pending_beside_an_endpoint_that_is_not_active() -> None:
    pending = (State.PENDING, "status_500")
    assert row_after(Mode.FIFO, *pending, EndpointState.ACTIVE) == pending
    assert row_after(Mode.FIFO, *pending, EndpointState.DISABLED) == (State.HELD, "disabled")
    assert row_after(Mode.UNORDERED, *pending, EndpointState.UNCONFIRMED) == pending
    assert row_after(Mode.FIFO, *pending, EndpointState.REMOVED) == (State.CANCELLED, "removed")
    assert row_after(Mode.FIFO, State.DELIVERED, None, EndpointState.REMOVED) == (State.DELIVERED, None)


def test_an_endpoint_is_disabled_after_five_days_and_twenty_attempts_of_failure() -> None:
    five_days = NOW - timedelta(days=5)
    assert should_disable(five_days, 20, NOW)
    assert not should_disable(five_days + timedelta(seconds=1), 20, NOW)
    assert not should_disable(five_days, 19, NOW)
