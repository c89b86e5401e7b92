"""A receiver as cheap as can be, in a process of its own: many ports, each of which answers 200 or hangs.

Speaks lines of JSON: tells its ports at the start, then obeys `{"hang": n}` (the first n ports answer nothing),
`{"refuse": n}` (they answer 503), `{"count": true}` and `{"dump": true}` (what came since the last dump: when
each first byte came, at which port, its webhook-id and a checksum of the body).
"""

import asyncio
import json
import sys
import time
import zlib
from typing import Any

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_REFUSAL = b"HTTP/1.1 503 Down\r\ncontent-length: 0\r\n\r\n"


class Sink:
    """What came in on all ports."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int, str, int]] = []
        self.total = 0
        self.hanging = 0
        self.refusing = 0


class Connection(asyncio.Protocol):
    """One connection on the port of index `index`; requests do not overlap."""

    def __init__(self, sink: Sink, index: int) -> None:
        self._sink = sink
        self._index = index
        self._buffer = b""
        self._began = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self._began = time.time()
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        head = head.lower()
        if not end or len(body) < int(_header(head, b"content-length")):
            return
        self._buffer = b""
        self._sink.total += 1
        identity = _header(head, b"webhook-id").decode()
        self._sink.seen.append((self._began, self._index, identity, zlib.crc32(body)))
        if self._index >= self._sink.hanging and self._transport is not None:
            self._transport.write(_REFUSAL if self._index < self._sink.refusing else _ANSWER)


def _header(head: bytes, name: bytes) -> bytes:
    start = head.index(b"\r\n" + name + b": ") + len(name) + 4
    end = head.find(b"\r\n", start)
    return head[start:] if end < 0 else head[start:end]


async def main() -> None:
    sink = Sink()
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda index=index: Connection(sink, index), "127.0.0.1", 0)  # type: ignore[misc] # a lambda's default has no type
        for index in range(int(sys.argv[1]))
    ]
    say({"ports": [server.sockets[0].getsockname()[1] for server in servers]})
    lines = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        order = json.loads(line)
        if "hang" in order:
            sink.hanging = order["hang"]
            say({})
        elif "refuse" in order:
            sink.refusing = order["refuse"]
            say({})
        elif "dump" in order:
            say({"seen": sink.seen})
            sink.seen = []
        else:
            say({"count": sink.total})


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
