"""Who had the machine's cores during a measurement: the processes that are named, everything else, nobody."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE = (3, 4)
"""Places of idle and iowait in /proc/stat."""


class Shares:
    """CPU time from now on of the processes with these ids."""

    def __init__(self, named: Mapping[str, int]) -> None:
        self._named = named
        self._first = self._read()

    def until_now(self) -> dict[str, float]:
        """Percent of all cores that each had since the beginning; `others` is everything that is not named."""
        used = {name: now - self._first[name] for name, now in self._read().items()}
        whole = max(used.pop("all"), 1e-9)
        used["others"] = max(whole - sum(used.values()), 0.0)
        return {name: round(100 * seconds / whole, 1) for name, seconds in used.items()}

    def _read(self) -> dict[str, float]:
        first = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
        ticks = [int(word) for word in first.split()[1:9]]
        found = {"all": sum(ticks) / _TICKS, "idle": sum(ticks[place] for place in _IDLE) / _TICKS}
        return found | {name: cpu_of(pid) for name, pid in self._named.items()}


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
