"""Dials every hostile host inside a network in which every address is this machine, and tells who was connected to.

Run by `unshare --net`: nothing leaves the machine, and whatever is dialled is accepted, so that it is seen.
"""

import asyncio
import json
import socket
import subprocess
from itertools import cycle

from tests.unit.webhooks.hostile import ANSWERS, HOSTS, PUBLIC

from greenlane.webhooks.dispatcher.sending.network import GuardedBackend
from greenlane.webhooks.dispatcher.sending.resolver import Resolver, system_lookup
from greenlane.webhooks.dispatcher.sending.transport import Transport

ROUTES = ("link set lo up", "route add local default dev lo", "-6 route add local default dev lo")
REBOUND = ("127.0.0.1", "169.254.169.254", "10.0.0.1", "::1")


class Rebinding:
    """Answers a public address first and a private one next, and so on; each answer is fresh."""

    def __init__(self) -> None:
        self._answers = {f"rebind-{number}.example": cycle([PUBLIC, address]) for number, address in enumerate(REBOUND)}

    def __call__(self, host: str, port: int) -> list[str]:
        if host in self._answers:
            return [next(self._answers[host])]
        return ANSWERS[host] if host in ANSWERS else system_lookup(host, port)


async def main() -> None:
    for route in ROUTES:
        subprocess.run(["ip", *route.split()], check=True, capture_output=True)  # noqa: S607, ASYNC221 - iproute2
    reached: list[str] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(str(writer.get_extra_info("sockname")[0]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    listener = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
    server = await asyncio.start_server(accept, sock=listener)
    ticks = cycle(range(0, 10**9, 1000))
    resolver = Resolver(Rebinding(), monotonic=lambda: float(next(ticks)))
    transport = Transport(GuardedBackend(resolver, allow_private=False), attempt_seconds=10)
    failures: dict[str, str] = {}
    for host in (*HOSTS, *ANSWERS):
        exchange = await transport.post(f"http://{host}/hook", {}, b"{}")
        failures[host] = str(exchange.failure)
    hostile_reached = list(reached)
    for _ in range(10):
        for number in range(len(REBOUND)):
            await transport.post(f"http://rebind-{number}.example/hook", {}, b"{}")
    allowing = Transport(GuardedBackend(resolver, allow_private=True), attempt_seconds=10)
    control = await allowing.post("http://169.254.169.254/hook", {}, b"{}")
    print(  # noqa: T201 - the test reads it
        json.dumps(
            {
                "hosts": len(failures),
                "failures": failures,
                "hostile_reached": hostile_reached,
                "rebound_reached": sorted(set(reached[len(hostile_reached) : -1])),
                "control": [str(control.failure), reached[-1]],
            }
        )
    )
    await transport.close()
    await allowing.close()
    resolver.close()
    server.close()


asyncio.run(main())
