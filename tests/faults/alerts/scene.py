"""A running stack with an endpoint and a Prometheus beside it: where alerts are tried."""

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.alerts.prometheus import Prometheus

from greenlane.cli.demo.receiver import DemoReceiver
from greenlane.cli.running.stack import Stack
from greenlane.settings import Settings
from greenlane.webhooks.management.administration import administration

MARKETPLACES = ("demo-vn", "quiet-vn")
LIVE = "quiet-vn"
_STARTING = threading.Lock()
"""The migrations are one at a time in a process."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What runs, and where."""

    stack: Stack
    prometheus: Prometheus
    receiver: DemoReceiver
    folder: Path

    @property
    def settings(self) -> Settings:
        """The stack's settings, with the addresses of its servers."""
        return self.stack.settings


@contextmanager
def scene(name: str) -> Iterator[Scene]:
    """Every service on servers of its own, with an endpoint, beside Prometheus."""
    with tempfile.TemporaryDirectory(prefix=f"greenlane-{name}-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        settings = Settings(
            kafka_bootstrap_servers="",
            data_dir=folder,
            marketplaces=MARKETPLACES,
            live_marketplaces=(LIVE,),
            webhook_allow_private_networks=True,
        )
        with DemoReceiver() as receiver, ExitStack() as exits:
            with _STARTING:
                stack = exits.enter_context(Stack(settings, notify=lambda _text: None))
            asyncio.run(_add_endpoint(stack.settings, receiver))
            targets = {service.name: service.port for service in stack.services.values()}
            with Prometheus(folder, targets) as prometheus:
                yield Scene(stack, prometheus, receiver, folder)


async def _add_endpoint(settings: Settings, receiver: DemoReceiver) -> None:
    async with administration(settings) as desk:
        new = await desk.add_endpoint(receiver.url("/demo"), "demo-vn")
        receiver.expect("/demo", new.secret)
