"""What the doctor says: each check with its verdict, what was found, and the remedy; within bounded time."""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from rich.table import Table

LONGEST_SECONDS = 20.0
"""Longest that one check may take."""


class CheckResult(StrEnum):
    """How a check ended; a skipped one says what kept it from being made."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, what was found, and for a failure the remedy."""

    name: str
    verdict: CheckResult
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every check that was made, in order."""

    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing failed."""
        return all(check.verdict is not CheckResult.FAILED for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The diagnosis as plain values."""
        return {"healthy": self.healthy, "checks": [asdict(check) for check in self.checks]}

    def table(self) -> Table:
        """The diagnosis for people."""
        table = Table("check", "verdict", "found", "remedy")
        for check in self.checks:
            table.add_row(check.name, check.verdict, check.found, check.remedy)
        return table


def in_time(name: str, check: Callable[[], Check], seconds: float = LONGEST_SECONDS) -> Check:
    """The check's finding; a failure when it gives none in time, or ends with an error of its own."""
    found: list[Check] = []

    def look() -> None:
        try:
            found.append(check())
        except Exception as error:  # noqa: BLE001 - whatever is wrong is the finding
            what = " ".join(str(error).split()) or type(error).__name__
            found.append(
                Check(name, CheckResult.FAILED, what, "see the check before this one, then run the doctor again")
            )

    looking = threading.Thread(target=look, name=f"doctor-{name}", daemon=True)
    looking.start()
    looking.join(seconds)
    if found:
        return found[0]
    return Check(
        name, CheckResult.FAILED, f"no answer in {seconds:.0f} s", "look at the server's log, or at the network"
    )
