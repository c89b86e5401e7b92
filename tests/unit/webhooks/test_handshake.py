"""What counts as a receiver's consent, and how its rate is kept."""

import pytest

from greenlane.webhooks.dispatcher.sending.handshake import Grant, Pace, read_grant

OURS = "webhooks.greenlane.example"


@pytest.mark.parametrize(
    ("allowed_origin", "rate", "grant"),
    [
        (OURS, "120", Grant(120)),
        (OURS.upper(), " 120 ", Grant(120)),
        ("*", "*", Grant(None)),
        ("*", "999999999", Grant(1_000_000)),
        ("eventemitter.example.com", "120", None),
        (f"not-{OURS}", "120", None),
        ("", "*", None),
        (OURS, "", None),
        (OURS, "0", None),
        (OURS, "-5", None),
        (OURS, "1e3", None),
        (OURS, "١٢", None),
        (OURS, "9" * 5_000, None),
    ],
)
def test_consent_names_us_or_everybody_and_a_rate(allowed_origin: str, rate: str, grant: Grant | None) -> None:
    headers = {"webhook-allowed-origin": allowed_origin, "webhook-allowed-rate": rate}
    assert read_grant(headers, OURS) == grant


def test_an_answer_without_the_headers_is_no_consent_whatever_its_status() -> None:
    assert read_grant({}, OURS) is None


def test_a_granted_rate_is_never_exceeded_and_no_rate_holds_nothing_back() -> None:
    pace = Pace()
    sent = [now / 10 for now in range(600) if not pace.wait("a", 120, now / 10)]
    assert len(sent) == 120
    assert pace.wait("a", 120, 59.75) == pytest.approx(0.25)
    assert [pace.wait("b", None, 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
