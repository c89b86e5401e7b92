"""The rules stand in the log, on real servers: other settings are refused, an adoption is whole or not at all."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from tests.faults.load import Day, history, publish_days
from tests.faults.pipeline import MARKETPLACE, POLICY, Pipeline, Service, until
from tests.faults.streams import drained, records

from greenlane.accounts.oracle.recompute import recompute
from greenlane.contracts.assessments import Assessment, DayClosed, SourcePosition
from greenlane.contracts.dead_letters import DeadLetter, DeadLetterCode
from greenlane.contracts.topics import ASSESSMENTS, BADGE_DECISIONS, DEAD_LETTERS, SELLER_SCORES
from greenlane.factors.loading import load_method
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.vocabulary import DataCategory, Dimension
from greenlane.operations.rules import read_rules
from greenlane.reports.method_document.rendering import method_files

pytestmark = pytest.mark.faults
DOCUMENT = method_files(load_method())[f"methodology/method-{METHOD_VERSION}.md"]
OTHER = re.sub(
    r"(green|dimension)_min: \d+",
    r"\1_min: 10",
    POLICY.replace('"0.0.1"', '"0.0.2"').replace("window_days: 14", "window_days: 20"),
)
"""A longer window, and levels that are easily reached."""

SCORERS = ("packaging_scorer", "delivery_scorer")
CUT_OFF = """
import os, sys
from pathlib import Path
from kafka import KafkaProducer
KafkaProducer.commit_transaction = lambda self: os._exit(9)
sys.argv = ["greenlane", "policy", "adopt", os.environ["GREENLANE_POLICY_FILE"]]
from greenlane.cli.start import main
main()
"""
"""`greenlane policy adopt`, killed when everything is written and nothing committed."""


def greenlane(running: Pipeline, *words: str, expect: int = 0, given: Mapping[str, str] | None = None) -> str:
    """Run a command as an operator would, with these variables set beside the pipeline's; what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "greenlane", *words],
        env={**running.environment, **(given or {})}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == expect, f"{words} gave {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@dataclass
class World:
    """A pipeline of two scorers and an aggregator, and a second aggregator that names another policy."""

    running: Pipeline
    policies: dict[str, Path]
    days: Iterator[Day]

    def greenlane(self, *words: str, expect: int = 0, given: Mapping[str, str] | None = None) -> str:
        return greenlane(self.running, *words, expect=expect, given=given)

    def live(self, days: int) -> None:
        """Publish and close days, and wait for what they lead to."""
        publish_days(self.running.settings.kafka_bootstrap_servers, self.days, days)

    def greenlane_killed_amid_adoption(self) -> int:
        environment = self.running.environment | {"GREENLANE_POLICY_FILE": str(self.policies["0.0.2"])}
        return subprocess.run([sys.executable, "-c", CUT_OFF], env=environment, check=False).returncode

    def statements(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(record.value) for record in records(self.running, topic)]

    def policies_of_decisions(self) -> Counter[str]:
        return Counter(item["data"]["policy_version"] for item in self.statements(BADGE_DECISIONS))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    running = Pipeline(tmp_path, (*SCORERS, "aggregator"), marketplaces=(MARKETPLACE,), live_marketplaces=())
    try:
        policies = {"0.0.1": running.settings.policy_file or tmp_path, "0.0.2": tmp_path / "other.yaml"}
        policies["0.0.2"].write_text(OTHER, encoding="utf-8")
        running.await_ready()
        environment = running.environment | {"GREENLANE_POLICY_FILE": str(policies["0.0.2"]), "GREENLANE_INSTANCE": "1"}
        folder = tmp_path / "other"
        folder.mkdir()
        world = World(running, policies, history(8, sellers=12))
        assert MARKETPLACE in world.greenlane("topics", "apply")
        running.services["other"] = Service("aggregator", environment, folder)
        yield world
    finally:
        running.close()


def ended(service: Service) -> int:
    until(lambda: service.process.poll() is not None, service.text)
    return service.process.wait()


def assessment(marketplace: str) -> Assessment:
    return Assessment(
        marketplace=marketplace,
        seller_id="s",
        parcel_id="p",
        revision=0,
        occurred_at="2026-01-06T12:00:00.000000Z",
        event_id="e",
        origin=SourcePosition(topic=f"greenlane.fulfilment.{marketplace}.v1", partition=0, offset=0, appended_ms=0),
        dimension=Dimension.PACKAGING,
        contribution={"parcels": 1},
        data_category=DataCategory.PRIMARY,
        factor_ids=(),
        method_version=METHOD_VERSION,
    )


def unready(service: Service) -> str:
    """Why the process is not ready, as it says to whoever asks; nothing when it is, or does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/healthz/ready", timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


def test_the_log_decides_by_which_policy_and_no_worker_of_another_one_decides(world: World) -> None:
    running = world.running
    servers, one, other = (
        running.settings.kafka_bootstrap_servers,
        running.services["aggregator"],
        running.services["other"],
    )
    until(lambda: "the settings name policy 0.0.2" in unready(other), other.text)
    assert "the log has adopted 0.0.1" in unready(other)
    assert "greenlane policy adopt" in unready(other)
    world.live(3)
    assert world.greenlane_killed_amid_adoption() == 9
    assert read_rules(servers).current is not None
    assert "0.0.1 (" in world.greenlane("policy", "show")
    world.live(2)
    assert drained(running).agrees
    assert set(world.policies_of_decisions()) == {"0.0.1"}, "another policy decided before it was adopted"
    assert "window_days" in world.greenlane("policy", "adopt", str(world.policies["0.0.2"]), "--dry-run")
    world.live(1)
    assert other.process.poll() is None
    assert not other.ready(), "a dry run changes nothing"
    world.greenlane("policy", "adopt", str(world.policies["0.0.2"]))
    assert ended(one) == 2
    assert "Refusing to go on: the settings name policy 0.0.1" in one.text()
    until(other.ready, other.text)
    world.live(3)
    one.start()
    until(lambda: "the settings name policy 0.0.1" in unready(one), one.text)
    stranger = foreign_records(running)
    verdict = drained(running)
    assert verdict.agrees, verdict.to_text()
    assert verdict.decisions > 0
    assert verdict == recompute(running.settings.model_copy(update={"policy_file": None}), progress=silent), (
        "the settings decide nothing"
    )
    assert set(world.policies_of_decisions()) == {"0.0.1", "0.0.2"}
    letters = [DeadLetter.model_validate_json(record.value or b"") for record in records(running, DEAD_LETTERS)]
    unknown = [letter for letter in letters if letter.data.failure.code is DeadLetterCode.UNKNOWN_MARKETPLACE]
    assert [letter.data.raw() for letter in unknown] == stranger
    assert not [item for item in world.statements(SELLER_SCORES) if item["data"]["marketplace"] != MARKETPLACE]


def foreign_records(running: Pipeline) -> list[bytes]:
    """What a plain client writes about a marketplace that nobody has set up: a parcel and a closed day."""
    closing = DayClosed(marketplace="evil-vn", first_day=date(2026, 1, 5), last_day=date(2026, 1, 6))
    values = [item.model_dump_json().encode() for item in (assessment("evil-vn"), closing)]
    producer = KafkaProducer(bootstrap_servers=running.settings.kafka_bootstrap_servers.split(","))
    for value in values:
        producer.send(ASSESSMENTS, key=b"evil-vn/s", value=value, partition=1).get(timeout=60)
    producer.close()
    return values


def test_a_scorer_of_a_marketplace_that_the_log_lacks_waits_and_factors_change_without_scorers_only(
    world: World, tmp_path: Path
) -> None:
    running = world.running
    both = {"GREENLANE_MARKETPLACES": f"{MARKETPLACE},new-vn"}
    scorer = running.services["packaging_scorer"]
    scorer.end()
    scorer.start(**both)
    until(lambda: "the log does not know the marketplaces new-vn" in unready(scorer), scorer.text)
    world.greenlane("topics", "apply", given=both)
    until(scorer.ready, scorer.text)
    assert f"{MARKETPLACE}, new-vn" in world.greenlane("policy", "show")
    factors = {"GREENLANE_FACTORS_FILE": str(own_factors(tmp_path))}
    refused = world.greenlane("policy", "adopt", expect=2, given=factors)
    assert "Stop these scorers" in refused
    for name in SCORERS:
        running.services[name].end()
    changed = json.loads(world.greenlane("policy", "adopt", "--json", given=factors))
    assert list(changed["changes"]) == ["factors"]
    scorer.start()
    until(lambda: "the settings name factors" in unready(scorer), scorer.text)


def own_factors(folder: Path) -> Path:
    """The example of the method's document: another factor of one lorry."""
    block = re.search(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block is not None
    path = folder / "own.yaml"
    path.write_text(block[1], encoding="utf-8")
    return path


def silent(_read: int, _total: int) -> None:
    """Nobody watches."""
