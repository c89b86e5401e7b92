"""Idle stacks and stacks with causes, beside a real Prometheus; `make alerts`, MINUTES=n for a shorter idle time.

The last line is one JSON object; the exit code is 1 when an alert fired without a cause, or did not fire for one, or
was not cleared. PARTS=idle or PARTS=provoke runs one half. Every duration is the deployed one.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.faults.alerts.idle import idle
from tests.faults.alerts.provoke import provoke

MINUTES = 60.0
PARTS = "idle,provoke"
RIGHT = {"alerts_fired_idle": 0, "provoked": 7, "right_alert": 7, "cleared": 7, "other_alerts": []}


def main() -> int:
    """Run the parts at the same time, each on servers of its own."""
    began = time.monotonic()

    def progress(text: str) -> None:
        sys.stderr.write(f"alerts: {time.monotonic() - began:.0f} s: {text} (load {os.getloadavg()[0]:.1f})\n")

    parts = (os.environ.get("PARTS") or PARTS).split(",")
    minutes = float(os.environ.get("MINUTES") or MINUTES)
    figures: dict[str, object] = {}
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(idle, minutes, progress)] if "idle" in parts else []
        runs += [pool.submit(provoke, progress)] if "provoke" in parts else []
        for run in runs:
            figures |= run.result()
    sys.stdout.write(json.dumps(figures) + "\n")
    return int(any(figures[name] != value for name, value in RIGHT.items() if name in figures))


if __name__ == "__main__":
    sys.exit(main())
