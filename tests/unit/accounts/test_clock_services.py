"""The clock waits for every service that reads events, without a list of its own to forget one in."""

from datetime import date
from typing import get_args

import pytest

from greenlane.accounts.clock.day_closer import SCORERS, ClosingError, refuse_no_run
from greenlane.accounts.clock.lag import topics_read
from greenlane.contracts.assessing import Owner
from greenlane.contracts.topics import declared_topics
from greenlane.settings import SERVICES


def test_a_day_closes_behind_everyone_who_answers_for_events() -> None:
    assert set(SCORERS) == set(get_args(Owner))


def test_the_lag_is_told_of_every_service_and_topic_that_has_one() -> None:
    told = topics_read(("a", "b"))
    topics = {name for names in told.values() for name in names}
    assert {service for services in told for service in services} == {*SERVICES} - {"clock", "webhook_api", "gateway"}
    assert {topic.name for topic in declared_topics(("a", "b"))} - topics == {
        "greenlane.dead-letters.v1",
        "greenlane.aggregator-changelog.v1",
        "greenlane.rules.v1",
    }


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (date(2026, 7, 9), date(2026, 7, 1), "lies after"),
        (date(1969, 12, 31), date(1970, 1, 2), "begin in 1970 or later"),
        (date(2006, 7, 9), date(2026, 7, 9), "at most 3660 days"),
    ],
)
def test_what_is_no_run_of_days_is_refused_with_the_reason(first: date, last: date, why: str) -> None:
    with pytest.raises(ClosingError, match=f"nothing closed. .*{why}"):
        refuse_no_run(first, last)
