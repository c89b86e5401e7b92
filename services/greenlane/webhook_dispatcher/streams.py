"""httpcore's network streams on the event loop itself: no layer between, and one system call for a whole request."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

_KEPT_BYTES = 65_536


class LoopDialler(httpcore.AsyncNetworkBackend):
    """Opens plain connections to literal addresses; who may be dialled was judged before."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - TCP_NODELAY is set anyway, nothing else is asked for
    ) -> httpcore.AsyncNetworkStream:
        """A connection, or ConnectError, or ConnectTimeout after `timeout` seconds."""
        local = None if local_address is None else (local_address, 0)
        try:
            async with asyncio.timeout(timeout):
                _, wire = await asyncio.get_running_loop().create_connection(_Wire, host, port, local_addr=local)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        except OSError as error:
            raise httpcore.ConnectError(type(error).__name__) from error
        return LoopStream(wire)


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
        """The next bytes, b"" at the end; ReadError when the connection broke, ReadTimeout after `timeout` seconds."""
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
        if self._unsent and not self._wire.over:
            self._wire.transport.write(b"".join(self._unsent))
        self._unsent.clear()
