"""The gateway as a process: it keeps what its description says, whatever it is sent; found by schemathesis."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.integration.publishing.gateway.harness import EXAMPLE, SOON
from tests.integration.webhooks.harness import ENCRYPTION_KEY
from typer.testing import CliRunner

from greenlane.cli.app import app
from greenlane.publishing.gateway.forms import STRUCTURED

OPTIONS = (
    # its third phase, every boundary of every field of every event, takes over a minute and finds nothing either
    "--phases=examples,fuzzing",
    "--max-examples=15",
    "--seed=1",
    "--generation-deterministic",
    "--no-color",
    "--request-timeout=20",
    # whose marketplace a key is, and what time it is, no description can say
    "--exclude-checks=positive_data_acceptance",
)


@dataclass(frozen=True)
class Running:
    """A gateway's process, where it answers, and the environment of its commands."""

    url: str
    environment: dict[str, str]


@pytest.fixture
def running(database_url: str, bootstrap_servers: str, market: Callable[[], str], tmp_path: Path) -> Iterator[Running]:
    environment = dict(os.environ) | {
        "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "GREENLANE_DATABASE_URL": database_url,
        "GREENLANE_WEBHOOK_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "GREENLANE_MARKETPLACES": market(),
        "GREENLANE_GATEWAY_PORT": "0",
        "GREENLANE_GATEWAY_RATE": "1000000",
        "GREENLANE_PORT": "0",
    }
    log = tmp_path / "gateway.log"
    with log.open("wb") as output:
        words = [sys.executable, "-m", "greenlane", "run", "gateway"]
        needed = {name: value for name, value in environment.items() if "ENCRYPTION" not in name}
        process = subprocess.Popen(words, env=needed, cwd=tmp_path, stdout=output, stderr=output)
        try:
            yield Running(_listening(process, log), environment)
            assert not (tmp_path / ".greenlane" / "webhook.key").exists(), "it needs no such key"
        finally:
            process.terminate()
            code = process.wait(30)
    assert code == 0, log.read_text(encoding="utf-8")


def _listening(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while True:
        written = log.read_text(encoding="utf-8")
        found = re.search(r"http://[0-9.:]+", written)
        if found and "Kafka answers" in written:
            return found.group()
        assert process.poll() is None, written
        assert time.monotonic() < deadline, written
        time.sleep(0.05)


def test_a_key_of_the_command_line_opens_it_and_schemathesis_finds_nothing(running: Running, tmp_path: Path) -> None:
    market = running.environment["GREENLANE_MARKETPLACES"]
    words = ["webhooks", "keys", "add", "--marketplace", market, "--scope", "events:write", "--json"]
    made = CliRunner().invoke(app, words, env=running.environment, catch_exceptions=False)
    token = json.loads(made.stdout)["token"]
    event = json.loads(EXAMPLE.read_text(encoding="utf-8")) | {"source": f"/marketplaces/{market}"}
    headers = {"authorization": f"Bearer {token}", "content-type": STRUCTURED}
    answer = httpx.post(f"{running.url}/v1/events", content=json.dumps(event), headers=headers, timeout=SOON)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
    tried = [sys.executable, "-m", "schemathesis.cli", "run", f"{running.url}/openapi.json", *OPTIONS]
    done = subprocess.run(
        [*tried, "--header", f"Authorization: Bearer {token}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
