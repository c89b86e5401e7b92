"""What the fourth marketplace does while the others work: every hostile record, receiver, client and forgery."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import sqlalchemy as sa
from kafka import KafkaProducer
from kafka.errors import KafkaError
from tests.faults.pipeline import let_pass
from tests.faults.tenants.clients import Held, attack_names, attacks
from tests.faults.tenants.forgeries import forgeries
from tests.faults.tenants.neighbours import HEADERS, event_bytes
from tests.faults.tenants.receivers import hostile_receivers
from tests.faults.tenants.records import HostileRecord, hostile_records
from tests.faults.tenants.stack import EVIL, NEIGHBOURS, Running

from greenlane.contracts.topics import fulfilment_topic
from greenlane.webhooks.management.administration import administration

Place = tuple[str, int, int]
"""Topic, partition, offset."""
_ASKED = sa.text("SELECT DISTINCT d.endpoint_id FROM delivery d WHERE d.mode <> 'unordered' AND d.attempt_no > 0")
EVENT_SECONDS = 1.0
"""How often each hostile receiver's seller packs a parcel."""


@dataclass
class Report:
    """Where each hostile record stands, and what became of the rest; `errors` ends the attack's own threads.

    `planned` names everything that is to be done, `receivers` those that were asked after they were confirmed.
    """

    records: dict[Place, HostileRecord] = field(default_factory=dict)
    forged: dict[Place, str] = field(default_factory=dict)
    turned_away: list[str] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    all_called: bool = False
    calm_after: float = 0.0
    receivers: list[str] = field(default_factory=list)
    others_refused: int = 0
    others_asked: int = 0
    errors: list[str] = field(default_factory=list)
    planned: set[str] = field(default_factory=set)

    @property
    def done(self) -> set[str]:
        """The names of the different things that were done."""
        names = {item.name for item in self.records.values()} | set(self.forged.values()) | set(self.turned_away)
        return names | set(self.receivers) | {item.name for item in self.held}

    @property
    def undone(self) -> list[str]:
        """What was planned and never done: a run that leaves something out proves nothing about it."""
        return sorted(self.planned - self.done)


@contextmanager
def attack(running: Running, report: Report) -> Iterator[None]:
    """Attack in threads while the block runs; what each of them does is bounded, and all of it is over at the end."""
    enough = threading.Event()
    with hostile_receivers() as ports:
        report.planned |= {f"receiver.{name}" for name in ports} | set(attack_names())
        endpoints = asyncio.run(_endpoints(running, ports))
        works: tuple[Callable[[Running, Report, threading.Event], None], ...] = (
            _publish, _forge, _call, _listen, lambda run, _report, end: _feed(run, list(ports), end),
        )  # fmt: skip
        threads = [threading.Thread(target=_kept, args=(work, running, report, enough)) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            enough.set()
            for thread in threads:
                thread.join()
            report.receivers += [f"receiver.{name}" for name in asyncio.run(_end(running, endpoints))]


def _kept(work: Callable[..., None], running: Running, report: Report, enough: threading.Event) -> None:
    # an attacker computes on machines of its own: here it may not take the processor from those it attacks
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
    try:
        work(running, report, enough)
    except Exception as error:  # noqa: BLE001 - an attack that could not be made fails the run, by name
        report.errors.append(f"{getattr(work, '__name__', work)}: {type(error).__name__}: {error}")


async def _endpoints(running: Running, ports: dict[str, int]) -> dict[str, str]:
    """The endpoint of each receiver, by its name."""
    async with administration(running.settings) as desk:
        return {
            name: (await desk.add_endpoint(f"http://127.0.0.1:{port}/", EVIL, f"evil-{name}")).endpoint.endpoint_id
            for name, port in ports.items()
        }


async def _end(running: Running, endpoints: dict[str, str]) -> list[str]:
    """Disable every endpoint; the receivers that were sent more than the test of their endpoint."""
    async with administration(running.settings) as desk:
        for endpoint in endpoints.values():
            await desk.disable_endpoint(endpoint)
        async with desk.engine.connect() as connection:
            asked = {row.endpoint_id for row in await connection.execute(_ASKED)}
    return [name for name, endpoint in endpoints.items() if endpoint in asked]


def _producers(servers: str, stack: ExitStack) -> dict[str | None, Any]:
    found = {}
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        producer = KafkaProducer(
            bootstrap_servers=servers,
            acks="all",
            compression_type=codec,
            linger_ms=0,
            max_request_size=4_000_000,
            enable_idempotence=False,  # an idempotent one sends nothing more after a record that was turned away
        )
        stack.callback(producer.close)
        found[codec] = producer
    return found


def _publish(running: Running, report: Report, enough: threading.Event) -> None:
    """Every hostile record, over and over, until it is enough; each at least once."""
    topic = fulfilment_topic(EVIL)
    with ExitStack() as stack:
        producers = _producers(running.settings.kafka_bootstrap_servers, stack)
        while True:
            items = hostile_records(EVIL, time.time())
            report.planned |= {item.name for item in items}
            for item in items:
                try:
                    sent = producers[item.codec].send(topic, key=item.key, value=item.value, headers=list(item.headers))
                    at = sent.get(30)
                except (KafkaError, AssertionError, ValueError, TypeError) as error:
                    report.turned_away.append(item.name)
                    if item.fate == "taken":
                        report.errors.append(f"{item.name}: not appended: {error}")
                    continue
                report.records[at.topic, at.partition, at.offset] = item
                enough.wait(0.05)
            if enough.is_set():
                return


def _forge(running: Running, report: Report, _enough: threading.Event) -> None:
    with ExitStack() as stack:
        producer = _producers(running.settings.kafka_bootstrap_servers, stack)[None]
        items = forgeries(EVIL, datetime.now(UTC))  # noqa: TID251 - a forger has a clock
        report.planned |= {item.name for item in items}
        for item in items:
            try:
                at = producer.send(item.topic, key=item.key, value=item.value).get(30)
            except KafkaError as error:
                report.turned_away.append(item.name)
                if item.fits:
                    report.errors.append(f"{item.name}: not appended: {type(error).__name__}: {error}")
                continue
            report.forged[at.topic, at.partition, at.offset] = item.name
            let_pass(0.2)


def _call(running: Running, report: Report, _enough: threading.Event) -> None:
    for held in attacks(running.api, running.tokens[EVIL]):
        report.held.append(held)
    report.all_called = True


def _listen(running: Running, report: Report, enough: threading.Event) -> None:
    """An honest marketplace looks at its endpoints every second, from an address of its own."""
    headers = {"authorization": f"Bearer {running.tokens[NEIGHBOURS[0]]}"}
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=transport, headers=headers, timeout=5) as client:
        while not enough.wait(1.0):
            report.others_asked += 1
            try:
                report.others_refused += client.get(f"{running.api}/v1/endpoints").status_code != httpx.codes.OK
            except httpx.HTTPError:
                report.others_refused += 1


def _feed(running: Running, names: list[str], enough: threading.Event) -> None:
    """Parcels of the hostile receivers' sellers, so that there is always something to dispatch to them."""
    topic, number = fulfilment_topic(EVIL), 0
    with ExitStack() as stack:
        producer = _producers(running.settings.kafka_bootstrap_servers, stack)[None]
        while not enough.wait(EVENT_SECONDS):
            number += 1
            for name in names:
                seller = f"evil-{name}"
                value = event_bytes(EVIL, seller, f"{seller}.{number}", time.time())
                producer.send(topic, key=seller.encode(), value=value, headers=HEADERS)
