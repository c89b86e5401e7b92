"""The supervisor: what ends is started again, ever more slowly; nothing ends the watch, and nothing stays unsaid."""

import errno
import threading
from dataclasses import dataclass, field

import pytest

from greenlane.operations.supervisor import LONGEST_PAUSE_SECONDS, SOUND_SECONDS, PartState, Supervisor, pause


@dataclass
class Clock:
    """Monotonic seconds that only the test moves."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class FakePart:
    """A part whose ends and starts the test decides."""

    name: str
    faults: list[str] = field(default_factory=list)
    obstacles: list[Exception] = field(default_factory=list)
    holder: str | None = None
    starts: int = 0
    halts: int = 0

    def fault(self) -> str | None:
        return self.faults.pop(0) if self.faults else None

    def start_again(self) -> None:
        if self.obstacles:
            raise self.obstacles.pop(0)
        self.starts += 1

    def held_by(self) -> str | None:
        return self.holder

    def halt(self) -> None:
        self.halts += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_part_that_ends_once_is_started_at_once_and_said(clock: Clock) -> None:
    said: list[str] = []
    part = FakePart("clock", faults=["ended with 1"])
    supervisor = Supervisor([], [part], said.append, now=clock)
    supervisor.step()
    assert (part.starts, said) == (1, ["clock ended with 1; starting it again"])
    assert supervisor.statuses["clock"].state is PartState.RUNNING


def test_a_part_that_refuses_again_and_again_is_started_ever_more_slowly_and_each_end_is_said(clock: Clock) -> None:
    said: list[str] = []
    part = FakePart("aggregator", faults=["ended with 70"] * 600)
    supervisor = Supervisor([], [part], said.append, now=clock)
    for _ in range(1200):  # ten minutes of looks
        supervisor.step()
        clock.at += 0.5
    assert 20 <= part.starts <= 30, "at most one start in half a minute, after the first few"
    ends = [line for line in said if "ended with 70" in line]
    assert len(ends) == part.starts + 1
    assert f"in {LONGEST_PAUSE_SECONDS:.0f} s (" in ends[-1]
    assert "times in a row" in ends[-1]


def test_after_a_sound_minute_the_next_end_counts_as_the_first(clock: Clock) -> None:
    part = FakePart("clock", faults=["ended with 1"] * 4)
    supervisor = Supervisor([], [part], lambda _: None, now=clock)
    for _ in range(40):
        supervisor.step()
        clock.at += 0.5
    assert not part.faults
    clock.at += SOUND_SECONDS
    part.faults = ["ended with 1"]
    starts = part.starts
    supervisor.step()
    assert part.starts == starts + 1, "at once"


@pytest.mark.parametrize(
    "obstacle",
    [
        RuntimeError("Port 9092 on 127.0.0.1 cannot be used: Address already in use."),
        OSError(errno.ENOSPC, "No space left on device"),
        KeyError(),
    ],
    ids=["held port", "full disk", "a fault of ours"],
)
def test_what_cannot_be_started_is_said_and_tried_again_and_the_others_are_still_watched(
    clock: Clock, obstacle: Exception
) -> None:
    said: list[str] = []
    server = FakePart("kafka", faults=["died"], obstacles=[obstacle] * 4)
    service = FakePart("clock")
    supervisor = Supervisor([server], [service], said.append, now=clock)
    for step in range(60):
        if step == 2:
            service.faults = ["ended with 1"]
        supervisor.step()
        clock.at += 0.5
    assert server.starts == 1, "four times in vain, then it runs"
    assert service.starts == 1, "once its server was back"
    assert len([line for line in said if line.startswith("kafka cannot be started")]) == 4
    assert said[-1] == "kafka was started again, 1 times so far" or "clock" in said[-1]


def test_a_service_is_not_started_while_a_server_is_away(clock: Clock) -> None:
    server = FakePart("kafka", faults=["died"], obstacles=[OSError("in use")] * 3)
    service = FakePart("clock", faults=["ended with 1"])
    supervisor = Supervisor([server], [service], lambda _: None, now=clock)
    supervisor.step()
    assert (service.starts, supervisor.statuses["clock"].state) == (0, PartState.WAITING)


def test_what_cannot_be_said_on_a_full_disk_is_said_later_and_the_watch_goes_on(clock: Clock) -> None:
    full, said, told = [True], [], []

    def notify(message: str) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        said.append(message)

    part = FakePart("clock", faults=["ended with 1"])
    supervisor = Supervisor([], [part], notify, lambda statuses: told.append(statuses["clock"].restarts), now=clock)
    supervisor.step()
    assert (part.starts, said, told) == (1, [], [])
    full[0] = False
    supervisor.step()
    assert (said, told) == (["clock ended with 1; starting it again"], [1])
    supervisor.step()
    assert told == [1], "told once for each change"


def test_a_held_part_is_stopped_and_runs_again_when_it_is_let_go(clock: Clock) -> None:
    part = FakePart("aggregator", holder="greenlane rebuild")
    said: list[str] = []
    supervisor = Supervisor([], [part], said.append, now=clock)
    supervisor.step()
    supervisor.step()
    assert (part.halts, part.starts, supervisor.statuses["aggregator"].state) == (1, 0, PartState.HELD)
    part.holder = None
    supervisor.step()
    assert (part.starts, supervisor.statuses["aggregator"].state) == (1, PartState.RUNNING)
    assert said == ["aggregator stands still: greenlane rebuild"]


def test_the_watch_ends_when_it_is_told_to() -> None:
    stop = threading.Event()
    stop.set()
    Supervisor([], [], lambda _: None).run(stop)


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [pause(count) for count in (1, 2, 3, 4, 5, 6, 7, 8, 10_000)] == [0, 1, 2, 4, 8, 16, 30, 30, 30]
