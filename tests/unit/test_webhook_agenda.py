"""Whose turn it is."""

from greenlane.webhook_dispatcher.agenda import Agenda


def test_endpoints_take_turns_with_four_requests_each() -> None:
    agenda = Agenda()
    for endpoint_id in ("a", "b", "c"):
        agenda.mark(endpoint_id)
    assert agenda.take(0.0, 10) == [("a", 4), ("b", 4), ("c", 2)]


def test_an_endpoint_at_its_cap_waits_until_one_of_its_requests_is_over() -> None:
    agenda = Agenda()
    agenda.mark("a")
    agenda.take(0.0, 10)
    agenda.claimed("a", 4, 4)
    agenda.mark("a")
    assert agenda.take(0.0, 10) == []
    agenda.finished("a", succeeded=True)
    assert agenda.take(0.0, 10) == [("a", 1)]


def test_after_a_failure_an_endpoint_is_sent_one_request_at_a_time_until_one_succeeds() -> None:
    agenda = Agenda()
    agenda.claimed("a", 4, 2)
    agenda.finished("a", succeeded=False)
    agenda.mark("a")
    assert agenda.take(0.0, 10) == []
    agenda.finished("a", succeeded=False)
    agenda.mark("a")
    assert agenda.take(0.0, 10) == [("a", 1)]
    agenda.claimed("a", 1, 1)
    agenda.finished("a", succeeded=True)
    assert agenda.take(0.0, 10) == [("a", 4)]


def test_an_endpoint_is_looked_at_again_when_its_next_delivery_is_due() -> None:
    agenda = Agenda()
    agenda.mark_at("a", 5.0)
    agenda.mark_at("a", 9.0)
    assert agenda.take(4.9, 10) == []
    assert agenda.idle_seconds(4.0) == 1.0
    assert agenda.take(5.0, 10) == [("a", 4)]
    assert agenda.idle_seconds(6.0) is None or agenda.idle_seconds(6.0) == 3.0


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
    agenda.claimed("a", 2, 2)
    assert agenda.take(0.0, 10) == [("a", 2)]
    agenda.claimed("a", 2, 0)
    assert agenda.take(0.0, 10) == []
    assert agenda.in_flight == 2
