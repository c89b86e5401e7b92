"""The receivers' process and fresh topics, for measurements and faults alike."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from kafka.admin import KafkaAdminClient


class Sink:
    """The receivers' process and what it saw."""

    def __init__(self, ports: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("webhook_sink.py")), str(ports)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.ports: list[int] = self._read()["ports"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def tell(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def topics_of(bootstrap_servers: str) -> Callable[..., str]:
    def create(stem: str, partitions: int = 1) -> str:
        name = f"{stem}-{uuid4().hex[:12]}"
        configs = {"message.timestamp.type": "LogAppendTime"}
        admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
        try:
            topic = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
            admin.create_topics({name: topic}, wait_for_metadata=True)
        finally:
            admin.close()
        return name

    return create
