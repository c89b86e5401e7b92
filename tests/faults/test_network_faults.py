"""Faults between the services and the broker: resets, a cut, lost answers, a slow and leaky line; the oracle judges."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.faults.load import Day, Load, history
from tests.faults.network import PUBLISHER, Network, proxied
from tests.faults.pipeline import SERVICES, Pipeline, let_pass, until
from tests.faults.streams import drained, records

from greenlane.accounts.clock.process import BEAT_SECONDS
from greenlane.contracts.dead_letters import DeadLetter, DeadLetterCode
from greenlane.contracts.topics import DEAD_LETTERS

pytestmark = pytest.mark.faults

EVERYONE = (*SERVICES, PUBLISHER)
SESSION_SECONDS = 15.0


def a_history(days: int, seed: int = 6) -> Iterator[Day]:
    return history(seed, sellers=24, days=days)


@contextmanager
def again_and_again(network: Network, kind: str, way: str, seconds: float, pause: float) -> Iterator[Counter[str]]:
    """While inside, everyone meets a toxic for some seconds, then none for the pause, in turns that are counted."""
    over, turns = threading.Event(), Counter[str]()

    def alternate() -> None:
        while not over.wait(pause):
            with network.toxic(kind, EVERYONE, [way], timeout=0):  # type: ignore[list-item] # a Way
                turns[kind] += 1
                over.wait(seconds)

    thread = threading.Thread(target=alternate, name=kind, daemon=True)
    thread.start()
    try:
        yield turns
    finally:
        over.set()
        thread.join(30)


def test_connections_reset_every_two_seconds_lose_nothing_and_the_lag_ends(tmp_path: Path) -> None:
    with proxied(tmp_path) as (running, network):
        load = Load(network.address(PUBLISHER), a_history(60), rate=200)
        with again_and_again(network, "reset_peer", "upstream", 0.2, 1.8) as turns:
            load.start()
            until(lambda: (turns["reset_peer"] >= 25 and load.days >= 3) or load.error is not None, "25 resets, 3 days")
        load.finish()
        verdict = drained(running, seconds=60)
        assert verdict.agrees, verdict.to_text()
        assert verdict.decisions > 0


EXITS_MOST = 3
"""A worker that gives up after its sessions and comes back is no crash loop."""
CUT = ("aggregator", "packaging_scorer")


def test_workers_cut_off_for_four_sessions_come_back_to_the_same_accounts(tmp_path: Path) -> None:
    with proxied(tmp_path) as (running, network):
        load = Load(network.address(PUBLISHER), a_history(60), rate=20)
        load.start()
        until(lambda: load.days >= 2 or load.error is not None, "two closed days")
        with network.toxic("timeout", CUT, ["upstream", "downstream"], timeout=0):
            closed, published = load.days, load.records
            let_pass(4 * SESSION_SECONDS)
            assert load.records > published
            assert not any(running.services[name].ready() for name in CUT), "ready, and cut off"
            assert load.days <= closed + 1, "a day was closed although a scorer was cut off"
            until(lambda: lag_exported(running) > 0, "the lag that the alert looks at", seconds=BEAT_SECONDS)
        running.await_ready()
        until(lambda: load.days >= 4 or load.error is not None, "two more days")
        load.finish()
        verdict = drained(running, seconds=60)
        assert verdict.agrees, verdict.to_text()
        until(lambda: lag_exported(running) == 0, "the alert's lag is gone", seconds=2 * BEAT_SECONDS)
        assert all(sum(exits.values()) <= EXITS_MOST for exits in running.exits().values()), running.exits()


def lag_exported(running: Pipeline) -> float:
    clock = running.services["clock"]
    return sum(clock.counted("group_lag_records", group=f"greenlane-{name.replace('_', '-')}") for name in CUT)


def test_answers_lost_on_their_way_back_count_nothing_twice(tmp_path: Path) -> None:
    with proxied(tmp_path) as (running, network):
        load = Load(network.address(PUBLISHER), a_history(60), rate=40, deadline=20)
        with again_and_again(network, "timeout", "downstream", 1.0, 2.0) as turns:
            load.start()
            until(lambda: (turns["timeout"] >= 15 and load.days >= 3) or load.error is not None, "15 silences, 3 days")
        load.finish()
        verdict = drained(running, seconds=60)
        assert verdict.agrees, verdict.to_text()
        assert load.records - load.again <= verdict.published - verdict.ignored <= load.records
        assert verdict.decisions > 0


def test_a_slow_line_that_breaks_now_and_then_delays_and_dead_letters_nothing(tmp_path: Path) -> None:
    days = 4
    with proxied(tmp_path) as (running, network):
        load = Load(network.address(PUBLISHER), a_history(days))
        with (
            network.toxic("latency", EVERYONE, ["downstream"], latency=200, jitter=50),
            network.toxic("limit_data", EVERYONE, ["downstream"], toxicity=0.2, bytes=40_000),
        ):
            load.start()
            until(lambda: not load.is_alive(), "all days are closed", seconds=300)
            load.finish()
            verdict = drained(running, seconds=120)
        assert verdict.agrees, verdict.to_text()
        assert load.days == days
        letters = [DeadLetter.model_validate_json(item.value or b"") for item in records(running, DEAD_LETTERS)]
        assert len(letters) > 0
        assert not [letter for letter in letters if letter.data.failure.code is DeadLetterCode.UNEXPECTED_ERROR]
