"""HTTP/1.1 over one connection, as uvicorn speaks it, with limits on what a client may hold and for how long.

uvicorn limits idling between requests only (its issue 157 asks for the rest), and refuses the newest when it is full;
hypercorn and granian have no limit per client and close nobody for a newcomer either.
"""

import asyncio
import socket
import struct
from enum import Enum
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from greenlane.web.problems import MEDIA_TYPE, FieldProblem, problem_of
from greenlane.web.slots import CONNECTION, Slots

_NOT_HTTP = FieldProblem(
    field="request", problem="is not HTTP/1.1 with a head of at most 16 kB", remedy="correct or shorten it"
)

_DROP = struct.pack("ii", 1, 0)


class _Phase(Enum):
    """Whose turn it is; in every phase but ANSWERING it is the client's."""

    HEAD = "head"
    BODY = "body"
    ANSWERING = "answering"
    READING = "reading"


class BoundedProtocol(H11Protocol):
    """A connection with a slot among `slots`, closed when its client does not get on."""

    slots: ClassVar[Slots]

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.app_state = {**self.app_state, CONNECTION: self}
        self._stands: tuple[_Phase, object] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take a slot, or close at once when none can be had."""
        super().connection_made(transport)
        if not self.slots.enter(self, self.client[0] if self.client else ""):
            transport.abort()
            return
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the slot back."""
        self.slots.leave(self)
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        super().data_received(data)
        self._settle()

    def on_response_complete(self) -> None:
        """Wait for the next request, which may be here already."""
        super().on_response_complete()
        self._settle()

    def pause_writing(self) -> None:
        """The client does not read what it asked for."""
        super().pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._settle()

    def vouch(self, owner: str) -> None:
        """A key of this owner was shown here."""
        self.slots.vouch(self, owner)

    def make_room(self) -> None:
        """Close for a newcomer."""
        self._end()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn hands its own text over
        """Refuse what is not HTTP, and close."""
        self._refuse(HTTPStatus.BAD_REQUEST, _NOT_HTTP)

    def _settle(self) -> None:
        """Note whose turn it is; a turn that began keeps its deadline, however many bytes come."""
        phase = self._phase()
        if self._stands == (phase, self.cycle):
            return
        self._stands = (phase, self.cycle)
        self._disarm()
        if phase is _Phase.ANSWERING:
            self.slots.work(self)
            return
        self.slots.wait(self)
        if phase is not _Phase.BODY:  # the guard of the application times bodies, and can say so
            limits = self.slots.limits
            seconds = limits.reading if phase is _Phase.READING else limits.head
            self._deadline = self.loop.call_later(seconds, self._expire)

    def _phase(self) -> _Phase:
        if self.flow.write_paused or self.transport.is_closing():
            return _Phase.READING
        if self.cycle is None or self.cycle.response_complete:
            return _Phase.HEAD
        return _Phase.BODY if self.cycle.more_body else _Phase.ANSWERING

    def _expire(self) -> None:
        begun = bool(self.conn.trailing_data[0])
        if begun and not self.transport.is_closing() and not self.transport.get_write_buffer_size():
            remedy = f"send it within {self.slots.limits.head:g} s"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, FieldProblem(field="head", problem="took too long", remedy=remedy))
        self._end()

    def _refuse(self, status: HTTPStatus, problem: FieldProblem) -> None:
        """Answer without the application, and close."""
        body = problem_of(status, [problem]).model_dump_json().encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._settle()

    def _end(self) -> None:
        """Close; what the client has not read by now is dropped."""
        if self.transport.get_write_buffer_size():
            # without it the kernel goes on offering what it holds, for minutes
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP)
            self.transport.abort()
        else:
            self.transport.close()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bounded_by(slots: Slots) -> type[BoundedProtocol]:
    """The protocol whose connections share these slots."""
    return type("BoundedProtocolOfServer", (BoundedProtocol,), {"slots": slots})
