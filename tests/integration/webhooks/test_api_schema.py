"""The API as a process keeps what its OpenAPI description says, whatever it is sent; found by schemathesis."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.conftest import Postgres
from tests.integration.webhooks.harness import ENCRYPTION_KEY
from typer.testing import CliRunner, Result

from greenlane.cli.app import app

STARTED_WITHIN = 60.0
OPTIONS = (
    "--max-examples=5",
    "--seed=1",
    "--generation-deterministic",
    "--no-color",
    "--request-timeout=20",
    # whether a host name exists, or an owner is configured, no description can say
    "--exclude-checks=positive_data_acceptance",
)


@pytest.fixture(scope="module")
def environment(postgres: Postgres) -> dict[str, str]:
    name = f"test_{uuid4().hex}"
    create = f"import asyncio, asyncpg\nasync def main():\n c = await asyncpg.connect({postgres.database_url!r})\n"
    create += f" await c.execute('CREATE DATABASE \"{name}\"')\n await c.close()\nasyncio.run(main())"
    subprocess.run([sys.executable, "-c", create], check=True)
    return dict(os.environ) | {
        "GREENLANE_DATABASE_URL": re.sub(r"/[^/]*$", f"/{name}", postgres.database_url),
        "GREENLANE_WEBHOOK_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS": "true",
    }


def command(environment: dict[str, str], *words: str) -> Result:
    return CliRunner().invoke(app, ["webhooks", *words], env=environment, catch_exceptions=False)


def told(environment: dict[str, str], *words: str) -> Any:
    """What the command printed as JSON."""
    done = command(environment, *words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if done.stdout else None


def listed_by(environment: dict[str, str], *words: str) -> list[Any]:
    """What the command listed: one JSON document a line."""
    done = command(environment, *words)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def token(environment: dict[str, str]) -> str:
    return str(told(environment, "keys", "add", "--marketplace", "demo-vn", "--json")["token"])


@pytest.fixture(scope="module")
def address(environment: dict[str, str]) -> Iterator[str]:
    words = [sys.executable, "-m", "greenlane", "webhooks", "serve", "--port", "0", "--rate", "100000"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(words, env=environment, stderr=log, stdout=log)
        try:
            yield _listening(process, log.fileno())
        finally:
            process.terminate()
            code = process.wait(30)
    assert code == 0, "a clean stop exits with 0"


def _listening(process: subprocess.Popen[bytes], log: int) -> str:
    deadline = time.monotonic() + STARTED_WITHIN
    while True:
        written = os.pread(log, 10_000, 0).decode()
        found = re.search(r"listening on (http://\S+)", written)
        if found:
            return found.group(1)
        assert process.poll() is None, written
        assert time.monotonic() < deadline, "the API did not start in time"
        time.sleep(0.05)


def test_schemathesis_finds_nothing(address: str, token: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json", *OPTIONS]
    done = subprocess.run(
        [*words, "--header", f"Authorization: Bearer {token}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commands_do_what_the_api_does(environment: dict[str, str]) -> None:
    added = told(environment, "add", "http://127.0.0.1:9/hook", "--marketplace", "demo-vn", "--scheme", "v1a", "--json")
    endpoint_id = added["endpoint_id"]
    assert added["secret"].startswith("whpk_")
    rotated = told(environment, "rotate", endpoint_id, "--overlap-hours", "2", "--json")
    listed = listed_by(environment, "secrets", endpoint_id, "--json")
    assert [item["public_key"] for item in listed] == [rotated["secret"], added["secret"]]
    assert len(told(environment, "jwks", endpoint_id)["keys"]) == 2
    (test,) = listed_by(environment, "deliveries", "--endpoint", endpoint_id, "--json")
    assert listed_by(environment, "attempts", endpoint_id, test["webhook_id"], "--json") == []
    for words in (
        ("redeliver", endpoint_id, test["webhook_id"]),
        ("cancel", endpoint_id, test["webhook_id"]),
        ("replay", endpoint_id, "--since", "6h"),
        ("held", "cancel", endpoint_id),
        ("expire", endpoint_id, listed[1]["key"]),
        ("change", endpoint_id, "--only", "s-1"),
        ("reseal",),
    ):
        assert command(environment, *words).exit_code == 0, words
    assert listed_by(environment, "held", "list", "--json") == []
    for listing in (("list",), ("keys", "list")):
        unknown = command(environment, *listing, "--marketplace", "demo-vm")
        assert (unknown.exit_code, "Did you mean demo-vn?" in unknown.output) == (1, True), unknown.output
        assert len(listed_by(environment, *listing, "--marketplace", "demo-vn", "--limit", "1", "--json")) <= 1
    (changed,) = [item for item in listed_by(environment, "list", "--json") if item["endpoint_id"] == endpoint_id]
    assert changed["sellers"] == ["s-1"]
    refused = command(environment, "held", "release", endpoint_id)
    assert refused.exit_code == 2
    assert "send a test" in refused.output
    key = told(environment, "keys", "add", "--marketplace", "demo-vn", "--seller", "s-1", "--json")["key"]
    fresh = told(environment, "keys", "rotate", key, "--overlap-hours", "0", "--json")["key"]
    assert command(environment, "keys", "revoke", fresh).exit_code == 0
    assert not {key, fresh} & {item["key"] for item in listed_by(environment, "keys", "list", "--json")}
