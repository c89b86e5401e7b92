"""A dispatcher as a process, with topics and numbers from its argument."""

import asyncio
import json
import signal
import sys

import uvloop
from prometheus_client import CollectorRegistry

from greenlane.operations.metrics import WebhookMetrics
from greenlane.settings import load_settings
from greenlane.webhooks.dispatcher.intake.consumer import Sources
from greenlane.webhooks.dispatcher.limits import Limits
from greenlane.webhooks.dispatcher.process import Setup, dispatch


def tell(ok: bool, reason: str) -> None:
    print("ready" if ok else f"not ready: {reason}", flush=True)  # noqa: T201 - the harness keeps the output


async def main() -> None:
    options = json.loads(sys.argv[1])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    setup = Setup(Sources(**options["sources"]), Limits(**options["limits"]))
    await dispatch(load_settings(), WebhookMetrics(CollectorRegistry()), tell, stop, setup=setup)


if __name__ == "__main__":
    uvloop.run(main())
