"""`make faults-publishing`: seeded kills and cuts on every road in, then what was promised beside what stands there.

KILLS (200) and SEED bound and repeat a run; BROKEN names an alteration of `altered_gateway.py`, with which the run has
to fail. The last line is one JSON object; the exit code is 1 when a figure that has to be 0 is not.
"""

import json
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.pipeline import until
from tests.faults.publishing.events import DAYS, MARKETPLACE
from tests.faults.publishing.journal import read
from tests.faults.publishing.stage import Stage, stage
from tests.faults.publishing.strikes import Storm
from tests.faults.publishing.verdict import Findings, Standing, counted_in
from tests.faults.streams import drained, records

from greenlane.accounts.clock.day_closer import DayCloser
from greenlane.contracts.topics import SELLER_SCORES, fulfilment_topic

KILLS, SEED = 200, 20261130
ZERO = ("lost", "counted_twice", "receipts_broken", "accounts_different", "spool_lost", "open")
CLIENTS = {"sdk": 2, "http": 2, "spool": 2, "outbox": 1}
"""How many clients of each road live side by side."""
CLAIMER = "claim"
FINISH_SECONDS = 300.0


def names(road: str) -> list[str]:
    """The clients of a road."""
    return [f"{road}-{number}" for number in range(CLIENTS[road])]


def prepare(scene: Stage, broken: str) -> str:
    """Start gateways, relays and clients; gives the key of the HTTP road."""
    scene.start_gateways(broken)
    token = scene.token()
    for name in names("http"):
        scene.start_client("http", name, token, *scene.doors)
    for road in ("sdk", "spool"):
        for name in names(road):
            scene.start_client(road, name, scene.network.address(road))
    scene.start_relays()
    for name in names("outbox"):
        scene.start_client("outbox", name, scene.database_url)
    scene.supervise()
    return token


def weather(scene: Stage, token: str, kills: int, chance: Random) -> Storm:
    """Strike until it is enough, then let every client end."""
    storm = Storm(scene, chance, CLAIMER, token)
    began, told = time.monotonic(), 0
    while storm.count < kills:
        storm.strike()
        if storm.count >= told + 20:
            told = storm.count
            _note(f"{storm.count} kills and cuts in {time.monotonic() - began:.0f} s")
    storm.calm()
    _note("calm; every client sends what has no verdict yet")
    until(lambda: all(gateway.ready() for gateway in scene.gateways.values()), "the gateways")
    scene.finish_clients(FINISH_SECONDS)
    storm.finish_claims()
    return storm


def judge(scene: Stage) -> tuple[Findings, dict[str, Any]]:
    """Have the pipeline read the topic, close the days, and compare."""
    scene.end()
    scene.start_scoring()
    with DayCloser(scene.running.settings.kafka_bootstrap_servers) as closer:
        closer.close(MARKETPLACE, date.fromisoformat(DAYS[0]), date.fromisoformat(DAYS[-1]), timeout_seconds=300)
    oracle = drained(scene.running, 300)
    findings = Findings()
    standing = Standing.of(records(scene.running, fulfilment_topic(MARKETPLACE)))
    clients = {path.stem: read(path) for path in scene.folder.glob("*.journal")}
    for client, known in sorted(clients.items()):
        findings.promises(client, known, standing, spooled=client.startswith(("spool", "outbox")))
    findings.accounts(clients, standing, counted_in(records(scene.running, SELLER_SCORES)))
    differences = oracle.different + oracle.unaccounted + oracle.unexplained + oracle.decisions_different
    findings.figures["accounts_different"] = differences
    return findings, {"published": oracle.published, "sellers": oracle.sellers, "duplicates": oracle.duplicates}


def run(folder: Path, kills: int, seed: int, broken: str) -> dict[str, Any]:
    """One storm and its judgement, as figures."""
    began = time.monotonic()
    with stage(folder, ("sdk", "spool")) as scene:
        token = prepare(scene, broken)
        ready = time.monotonic()
        storm = weather(scene, token, kills, Random(seed))  # noqa: S311 - a test's seed
        struck = time.monotonic() - ready
        _note(f"{struck:.0f} s; now the accounts")
        findings, oracle = judge(scene)
        exits = {name: dict(child.exits) for name, child in scene.children.items()}
    return {
        "kills": storm.count,
        **{name: findings.figures[name] for name in ZERO},
        "firsts": findings.firsts,
        "events": findings.events,
        "accepted": findings.accepted,
        "refused": findings.refused,
        "repeats_on_topic": findings.repeats,
        **oracle,
        "by_kind": dict(sorted(storm.by_kind.items())),
        "exit_codes": exits,
        "kills_a_minute": round(60 * storm.count / struck, 1),
        "load_average": round(os.getloadavg()[1], 1),
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> int:
    """Run as the environment says; 0 if every promise was kept, else 1."""
    kills, seed = int(os.environ.get("KILLS") or KILLS), int(os.environ.get("SEED") or SEED)
    with tempfile.TemporaryDirectory(prefix="greenlane-faults-", ignore_cleanup_errors=True) as folder:
        result = run(Path(folder), kills, seed, os.environ.get("BROKEN", ""))
    print(json.dumps(result))  # noqa: T201 - the figures are this program's output
    return int(any(result[name] for name in ZERO))


def _note(text: str) -> None:
    print(f"faults-publishing: {text}", file=sys.stderr, flush=True)  # noqa: T201 - progress of a long run


if __name__ == "__main__":
    sys.exit(main())
