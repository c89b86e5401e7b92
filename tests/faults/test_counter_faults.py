"""Counters over restarts: what each process counted until its end adds up to the fates that the oracle finds."""

from collections import Counter
from pathlib import Path

import pytest
from tests.faults.load import history, publish_days
from tests.faults.pipeline import Pipeline, Service, pipeline
from tests.faults.streams import drained

pytestmark = pytest.mark.faults

LIVES = 3
DAYS_EACH = 4
SCORERS = ("packaging_scorer", "delivery_scorer")
FATES = {"assessed": "assessed", "duplicate": "duplicates", "superseded": "superseded", "late": "late"}


def counted(service: Service) -> Counter[str]:
    """How many records the process says it has brought to each end."""
    names = (*FATES, "dead_lettered")
    return Counter({name: round(service.counted("records_total", outcome=name)) for name in names})


def test_what_is_counted_between_restarts_adds_up_to_what_recompute_finds(tmp_path: Path) -> None:
    totals = {name: Counter[str]() for name in (*SCORERS, "aggregator")}
    with pipeline(tmp_path, supervised=False) as running:
        days = history(11, sellers=24, days=LIVES * DAYS_EACH)
        for _ in range(LIVES):
            publish_days(running.settings.kafka_bootstrap_servers, days, DAYS_EACH)
            verdict = drained(running)
            for name, total in totals.items():
                total.update(counted(running.services[name]))
                again(running, name)
            running.await_ready()
    assert verdict.agrees, verdict.to_text()
    repeats = verdict.scorer_repeats
    assert repeats == 0, "without a kill nothing is scored twice, and every figure has to be the same"
    assert {name: totals["aggregator"][name] for name in FATES} == {
        name: getattr(verdict, field) for name, field in FATES.items()
    }
    letters = sum(totals[name]["dead_lettered"] for name in totals)
    assert letters == verdict.dead_letters
    assert min(verdict.superseded, verdict.duplicates, verdict.late, verdict.dead_letters) > 0


def again(running: Pipeline, name: str) -> None:
    """Stop a service as an operator would, and start it again."""
    service = running.services[name]
    service.process.terminate()
    assert service.process.wait(60) == 0
    service.start()
