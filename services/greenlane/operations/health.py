"""One small HTTP server per process: metrics, whether it lives, and whether it is ready."""

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any, Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from greenlane.errors import GreenlaneError

SERVICE_PORTS = {
    "packaging_scorer": 9101,
    "delivery_scorer": 9102,
    "aggregator": 9103,
    "webhook_dispatcher": 9104,
    "clock": 9105,
    "webhook_api": 9107,
    "gateway": 9109,
    "outbox": 9110,
}
"""Where each service serves health and metrics unless GREENLANE_PORT says otherwise; 9106 is the API, 9108 events."""

HUNG_SECONDS = 30.0
BEAT_SECONDS = 0.1
_CONNECTIONS = 16
_REQUEST_SECONDS = 5.0


class HealthServerError(GreenlaneError):
    """The port cannot be served; the text says why and what to do."""


class Health:
    """What the process says of itself; `now` is a monotonic clock in seconds.

    The event loop calls `beat` about ten times a second; when it hangs for 30 s the process no longer counts as alive.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._beat_at = now()
        self._reasons: dict[str, str] = {"process": "starting"}
        self._lock = threading.Lock()

    def beat(self) -> None:
        """The event loop turns."""
        self._beat_at = self._now()

    def ready(self, is_ready: bool, reason: str, part: str = "process") -> None:
        """One part of the process is ready, or why not; the process is ready when no part objects."""
        with self._lock:
            self._reasons.pop(part, None)
            if not is_ready:
                self._reasons[part] = reason

    def stop(self) -> None:
        """Not ready from now on, whatever a part says: the process was asked to stop."""
        self.ready(is_ready=False, reason="stopping", part="signal")

    def live_answer(self) -> tuple[bool, dict[str, Any]]:
        """Whether the event loop turns; asks nobody else."""
        silent = self._now() - self._beat_at
        return silent < HUNG_SECONDS, {"live": silent < HUNG_SECONDS, "event_loop_silent_seconds": round(silent, 3)}

    def ready_answer(self) -> tuple[bool, dict[str, Any]]:
        """Whether every part is ready, with the reasons of those that are not."""
        with self._lock:
            reasons = dict(self._reasons)
        return not reasons, {"ready": not reasons, "reasons": reasons}


class HealthServer:
    """Serves /metrics, /healthz/live and /healthz/ready from its own threads; a context manager.

    Port 0 takes a free one; `port` and `url` say which. Raises HealthServerError when the port cannot be had.
    """

    def __init__(self, health: Health, registry: CollectorRegistry, host: str, port: int) -> None:
        try:
            self._server = _Server((host, port), _handler(health, registry))
        except OSError as error:
            raise HealthServerError(
                f"Cannot serve metrics and health on {host}:{port}: {error.strerror}. "
                "Stop the process that has the port, or set GREENLANE_PORT (0 takes a free one)."
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self.host = host
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        """Base address for people and scrapes."""
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Answers few connections at once, so that a flood cannot take the process's threads."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._slots = threading.BoundedSemaphore(_CONNECTIONS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle of an answer is no event of ours."""


def _handler(health: Health, registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_SECONDS
        server_version = "greenlane"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer one of the three paths."""
            path = self.path.partition("?")[0]
            if path == "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._send(HTTPStatus.OK, content_type, encode(registry))
            elif path == "/healthz/live":
                self._say(health.live_answer())
            elif path == "/healthz/ready":
                self._say(health.ready_answer())
            else:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", b"/metrics, /healthz/live or /healthz/ready\n")

        do_HEAD = do_GET  # noqa: N815 - the standard library finds it by this name

        def _say(self, answer: tuple[bool, dict[str, Any]]) -> None:
            status = HTTPStatus.OK if answer[0] else HTTPStatus.SERVICE_UNAVAILABLE
            self._send(status, "application/json", json.dumps(answer[1]).encode())

        def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Scrapes are not logged."""

    return Handler
