"""Not one connection is opened to a forbidden address, seen where connections arrive and where they are made."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.webhooks.hostile import ANSWERS, HOSTS, PUBLIC

from greenlane.webhooks.dispatcher.sending.network import GuardedBackend
from greenlane.webhooks.dispatcher.sending.resolver import Resolver, system_lookup
from greenlane.webhooks.dispatcher.sending.transport import Transport
from greenlane.webhooks.states import Failure

ROOT = Path(__file__).parents[3]


def test_where_every_address_is_this_machine_no_forbidden_one_is_reached() -> None:
    words = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("unshare (util-linux) or ip (iproute2) is not installed")
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network namespaces")
    done = subprocess.run(
        [*words, sys.executable, "-m", "tests.integration.webhooks.dialler"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["control"] == ["None", "::ffff:169.254.169.254"], "what is dialled must be seen"
    assert told["hosts"] >= 150
    assert told["hostile_reached"] == []
    assert {
        failure for failure in told["failures"].values() if failure not in {"forbidden_address", "dns", "unusable_url"}
    } == set()
    assert told["rebound_reached"] == [f"::ffff:{PUBLIC}"]


class Dialled:
    """The addresses that this process connects to, told by the interpreter itself for every socket."""

    def __init__(self) -> None:
        self.addresses: list[Any] = []
        self.watching = False
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event == "socket.connect":
            self.addresses.append(arguments[1])


DIALLED = Dialled()


async def test_no_socket_of_this_process_connects_for_any_hostile_host() -> None:
    resolver = Resolver(lambda host, port: ANSWERS.get(host) or system_lookup(host, port))
    transport = Transport(GuardedBackend(resolver, allow_private=False), attempt_seconds=10)
    DIALLED.watching = True
    try:
        for host in (*HOSTS, *ANSWERS):
            exchange = await transport.post(f"http://{host}/hook", {}, b"{}")
            assert exchange.failure in {Failure.FORBIDDEN_ADDRESS, Failure.DNS, Failure.UNUSABLE_URL}, host
        assert [address for address in DIALLED.addresses if isinstance(address, tuple)] == []
        allowing = Transport(GuardedBackend(resolver, allow_private=True), attempt_seconds=10)
        listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        await allowing.post(f"http://127.0.0.1:{port}/hook", {}, b"{}")
        assert DIALLED.addresses[-1] == ("127.0.0.1", port), "what is dialled must be seen"
    finally:
        DIALLED.watching = False
        await transport.close()
        resolver.close()
    listener.close()
    await listener.wait_closed()
