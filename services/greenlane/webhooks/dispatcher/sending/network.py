"""The guarded way to the network: resolve once, judge every answer, dial a judged address, compare the peer."""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore

from greenlane.webhooks.addresses import may_dial
from greenlane.webhooks.dispatcher.sending.resolver import ResolveError, Resolver
from greenlane.webhooks.dispatcher.sending.streams import LoopDialler

__all__ = ["ForbiddenAddressError", "GuardedBackend", "ResolveError", "Resolver"]


class ForbiddenAddressError(Exception):
    """A name resolves to an address that may not be dialled; nothing was sent to it."""


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
        """Dial the address that answers first; ForbiddenAddressError if any of the host's addresses is forbidden."""
        addresses = await self._resolver.resolve(host, port)
        if not all(may_dial(address, allow_private=self._allow_private) for address in addresses):
            raise ForbiddenAddressError("the host resolves to an address that is not public")
        if not addresses:
            raise ResolveError("the host name has no address")
        if len(addresses) == 1:
            stream = await self._dialler.connect_tcp(addresses[0], port, timeout, local_address, socket_options)
        else:
            stream = await self._dialler.race(addresses, port, timeout)
        return await _judged_peer(_Stream(stream), addresses)

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


async def _judged_peer(stream: httpcore.AsyncNetworkStream, addresses: Sequence[str]) -> httpcore.AsyncNetworkStream:
    peer = stream.get_extra_info("server_addr")
    if not peer or str(peer[0]) not in addresses:
        await stream.aclose()
        raise ForbiddenAddressError("the connection did not reach an address that was judged")
    return stream
