"""A seller is erased on real servers: from the accounts, the scores and the dispatcher's tables, and nobody else is."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.structs import OffsetAndMetadata
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.accounts.hand_scored import INPUT, MARKET, PARTITIONS, Installation
from tests.integration.accounts.test_aggregator_process import until
from tests.integration.webhooks.tables import URL, add_active, answered, claimed, set_state, take_in

from greenlane.contracts.assessments import account_key
from greenlane.contracts.checkpoints import read_checkpoint
from greenlane.contracts.topics import BADGE_DECISIONS, SELLER_SCORES, group_of
from greenlane.webhooks.dispatcher.verdicts import Answer
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.erasure import erase_seller, seller_rows
from greenlane.webhooks.management.keys import add_key
from greenlane.webhooks.states import Mode
from greenlane.webhooks.tables import metadata
from greenlane.webhooks.vault import Vault

ANN, BOB = "ann", "bob"


@pytest.fixture
def desk(engine: AsyncEngine) -> Administration:
    return Administration(engine, Vault(b"k" * 32), allow_private=True)


async def everything(engine: AsyncEngine) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    async with engine.connect() as connection:
        return {
            table.name: sorted(str(tuple(row)) for row in await connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
            if table.name not in {"shard", "dispatcher"}
        }


async def test_every_row_about_the_seller_goes_and_no_other(desk: Administration) -> None:
    shared = await add_active(desk)
    filtered = await add_active(desk, sellers=[ANN, BOB])
    only_ann = await add_active(desk, sellers=[ANN])
    bobs, elsewhere = await add_active(desk, seller=BOB), await add_active(desk, "other", seller=ANN)
    for mode in (Mode.LATEST, Mode.FIFO):
        await take_in(desk, mode, BOB, 1, 2)
        await take_in(desk, mode, ANN, 1, 2, marketplace="other")
    before = await everything(desk.engine)
    anns = (await desk.add_endpoint(URL, "demo-vn", ANN)).endpoint.endpoint_id
    await set_state(desk.engine, anns, "active")
    await add_key(desk, "demo-vn", ANN)
    await desk.send_test(anns)
    for mode in (Mode.LATEST, Mode.FIFO):
        await take_in(desk, mode, ANN, 1, 2)
    await answered(desk, await claimed(desk, anns), Answer(200))
    await answered(desk, await claimed(desk, shared, limit=1), Answer(500))
    counted = await seller_rows(desk.engine, "demo-vn", ANN)
    wanted = {"attempt", "event", "delivery", "order_head", "endpoint", "endpoint_secret", "api_key"}
    assert {table for table, count in counted.items() if count} >= wanted
    assert counted["endpoint_filter"] == 2

    assert await erase_seller(desk.engine, "demo-vn", ANN) == counted
    assert sum((await seller_rows(desk.engine, "demo-vn", ANN)).values()) == 0
    left = await everything(desk.engine)
    assert not [row for rows in left.values() for row in rows if "demo-vn/ann" in row or anns in row]
    for table in ("event", "endpoint_secret"):
        assert left[table] == before[table]
    for endpoint_id, sellers in ((filtered, [BOB]), (only_ann, []), (bobs, None), (elsewhere, None), (shared, None)):
        assert (await desk.endpoint(endpoint_id)).sellers == (None if sellers is None else tuple(sellers))
    await take_in(desk, Mode.LATEST, BOB, 3)
    assert await erase_seller(desk.engine, "demo-vn", ANN) == dict.fromkeys(counted, 0), "a repeat erases nothing"


@pytest.fixture
def installation(fresh_kafka: str, tmp_path: Path, database_url: str) -> Iterator[Installation]:
    installation = Installation(fresh_kafka, tmp_path)
    installation.environment |= {"GREENLANE_DATABASE_URL": database_url}
    (tmp_path / "data").mkdir()
    yield installation
    installation.end()


def dispatcher_committed(installation: Installation) -> None:
    """The dispatcher's group stands behind everything stated so far, as a dispatcher that has caught up."""
    places = [TopicPartition(topic, n) for topic in (SELLER_SCORES, BADGE_DECISIONS) for n in range(PARTITIONS)]
    ends = installation.admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    offsets = {place: OffsetAndMetadata(ends[place].offset, "", -1) for place in places}
    installation.admin.alter_group_offsets(group_of("webhook_dispatcher"), offsets)


def _nothing(_installation: Installation) -> None:
    """What no dispatcher does."""


def erase(
    installation: Installation, seller: str, *options: str, meanwhile: Callable[[Installation], None] = _nothing
) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "greenlane", "sellers", "erase", MARKET, seller, "--json", *options]
    with subprocess.Popen(command, env=installation.environment, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            meanwhile(installation)
            time.sleep(0.2)
        assert process.stdout is not None
        return process.returncode, json.loads(process.stdout.read())


def _agrees(installation: Installation, checkpoint: Path | None) -> bool:
    return installation.recompute(checkpoint).agrees


async def test_an_erased_seller_is_forgotten_by_every_reading_of_the_log(
    installation: Installation, desk: Administration, tmp_path: Path
) -> None:
    gone, back = "seller-2", "seller-1"
    await add_active(desk, MARKET, gone)
    installation.start()
    installation.history(range(4))
    installation.at_rest()
    _, shown = erase(installation, gone, "--dry-run")
    assert (shown["erased"], shown["rows"]["endpoint"]) == (False, 1)
    assert shown["account"]["badge"] == "bronze"
    days = {item["topic"]: item["gone_by"] for item in shown["stays"]}
    first_event = date.fromisoformat(days[INPUT])
    assert date.fromisoformat(days[SELLER_SCORES]) < first_event - timedelta(days=300)
    assert days["greenlane.assessments.v1"] is None
    asked = installation.command("sellers", "erase", MARKET, gone)
    assert asked.returncode == 1, "nobody answered the question"
    assert len(await desk.list_endpoints()) == 1

    code, done = erase(installation, gone, "--yes", "--wait", "20")
    assert (code, done["services_passed"]) == (1, {"aggregator": True, "webhook_dispatcher": False})
    assert (done["erased"], await desk.list_endpoints()) == (True, [])
    code, done = erase(installation, back, "--yes", meanwhile=dispatcher_committed)
    assert (code, done["services_passed"]) == (0, {"aggregator": True, "webhook_dispatcher": True})
    until(partial(_agrees, installation, None), "agreement after the erasure")
    names = {account_key(MARKET, seller).decode() for seller in (gone, back)}
    assert not [line for line in installation.accounts() for seller in (gone, back) if f"'{seller}'" in line]
    listed = installation.command("scores", "--json").stdout
    assert not [name for name in names if f'"{name.split("/")[1]}"' in listed]

    for parcel in ("new-1", "new-2"):
        installation.publish(back, parcel, 5, country="VN")
    installation.close(5)
    until(partial(_agrees, installation, None), "agreement with a new account")
    truth = installation.recompute()
    (account,) = [line for line in installation.accounts() if f"'{back}'" in line and "accepted" in line]
    assert "accepted=0 " in account
    assert "bronze" not in account.lower(), "a new account begins without a badge"
    file = tmp_path / "after.checkpoint"
    assert installation.command("checkpoint", str(file), "--trim").returncode == 0
    assert gone.encode() not in file.read_bytes()
    assert [line for line in read_checkpoint(file).lines if line.kind == "entry" and line.seller_id == back]
    assert installation.recompute(file).sellers == truth.sellers
    assert installation.recompute(file).agrees
