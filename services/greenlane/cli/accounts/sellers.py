"""`greenlane sellers`: what an operator does with one seller's data."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, NamedTuple

import typer
from kafka import KafkaProducer, TopicPartition

from greenlane.accounts.clock.lag import LagMeter, committed_offsets
from greenlane.cli.accounts.results import latest_scores
from greenlane.cli.connection import all_settings
from greenlane.cli.output import AsJson, console, counted, notes, print_json, print_table
from greenlane.contracts.assessments import SellerErased, account_key
from greenlane.contracts.topics import (
    AGGREGATOR_CHANGELOG,
    ASSESSMENTS,
    BADGE_DECISIONS,
    DEAD_LETTERS,
    SELLER_SCORES,
    fulfilment_topic,
    group_of,
)
from greenlane.database.connection import migrate, open_database
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.retention import Kept, kept_until
from greenlane.settings import Settings
from greenlane.webhooks.management.erasure import erase_seller, seller_rows

app = typer.Typer(help="Erase one seller's data.", no_args_is_help=True)

AGGREGATOR, DISPATCHER = group_of("aggregator"), group_of("webhook_dispatcher")
POLL_SECONDS = 0.5
SEND_SECONDS = 60.0
WHAT = {
    AGGREGATOR_CHANGELOG: "the account's rows, replaced by deletions",
    SELLER_SCORES: "earlier scores, replaced by a deletion",
    ASSESSMENTS: "earlier assessments; `greenlane checkpoint FILE --trim` deletes them at once",
    BADGE_DECISIONS: "earlier badge decisions; Kafka's own kafka-delete-records deletes them with all before them",
    DEAD_LETTERS: "refused events of this seller with their bytes",
}
"""What stays of a seller on the topics until they lose it."""


@app.callback()
def _sellers() -> None:
    """Keep `erase` a subcommand: other things to do with a seller will stand beside it."""


class Found(NamedTuple):
    """What there is of a seller: badge level and score if it has any, rows of the dispatcher by table, topics."""

    marketplace: str
    seller: str
    account: dict[str, Any] | None
    rows: dict[str, int]
    stays: list[Kept]


@app.command()
def erase(  # noqa: PLR0913, PLR0917 - one option each
    marketplace: Annotated[str, typer.Argument(help="The seller's marketplace.")],
    seller: Annotated[str, typer.Argument(help="The seller's id there.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be erased, and erase nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the aggregator and the dispatcher.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Forget a seller: its account, its scores, its webhook endpoints and everything dispatched about it.

    A record in the log ends the account, so every recomputation and rebuild forgets the seller at the same place. The
    marketplace must stop publishing its events first: a later event begins a new account. The command lists what the
    topics still hold, with the day by which it is gone. It is safe to run this again. Exits 1 if a service did not
    read the record in time.

    Example: `greenlane sellers erase demo-vn seller-0042 --dry-run`
    """
    settings = all_settings()
    if marketplace not in settings.marketplaces:
        raise typer.BadParameter(
            f"there is no marketplace {marketplace}; there are: {', '.join(settings.marketplaces)}"
        )
    found = _found(settings, marketplace, seller)
    if dry_run:
        _report(found, None, as_json=as_json)
        return
    if not yes:
        _show(found, erased=False)
        typer.confirm(f"Erase {marketplace}/{seller} for good?", abort=True, err=True)
    deadline = time.monotonic() + wait
    passed = {"aggregator": _append(settings, marketplace, seller, deadline)}
    passed["webhook_dispatcher"] = passed["aggregator"] and _dispatcher_passed(settings, deadline)
    rows = asyncio.run(_in_database(settings, lambda engine: erase_seller(engine, marketplace, seller)))
    _report(found._replace(rows=rows), passed, as_json=as_json)
    raise typer.Exit(0 if all(passed.values()) else 1)


def _found(settings: Settings, marketplace: str, seller: str) -> Found:
    name = (marketplace, seller)
    scores = [score for score in latest_scores(settings) if (score.data.marketplace, score.subject) == name]
    account = None
    if scores:
        data = scores[0].data
        account = {"day": data.day, "green_score": data.score.green, "badge": data.standing.level}
    rows = asyncio.run(_in_database(settings, lambda engine: seller_rows(engine, marketplace, seller)))
    topics = (fulfilment_topic(marketplace), *WHAT)
    with kafka_admin(settings.kafka_bootstrap_servers) as admin:
        return Found(marketplace, seller, account, rows, kept_until(admin, topics, _today()))


async def _in_database(settings: Settings, use: Callable[[Any], Any]) -> dict[str, int]:
    await migrate(settings.database_url)
    engine = open_database(settings.database_url, connections=1)
    try:
        rows: dict[str, int] = await use(engine)
        return rows
    finally:
        await engine.dispose()


def _append(settings: Settings, marketplace: str, seller: str, deadline: float) -> bool:
    """Append the record that ends the account; whether the aggregator has read it by then."""
    value = SellerErased(marketplace=marketplace, seller_id=seller).model_dump_json().encode()
    producer: Any = KafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers.split(","), acks="all", enable_idempotence=True
    )
    try:
        sent = producer.send(ASSESSMENTS, value, key=account_key(marketplace, seller)).get(timeout=SEND_SECONDS)
    finally:
        producer.close(timeout=SEND_SECONDS)
    place = TopicPartition(ASSESSMENTS, sent.partition)
    with kafka_admin(settings.kafka_bootstrap_servers) as admin:
        return _until(lambda: _committed(admin, place) > sent.offset, deadline)


def _committed(admin: Any, place: TopicPartition) -> int:
    committed = committed_offsets(admin, [AGGREGATOR], [place])
    return -1 if committed is None else committed[AGGREGATOR].get(place, -1)


def _dispatcher_passed(settings: Settings, deadline: float) -> bool:
    """Whether the dispatcher has taken in by then what was stated before the erasure."""
    with LagMeter(settings.kafka_bootstrap_servers) as meter:

        def passed() -> bool:
            positions = meter.records(settings.marketplaces) or {}
            behind = [item.records for (group, _, _), item in positions.items() if group == DISPATCHER]
            return bool(behind) and not any(behind)

        return _until(passed, deadline)


def _until(condition: Callable[[], bool], deadline: float) -> bool:
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - the command line is an edge that reads the time


def _report(found: Found, passed: dict[str, bool] | None, *, as_json: bool) -> None:
    """Say what was erased, or, without services that `passed` it, what would be."""
    erased = passed is not None
    if not as_json:
        _show(found, erased=erased)
        for service, there in (passed or {}).items():
            if not there:
                notes.print(
                    f"{service} has not read the erasure yet. Start it, wait until it has caught up, and run this "
                    "again: it may still write what it has read before.",
                    soft_wrap=True,
                )
        return
    print_json(
        {
            "marketplace": found.marketplace,
            "seller_id": found.seller,
            "erased": erased,
            "account": found.account,
            "rows": found.rows,
            "services_passed": passed,
            "stays": [{"topic": item.topic, "gone_by": item.gone_by} for item in found.stays],
        }
    )


def _show(found: Found, *, erased: bool) -> None:
    account = found.account
    stands = (
        "no score"
        if account is None
        else f"green score {account['green_score']} on {account['day']}, badge {account['badge']}"
    )
    rows = ", ".join(f"{count} {table}" for table, count in found.rows.items() if count) or "none"
    done = "Erased" if erased else "Would be erased"
    console.print(
        f"{done}: {found.marketplace}/{found.seller}: {stands}; rows of the dispatcher: {rows}", soft_wrap=True
    )
    lines = [
        (item.topic, WHAT.get(item.topic, "the published events"), item.gone_by or "never by itself")
        for item in found.stays
    ]
    print_table(f"What {counted(len(lines), 'topic')} still hold of the past", ("topic", "~what", "gone by"), lines)
