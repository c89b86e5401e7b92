"""Clients of the gateway and of Kafka directly, each a process of its own; the last line is one JSON object.

The HTTP client is a bare one over asyncio streams: what it costs does not stand between the gateway and its figures.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from tests.benchmarks.shares import Shares

from greenlane.contracts.topics import fulfilment_topic
from greenlane.publishing.sdk.publisher import Options, Publisher

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
PACKED = EXAMPLES / "greenlane.parcel.packed.v1" / "average-vietnamese-parcel.json"
DELIVERED = EXAMPLES / "greenlane.parcel.delivered.v1" / "usual-petrol-motorbike-round.json"
SELLERS = 500


def events(market: str, first: int, count: int) -> list[bytes]:
    """So many different events of the marketplace, packed and delivered in turn."""
    templates = [json.loads(path.read_text(encoding="utf-8")) for path in (PACKED, DELIVERED)]
    made = []
    for number in range(first, first + count):
        one = templates[number % 2]
        one["source"] = f"/marketplaces/{market}"
        one["id"] = f"bench-{number}"
        one["subject"] = f"seller-{number % SELLERS}"
        one["data"]["parcel_id"] = f"parcel-{number}"
        made.append(json.dumps(one, separators=(",", ":")).encode())
    return made


class Connection:
    """One connection to the gateway, kept."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        head = f"POST /v1/events HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n"
        self._head = f"{head}content-type: application/cloudevents-batch+json\r\ncontent-length: ".encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; 0 when the connection was lost."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answer = await reader.readexactly(size)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0, b""
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), answer

    def close(self) -> None:
        """Give the connection up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def batch_of(made: list[bytes]) -> bytes:
    return b"[" + b",".join(made) + b"]"


def at_share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 1) if ordered else -1.0


async def as_fast_as_it_goes(order: dict[str, Any]) -> dict[str, Any]:
    """Batches over several connections until all are accepted; seconds that it took."""
    batches = [
        batch_of(events(order["market"], first, order["batch"])) for first in range(0, order["events"], order["batch"])
    ]
    accepted = 0

    async def send() -> None:
        nonlocal accepted
        connection = Connection(order["port"], order["token"])
        while batches:
            status, answer = await connection.post(batches.pop())
            assert status == 200, (status, answer[:500])
            accepted += json.loads(answer)["accepted"]
        connection.close()

    begun = time.monotonic()
    await asyncio.gather(*(send() for _ in range(order["connections"])))
    return {"accepted": accepted, "seconds": time.monotonic() - begun}


async def paced(order: dict[str, Any]) -> dict[str, Any]:
    """Batches at a steady rate whatever the answers do; milliseconds from the due moment to the verdicts."""
    took: list[float] = []
    statuses: dict[int, int] = {}
    idle = [Connection(order["port"], order["token"]) for _ in range(order["connections"])]
    bodies = [batch_of(events(order["market"], number * order["batch"], order["batch"])) for number in range(50)]

    async def send(due: float, body: bytes) -> None:
        connection = idle.pop() if idle else Connection(order["port"], order["token"])
        status, _ = await connection.post(body)
        if not status:  # a kept connection was closed meanwhile: to send again is safe
            status, _ = await connection.post(body)
        idle.append(connection)
        statuses[status] = statuses.get(status, 0) + 1
        if status == 200:
            took.append((time.monotonic() - due) * 1000)

    shares = Shares(order["pids"] | {"client": os.getpid()})
    begun, under_way, number = time.monotonic() + 0.2, set(), 0
    gap = order["batch"] / order["rate"]
    while (due := begun + order.get("offset", 0.0) * gap + number * gap) < begun + order["seconds"]:
        await asyncio.sleep(max(due - time.monotonic(), 0))
        task = asyncio.create_task(send(due, bodies[number % 50]))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        number += 1
    if under_way:
        await asyncio.wait(under_way)
    return {"took": took, "sent": number, "statuses": statuses, "shares": shares.until_now()}


async def flood(order: dict[str, Any]) -> dict[str, Any]:
    """Large batches over many connections, as fast as answers come, whatever they say.

    It stands back behind the others on the same cores: elsewhere it would have its own.
    """
    os.nice(5)
    body = batch_of(events(order["market"], 0, order["batch"]))
    until = time.monotonic() + order["seconds"]
    statuses: dict[int, int] = {}

    async def send() -> None:
        connection = Connection(order["port"], order["token"])
        while time.monotonic() < until:
            status, _ = await connection.post(body)
            statuses[status] = statuses.get(status, 0) + 1
            if not status:
                await asyncio.sleep(0.05)

    await asyncio.gather(*(send() for _ in range(order["connections"])))
    return {"statuses": statuses}


async def tenants(order: dict[str, Any]) -> dict[str, Any]:
    """Several marketplaces, each at its steady rate."""
    each = [
        {**order, "market": market, "token": token, "offset": number / len(order["tokens"])}
        for number, (market, token) in enumerate(order["tokens"].items())
    ]
    found = await asyncio.gather(*map(paced, each))
    statuses: dict[int, int] = {}
    for one in found:
        for status, count in one["statuses"].items():
            statuses[status] = statuses.get(status, 0) + count
    took = [value for one in found for value in one["took"]]
    return {"took": took, "statuses": statuses, "shares": found[0]["shares"]}


def by_sdk(order: dict[str, Any]) -> dict[str, Any]:
    """The same events through the SDK, every one acknowledged."""
    made = events(order["market"], 0, order["events"])
    with Publisher(order["servers"], order["market"], Options(mode="structured")) as publisher:
        begun, cpu = time.monotonic(), time.process_time()
        for one in made:
            publisher.publish(one)
        assert publisher.flush().delivered == len(made)
        return {"seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu}


def by_bare_kafka_python(order: dict[str, Any]) -> dict[str, Any]:
    """The same bytes through the client alone: nothing is checked, and nobody learns which record failed."""
    made = events(order["market"], 0, order["events"])
    topic = fulfilment_topic(order["market"])
    producer = KafkaProducer(
        bootstrap_servers=order["servers"], acks="all", enable_idempotence=True, linger_ms=20, batch_size=65_536
    )
    producer.partitions_for(topic)
    headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    begun, cpu = time.monotonic(), time.process_time()
    for number, one in enumerate(made):
        producer.send(topic, one, key=b"seller-%d" % (number % SELLERS), headers=headers)
    producer.flush()
    found = {"seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu}
    producer.close()
    return found


ROLES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "fast": as_fast_as_it_goes,
    "paced": paced,
    "flood": flood,
    "tenants": tenants,
    "sdk": by_sdk,
    "bare": by_bare_kafka_python,
}


def main() -> None:
    order = json.loads(sys.stdin.read())
    found = ROLES[order["role"]](order)
    sys.stdout.write(json.dumps(asyncio.run(found) if asyncio.iscoroutine(found) else found) + "\n")


if __name__ == "__main__":
    main()
