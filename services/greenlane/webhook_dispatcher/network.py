"""The guarded way to the network: resolve once, judge every answer, dial a judged address, compare the peer."""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from greenlane.webhook_dispatcher.addresses import may_dial
from greenlane.webhook_dispatcher.streams import LoopDialler

RESOLVER_THREADS = 32
RESOLVE_SECONDS = 3.0


class ForbiddenAddressError(Exception):
    """A name resolves to an address that may not be dialled; nothing was sent to it."""


class ResolveError(Exception):
    """A name does not resolve, or not in time."""


class Resolver:
    """Looks names up in threads of its own, so that hung look-ups delay nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="webhook-resolver")

    async def resolve(self, host: str, port: int) -> list[str]:
        """Every address of the host; ResolveError when there is none within 3 s."""
        lookup = asyncio.get_running_loop().run_in_executor(self._threads, _lookup, host, port)
        try:
            return await asyncio.wait_for(lookup, RESOLVE_SECONDS)
        except (OSError, UnicodeError, TimeoutError):
            raise ResolveError("the host name does not resolve") from None

    def close(self) -> None:
        """Let the threads end; look-ups under way are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lookup(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's network backend with the guard before it; certificate and Host keep the name."""

    def __init__(self, resolver: Resolver, *, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private
        self._dialler = LoopDialler()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Dial the first address that answers; ForbiddenAddressError if any of the host's addresses is forbidden."""
        addresses = await self._resolver.resolve(host, port)
        if not all(may_dial(address, allow_private=self._allow_private) for address in addresses):
            raise ForbiddenAddressError("the host resolves to an address that is not public")
        failure: Exception = ResolveError("the host name has no address")
        for address in addresses:
            try:
                stream = await self._dialler.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return await _same_peer(_Stream(stream), address)
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore's own use."""
        await asyncio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A plain connection that is closed when its TLS handshake is cancelled; httpcore would leave it open."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def _same_peer(stream: httpcore.AsyncNetworkStream, address: str) -> httpcore.AsyncNetworkStream:
    peer = stream.get_extra_info("server_addr")
    if not peer or str(peer[0]) != address:
        await stream.aclose()
        raise ForbiddenAddressError("the connection did not reach the address that was judged")
    return stream
