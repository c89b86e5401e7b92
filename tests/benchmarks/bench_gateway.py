"""The gateway on a real Kafka and a real PostgreSQL, and the same batches by the SDK and by kafka-python alone.

`make bench-gateway`. The last line is one JSON object. A second of a core is a second of CPU, user and system, of the
gateway's process; Kafka and the clients have their own and are not counted. Latencies are those of everything together
on whatever machine this runs on, from the moment at which a request was due. Every client is a process of its own. The
shares of the cores tell whether something else slowed the measurement down: `others` is neither of the three, and with
hardly anything `idle` a latency is that of waiting for a core. Takes three minutes.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient
from pydantic import SecretStr
from tests.benchmarks.gateway_clients import at_share
from tests.benchmarks.shares import cpu_of

from greenlane.contracts.topics import declared_topics
from greenlane.database.api_keys import KeyScope
from greenlane.database.connection import migrate, open_database
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.keys import add_key
from greenlane.webhooks.vault import Vault

TENANTS = 20
EVENTS, BATCH, CONNECTIONS = 40_000, 100, 8
PACED_RATE, PACED_BATCH, PACED_SECONDS, WARM_SECONDS = 3_000, 10, 10.0, 10.0
TENANT_RATE, TENANT_SECONDS, TENANT_ROUNDS = 50, 8.0, 3
FROZEN_SECONDS = 15.0
ROOT = Path(__file__).parents[2]


class Bench:
    """Servers, marketplaces with keys, and one gateway."""

    def __init__(self, kafka: EmbeddedKafka, database_url: str) -> None:
        self.kafka = kafka
        self.database_url = database_url
        self.tokens: dict[str, str] = {}
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    async def prepare(self) -> None:
        """Topics and keys of every marketplace."""
        markets = [f"tenant-{number:02d}" for number in range(TENANTS)]
        admin = KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap_servers)
        for market in markets:
            topic = declared_topics((market,))[0]
            wanted = {"num_partitions": 4, "replication_factor": 1, "configs": topic.config()}
            admin.create_topics({topic.name: wanted}, wait_for_metadata=True)
        admin.close()
        await migrate(SecretStr(self.database_url))
        engine = open_database(SecretStr(self.database_url))
        desk = Administration(engine, Vault(b"k" * 32), allow_private=True)
        for market in markets:
            self.tokens[market] = (await add_key(desk, market, scopes=(KeyScope.WRITE_EVENTS,))).token
        await engine.dispose()

    @contextlib.contextmanager
    def gateway(self, rate: int | None = None) -> Iterator[None]:
        """A gateway of its own process, at the usual rate or another one."""
        environment = os.environ | {
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "GREENLANE_DATABASE_URL": self.database_url,
            "GREENLANE_MARKETPLACES": ",".join(self.tokens),
            "GREENLANE_WEBHOOK_ENCRYPTION_KEY": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
            "GREENLANE_GATEWAY_PORT": "0",
            "GREENLANE_PORT": "0",
        }
        if rate is not None:
            environment["GREENLANE_GATEWAY_RATE"] = str(rate)
        with tempfile.NamedTemporaryFile("w+b") as log:
            words = [sys.executable, "-m", "greenlane", "run", "gateway"]
            self.process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, cwd=ROOT)
            try:
                self.port = _listening(Path(log.name), self.process)
                yield
            finally:
                self.process.terminate()
                self.process.wait(40)

    def start(self, role: str, market: str = "tenant-00", **order: Any) -> subprocess.Popen[str]:
        """A client in a process of its own."""
        order |= {"role": role, "market": market, "token": self.tokens[market], "port": self.port}
        order["servers"] = self.kafka.bootstrap_servers
        order.setdefault("pids", self.pids)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.gateway_clients"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(json.dumps(order))
        process.stdin.close()
        process.stdin = None
        return process

    def client(self, role: str, market: str = "tenant-00", **order: Any) -> dict[str, Any]:
        """What a client found."""
        return ended(self.start(role, market, **order))

    @property
    def pids(self) -> dict[str, int | None]:
        """The processes whose share of the cores is told."""
        return {} if self.process is None else {"gateway": self.process.pid, "kafka": self.kafka.pid}

    def cpu(self) -> float:
        """Seconds of CPU that the gateway has used."""
        assert self.process is not None
        return cpu_of(self.process.pid)

    def memory_mb(self) -> float:
        """The gateway's resident memory."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, "a client failed"
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def _listening(log: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        written = log.read_text(encoding="utf-8")
        found = re.search(r"http://[0-9.]+:([0-9]+)", written)
        if found and "Kafka answers" in written:
            return int(found.group(1))
        time.sleep(0.1)
    raise RuntimeError(log.read_text(encoding="utf-8"))


def throughput(bench: Bench) -> dict[str, float]:
    bench.client("fast", events=5_000, batch=BATCH, connections=CONNECTIONS)
    before = bench.cpu()
    found = bench.client("fast", events=EVENTS, batch=BATCH, connections=CONNECTIONS)
    used = bench.cpu() - before
    assert found["accepted"] == EVENTS
    progress(f"batches of {BATCH}: {EVENTS / found['seconds']:.0f}/s, {used / EVENTS * 1e6:.0f} us CPU an event")
    return {
        "events_per_second_per_core": round(EVENTS / used),
        "events_per_second": round(EVENTS / found["seconds"]),
    }


def latency(bench: Bench) -> dict[str, float]:
    """p99 from the moment at which a request was due; the rate is held for a while before it counts."""
    order: dict[str, Any] = {"rate": PACED_RATE, "batch": PACED_BATCH, "connections": 8}
    bench.client("paced", seconds=WARM_SECONDS, **order)
    found = bench.client("paced", seconds=PACED_SECONDS, **order)
    took = found["took"]
    assert len(took) == found["sent"], found["statuses"]
    progress(f"{PACED_RATE}/s in batches of {PACED_BATCH}: p50 {at_share(took, 0.5)}, p99 {at_share(took, 0.99)} ms; "
             f"of the cores {found['shares']}")  # fmt: skip
    return {"p50_ms": at_share(took, 0.5), "p99_ms": at_share(took, 0.99)}


def isolation(bench: Bench) -> dict[str, float]:
    """p99 of 19 marketplaces while the twentieth does as they do, and while it floods; a first round is not counted."""
    *others, last = bench.tokens
    order: dict[str, Any] = {"rate": TENANT_RATE, "batch": 10, "seconds": TENANT_SECONDS, "connections": 1}
    took: dict[str, list[float]] = {"usual": [], "flooded": []}
    shares: dict[str, dict[str, float]] = {}
    statuses: Counter[str] = Counter()
    for number in range(TENANT_ROUNDS + 1):
        for name in took:
            if name == "usual":
                beside = bench.start("paced", last, **order)
            else:
                beside = bench.start("flood", last, batch=BATCH, seconds=TENANT_SECONDS + 3, connections=32)
                time.sleep(2)
            pids = bench.pids | {"client of the twentieth": beside.pid}
            found = bench.client(
                "tenants", pids=pids, tokens={market: bench.tokens[market] for market in others}, **order
            )
            assert set(found["statuses"]) == {"200"}, found["statuses"]
            answered = ended(beside)["statuses"]
            if number:
                took[name] += found["took"]
                shares[name] = found["shares"]
                statuses.update(answered if name == "flooded" else {})
    quiet, loud = at_share(took["usual"], 0.99), at_share(took["flooded"], 0.99)
    middle = " and ".join(str(at_share(values, 0.5)) for values in took.values())
    progress(f"19 others: p99 {quiet} ms, beside a flood {loud} ms (p50 {middle}); the flood was answered "
             f"{dict(statuses)}; of the cores {shares}")  # fmt: skip
    return {"usual_p99_ms": quiet, "flooded_p99_ms": loud, "flooded_p99_ratio": round(loud / quiet, 2)}


def frozen(bench: Bench) -> dict[str, float]:
    """The most memory that the gateway takes while Kafka is frozen and everybody goes on sending."""
    broker = bench.kafka.pid
    assert broker is not None
    before = most = bench.memory_mb()
    os.kill(broker, signal.SIGSTOP)
    try:
        floods = [
            bench.start("flood", market, batch=1000, seconds=FROZEN_SECONDS, connections=16)
            for market in list(bench.tokens)[:8]
        ]
        while any(flood.poll() is None for flood in floods):
            most = max(most, bench.memory_mb())
            time.sleep(0.1)
    finally:
        os.kill(broker, signal.SIGCONT)
    progress(f"memory {before:.0f} MB, beside a frozen broker {most:.0f} MB at most")
    return {"memory_mb": round(most)}


def beside(bench: Bench) -> dict[str, float]:
    rounds = [(bench.client("bare", events=EVENTS), bench.client("sdk", events=EVENTS)) for _ in range(2)]
    bare = EVENTS / min(one["seconds"] for one, _ in rounds)
    sdk = EVENTS / min(one["seconds"] for _, one in rounds)
    bare_core = EVENTS / min(one["cpu"] for one, _ in rounds)
    sdk_core = EVENTS / min(one["cpu"] for _, one in rounds)
    progress(f"SDK {sdk:.0f}/s ({sdk_core:.0f} a core), kafka-python alone {bare:.0f}/s ({bare_core:.0f} a core)")
    return {
        "sdk_per_second": round(sdk),
        "bare_per_second": round(bare),
        "sdk_vs_bare": round(sdk / bare, 2),
    }


def progress(text: str) -> None:
    sys.stderr.write(f"bench-gateway: {text} (load {os.getloadavg()[0]:.1f})\n")


def main() -> None:
    parts = set(sys.argv[1:]) or {"throughput", "latency", "isolation", "frozen", "beside"}
    figures: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory(prefix="greenlane-bench-", ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as kafka,
        EmbeddedPostgres(Path(folder)) as postgres,
    ):
        bench = Bench(kafka, postgres.database_url)
        asyncio.run(bench.prepare())
        if "beside" in parts:
            figures |= beside(bench)
        with bench.gateway(rate=10_000_000):
            if "throughput" in parts:
                figures |= throughput(bench)
            if "latency" in parts:
                figures |= latency(bench)
            if "frozen" in parts:
                figures |= frozen(bench)
        if "isolation" in parts:
            with bench.gateway():
                figures |= isolation(bench)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
