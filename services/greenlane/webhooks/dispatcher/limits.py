"""The dispatcher's numbers in one place: budgets, leases, intervals."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are in seconds. A lease outlasts the longest attempt and a short outage of the database."""

    requests: int = 256
    slow_requests: int = 1_024
    unrecorded: int = 512
    claim_batch: int = 256
    claim_wait: float = 0.005
    outcome_batch: int = 64
    outcome_wait: float = 0.005
    recorded_at_once: int = 256
    rest_times: int = 3
    longest_rest: float = 0.1
    attempt: float = 15.0
    delivery_lease: float = 45.0
    recording: float = 3.0
    lost_apart: float = 0.1
    lost_again_apart: float = 1.0
    shard_lease: float = 15.0
    renew_every: float = 5.0
    sweep_every: float = 1.0
    measure_every: float = 10.0
    attempts_kept: float = 90 * 86_400.0
    forget_every: float = 3_600.0
    intake_batch: int = 500
    commit_every: float = 0.5
    statement: float = 10.0
    pause_after_failure: float = 0.5
    topics_every: float = 5.0
    clock_tolerance: float = 60.0
    key_missing_hold: float = 60.0

    def rest(self, took: float) -> float:
        """Seconds to rest after a transaction that took so long: what comes meanwhile shares the next one."""
        return min(self.rest_times * took, self.longest_rest)

    @property
    def start_within(self) -> float:
        """Seconds after its claim within which an attempt must begin, so that it ends inside the lease."""
        return self.delivery_lease - self.attempt

    @property
    def inherited_lease(self) -> float:
        """Seconds that a delivery stays leased after its dispatcher's shard was taken over.

        No attempt begins after the end of a shard's lease, so by then each has ended and was recorded if it could be.
        """
        return self.attempt + self.recording
