"""Seeded kills, freezes and cuts: of clients, gateways, relays, the broker and the network between them."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from random import Random

from tests.faults.network import Way
from tests.faults.publishing.client import Client
from tests.faults.publishing.journal import Journal
from tests.faults.publishing.roads.http import Http
from tests.faults.publishing.stage import Stage

WEIGHTS = {
    "client killed": 8,
    "client frozen": 2,
    "gateway killed": 6,
    "gateway frozen": 3,
    "relay killed": 4,
    "relay frozen": 2,
    "connections reset": 6,
    "answers lost": 6,
    "line slow": 3,
    "line cut": 4,
    "claim, fail, retry": 3,
    "broker frozen": 1,
    "broker killed": 1,
}
PAUSE = (0.2, 1.6)
"""Seconds between two strikes."""
FROZEN = (0.5, 8.0)
"""Seconds; some are longer than every deadline of a client."""
CUT = (0.5, 6.0)
ORDERLY_SHARE = 0.25
"""Of the kills of a gateway or relay that come as SIGTERM."""


class Storm:
    """Strikes one at a time; what lasts for a while goes on beside the next ones."""

    def __init__(self, stage: Stage, chance: Random, claimer: str, token: str) -> None:
        self.count = 0
        self.by_kind: Counter[str] = Counter()
        self._stage, self._chance = stage, chance
        self._lasting: list[threading.Thread] = []
        self._taken: set[str] = set()
        own = Journal(stage.folder / f"{claimer}.journal")
        self._claims = Client(claimer, Http(token, []), own, chance)
        self._token, self._claimer, self._journal = token, claimer, own
        self._acts: dict[str, Callable[[], bool]] = {
            "client killed": lambda: self._kill(list(stage.clients), orderly=False),
            "client frozen": lambda: self._freeze(list(stage.clients)),
            "gateway killed": lambda: self._kill(list(stage.gateways)),
            "gateway frozen": lambda: self._freeze(list(stage.gateways)),
            "relay killed": lambda: self._kill(list(stage.relays)),
            "relay frozen": lambda: self._freeze(list(stage.relays)),
            "connections reset": self._reset,
            "answers lost": lambda: self._last("timeout", ("downstream",), timeout=0),
            "line slow": lambda: self._last("latency", ("upstream", "downstream"), latency=300, jitter=200),
            "line cut": lambda: self._last("timeout", ("upstream", "downstream"), timeout=0),
            "claim, fail, retry": self._claim_fail_retry,
            "broker frozen": self._freeze_broker,
            "broker killed": self._kill_broker,
        }

    def strike(self) -> None:
        """Do one thing that can be done now, and let a random moment pass."""
        kind = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if self._acts[kind]():
            self.by_kind[kind] += 1
            self.count += 1
            time.sleep(self._chance.uniform(*PAUSE))

    def calm(self) -> None:
        """Wait until nothing is frozen or cut any more."""
        for thread in self._lasting:
            thread.join()

    def finish_claims(self) -> None:
        """Send again what the schedule left open, until each event has a verdict."""
        self._claims = Client(
            self._claimer, Http(self._token, [int(port) for port in self._stage.doors]), self._journal, self._chance
        )
        deadline = time.monotonic() + 120
        while self._journal.known.open:
            assert time.monotonic() < deadline, "the gateways take nothing any more"
            self._claims.turn(fresh=False)

    def _free(self, names: Sequence[str]) -> str | None:
        free = sorted(set(names) - self._taken)
        return self._chance.choice(free) if free else None

    def _kill(self, names: Sequence[str], *, orderly: bool = True) -> bool:
        name = self._free(names)
        child = None if name is None else self._stage.children[name]
        if child is None or child.process.poll() is not None:
            return False
        softly = orderly and self._chance.random() < ORDERLY_SHARE
        child.process.send_signal(signal.SIGTERM if softly else signal.SIGKILL)
        return True

    def _freeze(self, names: Sequence[str]) -> bool:
        name = self._free(names)
        if name is None:
            return False
        process = self._stage.children[name].process
        process.send_signal(signal.SIGSTOP)
        self._beside(name, self._chance.uniform(*FROZEN), lambda: process.send_signal(signal.SIGCONT))
        return True

    def _reset(self) -> bool:
        name = self._free(list(self._stage.network.listens))
        if name is not None:
            self._stage.network.reset([name])
        return name is not None

    def _last(self, toxic: str, ways: Sequence[Way], **attributes: int) -> bool:
        name = self._free(list(self._stage.network.listens))
        if name is None:
            return False
        stack = ExitStack()
        stack.enter_context(self._stage.network.toxic(toxic, [name], ways, **attributes))
        self._beside(name, self._chance.uniform(*CUT), lambda: self._mend(name, stack))
        return True

    def _mend(self, name: str, stack: ExitStack) -> None:
        stack.close()
        self._stage.network.reset([name])  # what waited for an answer that will not come asks again

    def _beside(self, name: str, seconds: float, end: Callable[[], None]) -> None:
        self._taken.add(name)

        def later() -> None:
            time.sleep(seconds)
            end()
            self._taken.discard(name)

        self._lasting = [thread for thread in self._lasting if thread.is_alive()]
        self._lasting.append(threading.Thread(target=later, daemon=True))
        self._lasting[-1].start()

    def _claim_fail_retry(self) -> bool:
        """openmeter#5118: an event whose write fails after the gateway took it, and the retry of a random subset.

        The gateway does not know yet that Kafka is away: it takes the events, and their write fails or stays without an
        answer. A window of ids that are noted before the write would take the retry for a repeat and drop it.
        """
        gateway = self._free(list(self._stage.gateways))
        if gateway is None or f"http-{gateway}" in self._taken or not self._stage.gateways[gateway].ready():
            return False
        link = self._stage.network
        ways: Sequence[Way] = self._chance.choice((("upstream", "downstream"), ("downstream",)))
        self._claims = Client(
            self._claimer, Http(self._token, [link.listens[f"http-{gateway}"]]), self._journal, self._chance
        )
        with link.toxic("timeout", [gateway], ways, timeout=0):
            writing = threading.Thread(target=lambda: self._claims.turn(fresh=True))
            writing.start()
            time.sleep(self._chance.uniform(0.5, 2.0))
            link.reset([gateway])  # the write fails now
        writing.join()
        self._claims.turn(fresh=False)
        return True

    def _freeze_broker(self) -> bool:
        pid = self._stage.running.broker.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self._chance.uniform(0.5, 5.0))
        os.kill(pid, signal.SIGCONT)
        return True

    def _kill_broker(self) -> bool:
        self._stage.running.strike_broker(self._chance.choice((signal.SIGKILL, signal.SIGTERM)))
        return True
