"""What an attempt's answer means: for the delivery, for its successors and for the endpoint (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from greenlane.webhooks.dispatcher.schedule import delay_after
from greenlane.webhooks.states import OPEN, UNDIALLED, EndpointState, Failure, Mode, State

TEST_ATTEMPTS = 3
REFUSED_ATTEMPTS = 3
LEASES_UNTIL_QUARANTINE = 3
DISABLE_AFTER = timedelta(days=5)
DISABLE_AFTER_ATTEMPTS = 20
NOTICE_HOURS = (1, 24, 72)
"""Hours of failure without a break after which the owner is told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one attempt: a status, or a failure without one.

    `retry_after` is in seconds, already limited; `directive` is the value of the `webhook-delivery` header.
    """

    status: int | None
    failure: Failure | None = None
    retry_after: float | None = None
    directive: str | None = None

    @property
    def success(self) -> bool:
        """Whether the receiver took the message: any 2xx."""
        return self.status is not None and 200 <= self.status <= 299

    @property
    def broken(self) -> bool:
        """Whether the receiver seems out of order: no answer from it, or a 5xx."""
        if self.failure is not None:
            return self.failure not in {*UNDIALLED, Failure.LEASE_LOST}
        return self.status is not None and self.status >= 500

    @property
    def overloaded(self) -> bool:
        """Whether the receiver asks for less: 429 or 503."""
        return self.status in {429, 503}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an answer.

    `delay` is in seconds until the delivery is due again (only when pending), `hold` in seconds during which the whole
    endpoint is left alone, `endpoint` the state the endpoint changes to, `charged` whether the attempt counts.
    """

    state: State
    reason: str | None = None
    delay: float | None = None
    hold: float | None = None
    endpoint: EndpointState | None = None
    charged: bool = True


def judge(mode: Mode, attempt_no: int, answer: Answer, jitter: float, *, lost_leases: int = 0) -> Verdict:
    """The verdict on attempt `attempt_no` (from 1) of a delivery whose lease was lost `lost_leases` times before."""
    stopped = State.CANCELLED if mode is Mode.UNORDERED else State.HELD
    if answer.failure in UNDIALLED:
        return Verdict(stopped, answer.failure, endpoint=EndpointState.NEEDS_ATTENTION, charged=False)
    if answer.failure is Failure.LEASE_LOST:
        return _after_lost_lease(lost_leases + 1)
    if answer.success:
        return Verdict(State.DELIVERED, endpoint=_after_success(mode, answer))
    if answer.status == 410 or answer.directive == "disable":
        return Verdict(stopped, EndpointState.DISABLED, endpoint=EndpointState.DISABLED)
    if answer.directive == "abort-message":
        return Verdict(State.CANCELLED, "aborted_by_receiver")
    return _retry(mode, attempt_no, answer, jitter)


def _after_lost_lease(lost: int) -> Verdict:
    if lost >= LEASES_UNTIL_QUARANTINE:
        return Verdict(State.QUARANTINED, Failure.LEASE_LOST)
    return Verdict(State.PENDING, Failure.LEASE_LOST, delay=0.0)


def _after_success(mode: Mode, answer: Answer) -> EndpointState | None:
    if answer.directive == "disable":
        return EndpointState.DISABLED
    return EndpointState.ACTIVE if mode is Mode.UNORDERED else None


def _retry(mode: Mode, attempt_no: int, answer: Answer, jitter: float) -> Verdict:
    reason = str(answer.failure) if answer.failure else f"status_{answer.status}"
    if mode is Mode.UNORDERED and answer.failure is Failure.UNEXPECTED:
        return Verdict(State.CANCELLED, Failure.UNEXPECTED, endpoint=EndpointState.NEEDS_ATTENTION)
    if mode is Mode.UNORDERED and attempt_no >= TEST_ATTEMPTS:
        return Verdict(State.EXHAUSTED, reason)
    if answer.status in {413, 415, 422} and attempt_no >= REFUSED_ATTEMPTS:
        return Verdict(State.HELD if mode is Mode.FIFO else State.EXHAUSTED, "refused")
    delay = delay_after(attempt_no, jitter, endless=mode is Mode.FIFO)
    if delay is None:
        return Verdict(State.EXHAUSTED, reason, hold=answer.retry_after)
    return Verdict(State.PENDING, reason, delay=max(delay, answer.retry_after or 0.0), hold=answer.retry_after)


def endpoint_after(current: EndpointState, asked: EndpointState | None) -> EndpointState:
    """The endpoint's next state when an answer asks for one; a removed endpoint stays removed."""
    return current if asked is None or current is EndpointState.REMOVED else asked


def row_after(mode: Mode, state: State, reason: str | None, endpoint: EndpointState) -> tuple[State, str | None]:
    """A delivery's state and reason beside its endpoint's: only tests are pending at one that is not active."""
    if endpoint is EndpointState.REMOVED and state in OPEN:
        return State.CANCELLED, endpoint.value
    if state is State.PENDING and endpoint is not EndpointState.ACTIVE and mode is not Mode.UNORDERED:
        return State.HELD, endpoint.value
    return state, reason


def should_disable(failing_since: datetime, failures: int, now: datetime) -> bool:
    """Whether an endpoint has failed without a break for 5 days and at least 20 attempts."""
    return failures >= DISABLE_AFTER_ATTEMPTS and now - failing_since >= DISABLE_AFTER
