"""`make simulate-truth`: a simulated marketplace through the real pipeline, beside the simulator's own truth.

SELLERS (1000), EVENTS (1000000) and SEED size a run. BREAK=service:alteration breaks one rule of
`tests/faults/altered_service.py` on purpose. The last line is one JSON object.
"""

import json
import os
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.faults.pipeline import MARKETPLACE, Pipeline, Service
from tests.faults.streams import drain
from tests.truth.accounts import truth_of_file
from tests.truth.comparing import compare, read
from tests.truth.reading import ending_of

from greenlane.cli.replays import run_simulation
from greenlane.publishing.history.replay import Pace
from greenlane.publishing.simulator.marketplace import SimulationPlan
from greenlane.publishing.simulator.seasons import demand

SERVICES = ("packaging_scorer", "delivery_scorer", "aggregator")
FIRST, DAYS, CLOSE_EVERY = date(2025, 10, 25), 120, 5
"""From before 11.11 until after Tet: longer than a window, so that days leave it."""
PER_PARCEL = 2.0
"""Events of a parcel, a little less than there are, so that a run has at least as many as were asked for."""
PATIENCE = 1800.0
ALTERED = Path(__file__).parents[1] / "faults" / "altered_service.py"


def plan_of(sellers: int, events: int, seed: int, days: int = DAYS) -> SimulationPlan:
    """A marketplace with at least so many events, in which every kind of disturbance occurs."""
    ordinary = sum(demand(FIRST + timedelta(days=number)) for number in range(days))
    return SimulationPlan(
        seed=seed, sellers=sellers, days=days, start=FIRST, rate=events / (sellers * ordinary * PER_PARCEL),
        marketplace=MARKETPLACE,
        late=max(20, events // 2_000), malformed=max(60, events // 2_000), close_every=CLOSE_EVERY,
    )  # fmt: skip


def run(folder: Path, plan: SimulationPlan, broken: str = "") -> dict[str, Any]:
    """Publish, close, drain, compare; one figure for each."""
    started, file = time.monotonic(), folder / "truth.jsonl.gz"
    running = Pipeline(folder, SERVICES, marketplaces=(MARKETPLACE,), live_marketplaces=(), policy=None)
    try:
        if broken:
            alter(running, *broken.split(":"))
        running.await_ready()
        report = run_simulation(running.settings, plan, Pace(close_every=CLOSE_EVERY), file)
        drain(running, PATIENCE)
        piped = time.monotonic() - started
        tell(f"{report.published} events through the pipeline in {piped:.0f} s")
        said = read(running.settings.kafka_bootstrap_servers, MARKETPLACE)
    finally:
        running.close()
    tell(f"now the truth, of {file.stat().st_size / 1e6:.0f} MB")
    ending = ending_of(file)
    truth = truth_of_file(file, tell, processes=os.cpu_count() or 1)
    verdict = compare(truth, said, ending.closed[-1][1])
    malformed = ending.by_kind.get("malformed", 0)
    return {
        "events": ending.records,
        **verdict.to_json(),
        "facts": truth.facts,
        "dead_letters": said.dead_letters,
        "dead_letters_different": abs(said.dead_letters - malformed),
        "by_kind": dict(sorted(ending.by_kind.items())),
        "closings": len(ending.closed),
        "levels": levels(truth.figures, ending.closed[-1][1]),
        "broken": broken or None,
        "pipeline_seconds": round(piped, 1),
        "seconds": round(time.monotonic() - started, 1),
    }


def levels(figures: dict[Any, Any], last: Any) -> dict[str, int]:
    """How many accounts hold which level at the end."""
    held = [of["level"] for (_, day), of in figures.items() if day == last]
    return {level: held.count(level) for level in sorted(set(held))}


def alter(running: Pipeline, service: str, alteration: str) -> None:
    """Start a service again with one of its rules broken."""
    victim: Service = running.services[service]
    victim.end()
    victim.command = [sys.executable, str(ALTERED), service, alteration]
    victim.start()


def alike(result: dict[str, Any], plan: SimulationPlan, events: int) -> bool:
    """Whether everything was compared and nothing differed."""
    whole = result["sellers"] == plan.sellers and result["events"] >= events and result["decisions"] > 0
    return whole and not (result["different"] or result["dead_letters_different"])


def tell(text: str) -> None:
    """Progress."""
    sys.stderr.write(f"{text}\n")


def main() -> int:
    """Run as the environment says; 0 if every account is the truth's, else 1."""
    sellers, events = (int(os.environ.get(name) or most) for name, most in (("SELLERS", 1_000), ("EVENTS", 1_000_000)))
    plan = plan_of(sellers, events, int(os.environ.get("SEED") or 15))
    with tempfile.TemporaryDirectory(prefix="greenlane-truth-", ignore_cleanup_errors=True) as folder:
        result = run(Path(folder), plan, os.environ.get("BREAK") or "")
    sys.stdout.write(json.dumps(result, default=str) + "\n")
    return 0 if alike(result, plan, events) else 1


if __name__ == "__main__":
    sys.exit(main())
