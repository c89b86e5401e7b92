"""A stack with nothing to do beside Prometheus: no alert may fire, and none may wait to fire."""

import time
from collections.abc import Callable

from tests.faults.alerts.scene import Scene, scene

from greenlane.cli.replays import run_simulation
from greenlane.publishing.history.replay import Pace
from greenlane.publishing.simulator.marketplace import SimulationPlan

SELLERS, DAYS = 30, 20
TELL_SECONDS = 300.0


def idle(minutes: float, progress: Callable[[str], None]) -> dict[str, object]:
    """The alerts that fired, and those that were pending, in so many minutes of real time."""
    with scene("idle") as running:
        run_simulation(running.settings, SimulationPlan(seed=1, sellers=SELLERS, days=DAYS), Pace())
        progress("idle: the stack runs")
        processes = _processes(running)
        began = time.monotonic()
        while (passed := time.monotonic() - began) < minutes * 60:
            time.sleep(min(TELL_SECONDS, max(1.0, minutes * 60 - passed)))
            progress(f"idle: {(time.monotonic() - began) / 60:.0f} min, firing {running.prometheus.alerts()}")
        seconds = time.monotonic() - began
        fired = running.prometheus.alerts_since(seconds)
        pending = running.prometheus.alerts_since(seconds, "pending")
        lag = [
            value
            for _, value in running.prometheus.query(f"max_over_time(greenlane_group_lag_records[{seconds:.0f}s])")
        ]
        scraped = running.prometheus.query(f"min(avg_over_time(up[{seconds:.0f}s]))")
        return {
            "idle_minutes": round(seconds / 60, 1),
            "alerts_fired_idle": len(fired),
            "fired_idle": sorted(item["alertname"] for item in fired),
            "pending_idle": sorted({item["alertname"] for item in pending}),
            "group_partitions_watched": len(lag),
            "largest_lag_records": int(max(lag)),
            "lag_records_at_end": int(
                sum(value for _, value in running.prometheus.query("greenlane_group_lag_records"))
            ),
            "share_of_scrapes_answered": round(scraped[0][1], 4),
            "processes_ended_idle": sum(_processes(running)[name] != pid for name, pid in processes.items()),
        }


def _processes(running: Scene) -> dict[str, int]:
    services = running.stack.services.items()
    return {name: service.process.pid for name, service in services if service.process is not None}
