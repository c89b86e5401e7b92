"""The relay as a process: it waits for its servers, says what is in its way, moves rows, and stops when it is told."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.publishing.outbox.harness import SOON, Shop, row, shop_of, until

from greenlane.operations.embedded.folder import choose_port


@pytest.fixture
async def bare_shop(database_url: str, market: Callable[[], str], bootstrap_servers: str) -> AsyncIterator[Shop]:
    """A shop without the table."""
    shop = shop_of(database_url, market(), bootstrap_servers)
    yield shop
    await shop.database.close()


def environment_of(shop: Shop, port: int) -> dict[str, str]:
    return dict(os.environ) | {
        "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": shop.bootstrap_servers,
        "GREENLANE_OUTBOX_DATABASE_URL": shop.url,
        "GREENLANE_OUTBOX_MARKETPLACE": shop.marketplace,
        "GREENLANE_PORT": str(port),
    }


def started(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "greenlane", "run", "outbox"]
    with log.open("ab") as output:
        return subprocess.Popen(words, env=environment, cwd=log.parent, stdout=output, stderr=output)


async def test_it_waits_for_the_table_moves_rows_counts_them_and_stops_when_told(
    bare_shop: Shop, tmp_path: Path
) -> None:
    shop, port = bare_shop, choose_port(0, "")
    log = tmp_path / "outbox.log"
    process = started(environment_of(shop, port), log)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SOON) as client:

            async def reasons() -> Any:
                assert process.poll() is None, log.read_text()
                try:
                    return (await client.get("/healthz/ready")).json()["reasons"]
                except httpx.TransportError:
                    return {"process": "not there"}

            async def says_that_there_is_no_table() -> bool:
                return "no table greenlane_outbox; create it" in str(await reasons())

            async def is_ready() -> bool:
                return not await reasons()

            async def all_sent() -> bool:
                return set((await shop.states()).values()) == {"sent"}

            await until(says_that_there_is_no_table)
            await shop.make_table()
            await until(is_ready)
            await shop.write(*(row(number) for number in range(20)), row(99, payload="{}"))
            await until(lambda: _refused(shop))
            await shop.run("DELETE FROM greenlane_outbox WHERE state = 'refused'")
            await until(all_sent)

            async def counted() -> bool:
                return 'greenlane_outbox_rows_total{outcome="sent"} 20.0' in (await client.get("/metrics")).text

            await until(counted)
        assert len(shop.records()) == 20
        process.terminate()
        assert await asyncio.to_thread(process.wait, 60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    assert "secret" not in log.read_text()


async def _refused(shop: Shop) -> bool:
    return bool(await shop.refusals())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"GREENLANE_OUTBOX_DATABASE_URL": ""}, "GREENLANE_OUTBOX_DATABASE_URL: not set"),
        ({"GREENLANE_OUTBOX_DATABASE_URL": "sqlite:///x"}, "GREENLANE_OUTBOX_DATABASE_URL: begins with sqlite"),
        ({"GREENLANE_OUTBOX_MARKETPLACE": ""}, "GREENLANE_OUTBOX_MARKETPLACE"),
    ],
)
def test_a_wrong_setting_ends_it_with_the_remedy(
    changed: dict[str, str], said: str, bootstrap_servers: str, tmp_path: Path
) -> None:
    shop = {
        "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "GREENLANE_OUTBOX_DATABASE_URL": "postgresql://x:secret@127.0.0.1:1/x",
        "GREENLANE_OUTBOX_MARKETPLACE": "demo-vn",
        "GREENLANE_PORT": "0",
    }
    words = [sys.executable, "-m", "greenlane", "run", "outbox"]
    begun = time.monotonic()
    done = subprocess.run(
        words, env=dict(os.environ) | shop | changed, cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=SOON,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert time.monotonic() - begun < SOON
