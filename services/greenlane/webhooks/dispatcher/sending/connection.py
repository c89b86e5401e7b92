"""One HTTP/1.1 connection: what a receiver may make us read and parse is bounded, and so is its share of the loop.

Every private name of httpcore and h11 that the dispatcher rests on is in this file; `test_connection` fails
when an upgrade changes one.
"""

import asyncio
import re

import h11
import httpcore

ANSWER_BYTES = 65_536
"""Of one answer altogether: interim answers, heads, chunk sizes and their extensions, body and trailers."""
STEPS = 128
"""Reads and parsed pieces of one answer."""
STEPS_PER_TURN = 16
"""After so many the other connections have their turn, also when more has come already."""
INTERIM_ANSWERS = 8
HEAD_LINES = 128
"""Of one answer up to its body, interim answers included."""
BODY_LINES = 1_024
"""Of a body with its chunk sizes and trailers."""

_BLANK_LINE = re.compile(rb"\n\r?\n")
_BLANK_LINE_BYTES = 3


class EnoughError(httpcore.RemoteProtocolError):
    """An answer went beyond its bounds; the connection cannot be used any more."""


class _Unlocked:
    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


class Connection(httpcore.AsyncHTTP11Connection):
    """Whoever popped it has it alone, so httpcore's lock is left out: it cost two turns of the event loop a request."""

    READ_NUM_BYTES = 4_096
    MAX_INCOMPLETE_EVENT_SIZE = 16_384

    def __init__(self, origin: httpcore.Origin, stream: httpcore.AsyncNetworkStream, keepalive_expiry: float) -> None:
        super().__init__(origin, stream, keepalive_expiry)
        self._state_lock = _Unlocked()  # type: ignore[assignment] # entered and left like the lock it replaces
        self._unparsed = b""
        self._begin()

    @property
    def answered(self) -> bool:
        """Whether any byte of the answer to the last request came."""
        return self._bytes > 0

    @property
    def exhausted(self) -> bool:
        """Whether nothing came beyond the end of the last answer, so that the next one is the next request's."""
        left_over, _ = self._h11_state.trailing_data
        return not (self._unparsed or left_over or self._network_stream.get_extra_info("is_readable"))

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send the request, read the head of its answer. EnoughError when that goes beyond its bounds."""
        self._begin()
        return await super().handle_async_request(request)

    def _begin(self) -> None:
        self._bytes = self._steps = self._interim = self._lines = 0
        self._tail = b""

    async def _receive_event(self, timeout: float | None = None) -> h11.Event | type[h11.PAUSED]:  # noqa: ASYNC109 - httpcore's
        while True:
            self._steps += 1
            if self._steps > STEPS:
                raise EnoughError("the answer came in too many pieces")
            if self._steps % STEPS_PER_TURN == 0:
                await asyncio.sleep(0)
            try:
                event = self._h11_state.next_event()
            except h11.RemoteProtocolError as error:
                raise httpcore.RemoteProtocolError(str(error)) from error
            if event is h11.NEED_DATA:
                self._h11_state.receive_data(await self._next_piece(timeout))
                continue
            if isinstance(event, h11.InformationalResponse):
                self._interim += 1
                if self._interim > INTERIM_ANSWERS:
                    raise EnoughError("too many interim answers came before the answer")
            elif isinstance(event, h11.Response):
                self._lines = 0
            return event  # type: ignore[return-value] # not NEED_DATA, which mypy cannot tell

    async def _next_piece(self, timeout: float | None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """What h11 is given next: of a head no byte beyond its end, so that the lines of each are counted first."""
        in_head = self._h11_state.their_state is h11.SEND_RESPONSE
        data = self._unparsed or await self._network_stream.read(self.READ_NUM_BYTES, timeout=timeout)
        if not data and in_head:
            raise httpcore.RemoteProtocolError("the connection was closed without an answer")
        if not self._unparsed:
            self._bytes += len(data)
            if self._bytes > ANSWER_BYTES:
                raise EnoughError("the answer is too long")
        piece, self._unparsed = self._head_of(data) if in_head else (data, b"")
        self._lines += piece.count(b"\n")
        if self._lines > (HEAD_LINES if in_head else BODY_LINES):
            raise EnoughError("the answer has too many lines")
        return piece

    def _head_of(self, data: bytes) -> tuple[bytes, bytes]:
        """The data up to the end of the head in it, and the rest; a head may end across two reads."""
        seen = self._tail + data
        end = _BLANK_LINE.search(seen)
        if end is None:
            self._tail = seen[-_BLANK_LINE_BYTES + 1 :]
            return data, b""
        length = end.end() - len(self._tail)
        self._tail = b""
        return data[:length], data[length:]
