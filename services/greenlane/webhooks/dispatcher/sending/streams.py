"""httpcore's network streams on the event loop itself: no layer between, and one system call for a whole request."""

import asyncio
import socket
import ssl
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

import httpcore
from aiohappyeyeballs import AddrInfoType, start_connection

_KEPT_BYTES = 65_536


_RACE_DELAY = 0.25
MOST_RACED = 8
"""A name with a thousand addresses must not make us dial them all."""


class LoopDialler(httpcore.AsyncNetworkBackend):
    """Opens plain connections to literal addresses; who may be dialled was judged before."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - TCP_NODELAY is set anyway, nothing else is asked for
    ) -> "LoopStream":
        """A connection, or ConnectError, or ConnectTimeout after `timeout` seconds."""
        local = None if local_address is None else (local_address, 0)
        loop = asyncio.get_running_loop()
        return await _connected(loop.create_connection(_Wire, host, port, local_addr=local), timeout)

    async def race(self, addresses: Sequence[str], port: int, timeout: float | None = None) -> "LoopStream":  # noqa: ASYNC109 - httpcore's
        """A connection to whichever address answers first (RFC 8305): each next one is tried 0.25 s after the last.

        At most `MOST_RACED` addresses are dialled. ConnectError when none answers, ConnectTimeout after `timeout` s.
        """
        found = [_address_info(address, port) for address in addresses]
        raced = start_connection(found[:MOST_RACED], happy_eyeballs_delay=_RACE_DELAY, interleave=1)

        async def connect() -> tuple[asyncio.BaseTransport, _Wire]:
            return await asyncio.get_running_loop().create_connection(_Wire, sock=await raced)

        return await _connected(connect(), timeout)


class _Wire(asyncio.Protocol):
    """What came in and was not read yet; reading pauses when that is much."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.came = bytearray()
        self.over = False
        self.failure: Exception | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.came += data
        if len(self.came) > _KEPT_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.over = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = True
        self.failure = self.failure or exc
        self._wake()

    async def something(self) -> None:
        """Wait until something came or nothing will."""
        while not self.came and not self.over:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def take(self, most: int) -> bytes:
        """At most so many of the bytes that came."""
        taken = bytes(self.came[:most])
        del self.came[:most]
        if self._paused and not self.over and len(self.came) <= _KEPT_BYTES:
            self._paused = False
            self.transport.resume_reading()
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class LoopStream(httpcore.AsyncNetworkStream):
    """One connection. What is written leaves when an answer is awaited, so that head and body leave together."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire
        self._unsent: list[bytes] = []

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """The next bytes, b"" at the end; ReadTimeout after `timeout` seconds.

        ReadError when the connection broke, or when bytes had come before the request left: they are no answer to it.
        """
        self._flush()
        try:
            if timeout is None:
                await self._wire.something()
            else:
                await asyncio.wait_for(self._wire.something(), timeout)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        if not self._wire.came and self._wire.failure is not None:
            raise httpcore.ReadError(type(self._wire.failure).__name__) from self._wire.failure
        return self._wire.take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - httpcore's
        """Keep the bytes for the next read, with which they leave."""
        self._unsent.append(buffer)

    async def aclose(self) -> None:
        """Close at once; an exchange is complete or given up by then."""
        self._wire.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """The same connection under TLS; ConnectError when the handshake fails or the certificate is not accepted."""
        try:
            async with asyncio.timeout(timeout):
                self._wire.transport = await asyncio.get_running_loop().start_tls(
                    self._wire.transport, self._wire, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        except ssl.SSLError as error:
            raise httpcore.ConnectError(type(error).__name__) from error
        except OSError as error:
            raise httpcore.ConnectError from ssl.SSLError(f"{type(error).__name__} during the handshake")
        return self

    def get_extra_info(self, info: str) -> Any:
        """`is_readable`: whether an idle connection was closed or written to by the other side; and the peer."""
        if info == "is_readable":
            return self._wire.over or bool(self._wire.came)
        names = {"server_addr": "peername", "client_addr": "sockname"}
        return self._wire.transport.get_extra_info(names.get(info, info))

    def _flush(self) -> None:
        if self._unsent and self._wire.came:
            raise httpcore.ReadError("bytes came before the request was sent")
        if self._unsent and not self._wire.over:
            self._wire.transport.write(b"".join(self._unsent))
        self._unsent.clear()


async def _connected(
    connecting: Coroutine[Any, Any, tuple[asyncio.BaseTransport, _Wire]],
    timeout: float | None,  # noqa: ASYNC109 - httpcore's
) -> LoopStream:
    try:
        async with asyncio.timeout(timeout):
            _, wire = await connecting
    except TimeoutError as error:
        raise httpcore.ConnectTimeout from error
    except OSError as error:
        raise httpcore.ConnectError(type(error).__name__) from error
    return LoopStream(wire)


def _address_info(address: str, port: int) -> AddrInfoType:
    """A literal address as `getaddrinfo` would give it."""
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
