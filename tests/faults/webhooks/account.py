"""What the receiver saw, held against what was appended and what was under way at each kill."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.webhooks.life import Life


@dataclass(frozen=True)
class Account:
    """One life's figures; times in seconds."""

    deliveries: int
    kills: int
    lost: int
    duplicates: int
    beyond: int
    same_ids: bool
    worst_resume: float
    worst_leased: float
    quarantined: int


def account_of(life: Life, seen: Sequence[tuple[float, int, str, int]]) -> Account:
    """The account of a life whose dispatchers sent what was `seen`: when, where, webhook-id, checksum of the body."""
    received = Counter(identity for _, _, identity, _ in seen if identity in life.expected)
    allowed = Counter(identity for kill in life.kills for identity in kill.leased)
    again = {identity: count - 1 for identity, count in received.items() if count > 1}
    ids_of: dict[int, set[str]] = {}
    for _, _, identity, checksum in seen:
        ids_of.setdefault(checksum, set()).add(identity)
    return Account(
        deliveries=len(life.expected),
        kills=len(life.kills),
        lost=len(life.expected - received.keys()),
        duplicates=sum(again.values()),
        beyond=sum(max(count - allowed[identity], 0) for identity, count in again.items()),
        same_ids=all(len(ids) == 1 for ids in ids_of.values()),
        worst_resume=max((kill.resumed for kill in life.kills), default=0.0),
        worst_leased=_worst_leased(life, seen),
        quarantined=len(life.quarantined),
    )


def _worst_leased(life: Life, seen: Sequence[tuple[float, int, str, int]]) -> float:
    """The longest time from the last kill that caught a delivery under a lease to its being sent again."""
    worst = 0.0
    for identity in {identity for kill in life.kills for identity in kill.leased}:
        last = max(kill.at for kill in life.kills if identity in kill.leased)
        times = [at for at, _, other, _ in seen if other == identity and at > last]
        if times:
            worst = max(worst, min(times) - last)
    return worst
