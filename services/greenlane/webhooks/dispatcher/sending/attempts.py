"""One attempt: sign, POST, read what the answer means."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from greenlane.settings import SettingsError
from greenlane.webhooks.dispatcher.claiming.claims import Claim
from greenlane.webhooks.dispatcher.recording.outcomes import AttemptOutcome
from greenlane.webhooks.dispatcher.schedule import JITTER, retry_after_seconds
from greenlane.webhooks.dispatcher.sending.handshake import Handshakes, Pace
from greenlane.webhooks.dispatcher.sending.keyring import Keyring
from greenlane.webhooks.dispatcher.sending.resolver import ACTING_FOR
from greenlane.webhooks.dispatcher.sending.transport import Exchange, Transport
from greenlane.webhooks.dispatcher.unexpected import Unexpected
from greenlane.webhooks.dispatcher.verdicts import Answer, Verdict, judge
from greenlane.webhooks.signing import sign
from greenlane.webhooks.states import Failure, Mode, State

CONTENT_TYPE = "application/json"
"""Not application/cloudevents+json: common receivers hand over a body only when it is announced as plain JSON."""

KEY_MISSING = "key_missing"
GRANTED_RATE = "granted_rate"


class TooLateError(Exception):
    """A lease might end before the attempt does; nothing was sent."""


def always() -> bool:
    """An attempt may begin whenever it is ready."""
    return True


def random_jitter() -> float:
    """A factor by which a retry delay is multiplied."""
    return random.SystemRandom().uniform(*JITTER)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes attempts; the clock and the randomness are passed in."""

    transport: Transport
    keyring: Keyring
    key_missing_hold: float
    clock: Callable[[], float] = field(default=time.time)
    monotonic: Callable[[], float] = field(default=time.monotonic)
    jitter: Callable[[], float] = field(default=random_jitter)
    handshakes: Handshakes | None = None
    pace: Pace = field(default_factory=Pace)
    unexpected: Unexpected = field(default_factory=Unexpected)

    async def make(self, claim: Claim, may_begin: Callable[[], bool] = always) -> AttemptOutcome:
        """Send the claimed delivery once; the outcome is still to be recorded.

        Raises:
            TooLateError: it may not begin any more, now that its keys have been read from the database.
        """
        try:
            keys = await self.keyring.keys(claim.endpoint_id, claim.version)
            headers = sign(keys, claim.webhook_id, math.floor(self.clock()), claim.body)
        except (SettingsError, ValueError):
            return self._without_key(claim)
        if not may_begin():
            raise TooLateError
        terms = self.keyring.terms(claim.endpoint_id)
        wait = self.pace.wait(claim.endpoint_id, terms.per_minute, self.monotonic())
        if wait:
            return AttemptOutcome(claim, Answer(None), Verdict(State.PENDING, GRANTED_RATE, wait, wait, charged=False))
        ACTING_FOR.set(terms.owner)
        if self.handshakes is not None:
            headers |= self.handshakes.headers
            if claim.mode is Mode.UNORDERED:
                await self.handshakes.ask(claim.endpoint_id, claim.url)
        exchange = await self.transport.post(claim.url, headers | {"content-type": CONTENT_TYPE}, claim.body)
        answer = self._answer(exchange)
        return AttemptOutcome(
            claim,
            answer,
            self._judged(claim, answer),
            total_ms=round(exchange.total * 1000),
            headers_ms=None if exchange.headers is None else round(exchange.headers * 1000),
            fresh_try=exchange.fresh_try,
        )

    def failed(self, claim: Claim) -> AttemptOutcome:
        """The outcome of an attempt during which something happened that nobody foresaw."""
        answer = Answer(None, Failure.UNEXPECTED)
        return AttemptOutcome(claim, answer, self._judged(claim, answer))

    def _answer(self, exchange: Exchange) -> Answer:
        response = exchange.response
        if response is None:
            return Answer(None, exchange.failure)
        now = datetime.fromtimestamp(self.clock(), UTC)
        asked = retry_after_seconds(response.headers.get("retry-after"), now) if response.status_code >= 400 else None
        directive = response.headers.get("webhook-delivery", "").strip().lower() or None
        return Answer(response.status_code, retry_after=asked, directive=directive)

    def _judged(self, claim: Claim, answer: Answer) -> Verdict:
        jitter = 1.0 if answer.success else self.jitter()
        return judge(claim.mode, claim.attempt_no, answer, jitter, lost_leases=claim.lost_leases)

    def _without_key(self, claim: Claim) -> AttemptOutcome:
        wait = self.key_missing_hold
        return AttemptOutcome(claim, Answer(None), Verdict(State.PENDING, KEY_MISSING, wait, wait, charged=False))
