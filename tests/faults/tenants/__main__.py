"""`make faults-tenants`: one marketplace does everything it can against three others, which must not notice.

MINUTES (4) is how long it is watched, half of it in peace; RATE (200) the events a second of the three together.
The last line is one JSON object; the exit code is 1 when a bound is missed.
"""

import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.pipeline import let_pass, until
from tests.faults.streams import drained, records
from tests.faults.tenants.attack import Report, attack
from tests.faults.tenants.records import hostile_records
from tests.faults.tenants.stack import EVIL, NEIGHBOURS, Load, Running, everything
from tests.faults.tenants.verdict import Arrivals, arrivals, letters, percentile, slowest, stages

from greenlane.accounts.clock.day_closer import DayCloser
from greenlane.accounts.oracle.compare import Comparison
from greenlane.contracts.topics import ASSESSMENTS, DEAD_LETTERS, SELLER_SCORES

WARM_SECONDS = 30.0
CALM_LOOKS, CALM_WITHIN = 5, 300.0
ATTACK_SECONDS = 30.0
"""At least; the attack goes on until everything was done once."""
SELLERS = 2_000
NONE = ("processes_ended", "others_lost", "others_refused", "unaccounted", "unexplained", "different",
        "decisions_different", "dead_letters_missing", "failed", "undone")  # fmt: skip
MOST = {"others_p99_ratio": 1.5, "largest_dead_letter_share": 1.0, "slowest_record_ms": 50.0}
CASES = 150


def run(folder: Path, minutes: float, rate: float) -> dict[str, Any]:
    """Peace, attack, peace; then the verdict."""
    with everything(folder) as running:
        _open_accounts(running)
        load = Load(running.settings, rate, SELLERS, datetime.now(UTC).date(), NEIGHBOURS)  # noqa: TID251 - events happen now
        try:
            report, times = _peace_and_attack(running, minutes * 60)
            events, failed = load.stop()
        finally:
            load.end()
        _note("draining and recomputing")
        verdict = drained(running.pipeline, 600)
        seen = _settled(running, events)
        spent = stages(records(running.pipeline, ASSESSMENTS), records(running.pipeline, SELLER_SCORES), events)
        found = letters(records(running.pipeline, DEAD_LETTERS), report.forged)
        ended, last_words = running.ended(), running.last_words()
    missing = found.missing(report.records, report.forged)
    lost = seen.lost()
    slow, slow_name = slowest(EVIL, hostile_records(EVIL, time.time()))
    return {
        "cases": len(report.done),
        "undone": len(report.undone),
        "never_done": report.undone,
        "processes_ended": sum(sum(codes.values()) for codes in ended.values()),
        "others_lost": len(lost) + failed,
        "others_refused": report.others_refused,
        **_latencies(seen, times),
        "others_p50_ms_by_stage": {
            "in_peace": spent.medians(seen, times[0], times[1]),
            "attacked": spent.medians(seen, times[1], times[2]),
        },
        "unaccounted": verdict.unaccounted,
        "unexplained": verdict.unexplained,
        "different": verdict.different,
        "decisions_different": verdict.decisions_different,
        "foreign": verdict.foreign,
        "firsts": [str(item) for item in _firsts(verdict) if item is not None],
        "dead_letters_missing": len(missing),
        "missing": sorted(set(missing)),
        "largest_dead_letter_share": round(found.share, 3),
        "slowest_record_ms": round(slow, 1),
        "slowest_record": slow_name,
        "ended": ended,
        "last_words": last_words,
        "others_events": len(events),
        "others_asked": report.others_asked,
        "hostile_records": len(report.records),
        "turned_away": sorted(set(report.turned_away)),
        "statuses": {item.name: dict(_counted(item.statuses)) for item in report.held if item.statuses},
        "failed": len(report.errors),
        "errors": report.errors,
        "attack_seconds": round(times[2] - times[1]),
        "calm_after_seconds": report.calm_after,
        "load_average": round(os.getloadavg()[1], 1),
    }


def _firsts(verdict: Comparison) -> tuple[object, ...]:
    return (verdict.first_difference, verdict.first_unaccounted, verdict.first_unexplained, verdict.first_foreign)


def _counted(statuses: tuple[int, ...]) -> list[tuple[str, int]]:
    return [(str(status), statuses.count(status)) for status in sorted(set(statuses))]


def _open_accounts(running: Running) -> None:
    """An account states its score from its marketplace's first closed day on."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)  # noqa: TID251 - events happen now
    with DayCloser(running.settings.kafka_bootstrap_servers) as closer:
        for marketplace in (*NEIGHBOURS, EVIL):
            closer.close(marketplace, yesterday, yesterday, timeout_seconds=120)


def _calm(running: Running) -> float:
    """Seconds until no webhook waited long for ten seconds, at most five minutes: what is behind is no peace."""
    dispatcher = running.pipeline.services["webhook_dispatcher"]
    began, calm, waited, count = time.monotonic(), 0, 0.0, 0.0
    while calm < CALM_LOOKS and time.monotonic() < began + CALM_WITHIN:
        let_pass(2)
        before = waited, count
        waited, count = (dispatcher.counted(f"webhook_queue_wait_seconds_{part}") for part in ("sum", "count"))
        usual = (waited - before[0]) / max(count - before[1], 1)
        calm = calm + 1 if usual < 1.0 and count > before[1] else 0
    return round(time.monotonic() - began, 1)


def _peace_and_attack(running: Running, seconds: float) -> tuple[Report, tuple[float, ...]]:
    report = Report()
    let_pass(WARM_SECONDS)
    _note(f"calm after {WARM_SECONDS + _calm(running):.0f} s")
    began = time.time()
    let_pass(seconds / 4)
    _note(f"{seconds / 4:.0f} s of peace; now the attack")
    attacked = time.time()
    with attack(running, report):
        let_pass(max(seconds / 2, ATTACK_SECONDS))
        until(lambda: report.all_called or bool(report.errors), "the end of the calls", 600)
    ended = time.time()
    _note(f"{len(report.done)} cases in {ended - attacked:.0f} s")
    report.calm_after = _calm(running)
    _note(f"calm {report.calm_after:.0f} s later; peace again")
    again = time.time()
    let_pass(seconds / 4)
    return report, (began, attacked, ended, again, time.time())


def _settled(running: Running, events: list[Any]) -> Arrivals:
    """What arrived, once nothing more is missing or two minutes have passed."""
    seen: list[Any] = []

    def complete() -> bool:
        seen.extend(running.sink.tell(dump=True)["seen"])
        return not arrivals(seen, events).lost()

    ends = time.monotonic() + 120
    while not complete() and time.monotonic() < ends:
        let_pass(2)
    return arrivals(seen, events)


def _latencies(seen: Arrivals, times: tuple[float, ...]) -> dict[str, float]:
    began, attacked, ended, again, now = times
    peace = sorted([*seen.latencies(began, attacked), *seen.latencies(again, now)])
    war = seen.latencies(attacked, ended)
    return {
        "others_p99_ratio": round(percentile(war, 0.99) / percentile(peace, 0.99), 2),
        "others_p99_ms": round(percentile(war, 0.99) * 1000, 1),
        "others_p99_ms_in_peace": round(percentile(peace, 0.99) * 1000, 1),
        "others_p50_ms": round(percentile(war, 0.5) * 1000, 1),
        "others_p50_ms_in_peace": round(percentile(peace, 0.5) * 1000, 1),
    }


def sound(result: dict[str, Any]) -> bool:
    """Whether every bound holds."""
    return (
        result["cases"] >= CASES
        and not any(result[name] for name in NONE)
        and all(result[name] <= most for name, most in MOST.items())
    )


def main() -> int:
    """Run as the environment says; 0 if every bound holds, else 1."""
    minutes, rate = float(os.environ.get("MINUTES") or 4), float(os.environ.get("RATE") or 200)
    with tempfile.TemporaryDirectory(prefix="greenlane-tenants-", ignore_cleanup_errors=True) as folder:
        result = run(Path(folder), minutes, rate)
    print(json.dumps(result))  # noqa: T201 - the figures are this program's output
    return 0 if sound(result) else 1


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress of a long run


if __name__ == "__main__":
    sys.exit(main())
