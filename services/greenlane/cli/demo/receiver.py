"""The demo's webhook receiver: a small HTTP server on loopback that verifies every signature it is sent."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from greenlane.webhook_receiver import VerificationError, verify

MAX_BODY_BYTES = 1_048_576
PATIENCE_SECONDS = 10.0


class DemoReceiver:
    """Serves one path an endpoint. `verified` holds (path, CloudEvent id) of everything that verified."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: dict[str, str] = {}
        self.verified: set[tuple[str, str]] = set()
        self.counts: Counter[str] = Counter()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = PATIENCE_SECONDS

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length", "0"))
                body = self.rfile.read(min(size, MAX_BODY_BYTES))
                self.send_response(receiver.receive(self.path, dict(self.headers), body))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep standard error for progress."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        """Address of one endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def expect(self, path: str, secret: str) -> None:
        """Tell the receiver with which secret webhooks to this path must be signed."""
        with self._lock:
            self._secrets[path] = secret

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Verify one request; 204 when it verified, 401 when not, 503 while the secret is not known yet."""
        secret = self._secrets.get(path)
        if secret is None:
            return 503
        try:
            event = verify(headers, body, [secret], time.time()).event()
        except VerificationError:
            with self._lock:
                self.counts["refused"] += 1
            return 401
        with self._lock:
            self.verified.add((path, str(event.get("id"))))
            self.counts[str(event.get("type"))] += 1
        return 204
