"""For those who receive webhooks: verify the signature, do the effect, then mark the id; keep the newest state.

Needs the standard library alone; `cryptography` only for keys that begin with `whpk_`.

A webhook may come several times, at once too, and out of order. `Receiver` answers every attempt rightly: the effect
comes first and the mark after it, so a failed effect is tried again; and both are one transaction when the effect
writes with the connection it is given. An effect elsewhere (another database, an e-mail) may happen again if this
process dies between the effect and the mark: at least once. Make such an effect idempotent by the event's `id`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

TOLERANCE_SECONDS = 300
MAX_SIGNATURES = 32
_SECRET_BYTES = (24, 64)
_PUBLIC_KEY_BYTES = 32
_MAX_TIMESTAMP_DIGITS = 12
_MAX_ID = 256

KEEP_SECONDS = 14 * 86_400.0
"""For which handled ids are kept: longer than a webhook is repeated.

The delays between attempts add up to 71 hours, a fifth more by chance, and a day more where a receiver's `Retry-After`
asks for it; a badge decision is repeated every day until its endpoint is disabled.
"""
WAIT_SECONDS = 10.0
"""For which an attempt waits while another one is handled; the sender waits 15 seconds for an answer."""

_TABLES = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS webhook_handled (id TEXT PRIMARY KEY, handled_at REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS webhook_handled_at ON webhook_handled (handled_at);
    CREATE TABLE IF NOT EXISTS webhook_newest (seller TEXT PRIMARY KEY, day TEXT NOT NULL, sequence INTEGER NOT NULL);
"""


class VerificationError(Exception):
    """A request is no genuine, fresh webhook: answer 401 and use nothing of it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A verified request; `timestamp` in seconds since 1970 UTC. `id` stays the same when a webhook is repeated."""

    id: str
    timestamp: int
    body: bytes

    def event(self) -> dict[str, Any]:
        """The CloudEvent in the body; VerificationError if it is none."""
        try:
            event = json.loads(self.body)
        except (ValueError, RecursionError):
            raise VerificationError("body: not JSON") from None
        if not isinstance(event, dict):
            raise VerificationError("body: not a JSON object")
        return event


def verify(
    headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: float, tolerance: float = TOLERANCE_SECONDS
) -> Webhook:
    """The webhook, if any one of its signatures was made with any one of `keys` within `tolerance` seconds of `now`.

    `keys` are `whsec_…` secrets or `whpk_…` public keys: several while keys are rotated. `body` must be the bytes as
    they were received. Header names may be in any case. Standard Webhooks 1.0.0, schemes v1 and v1a; signatures of
    unknown schemes are skipped. Raises VerificationError, or ValueError when a key is unusable.
    """
    verifiers = _verifiers(keys)
    lowered = {name.lower(): value for name, value in headers.items()}
    webhook_id = _header(lowered, "webhook-id")
    if len(webhook_id) > _MAX_ID:
        raise VerificationError(f"webhook-id: longer than {_MAX_ID} characters")
    timestamp = _timestamp(_header(lowered, "webhook-timestamp"))
    signatures = _header(lowered, "webhook-signature").split(" ")[:MAX_SIGNATURES]
    if abs(now - timestamp) > tolerance:
        raise VerificationError(f"webhook-timestamp: more than {tolerance:.0f} seconds from now; check both clocks")
    signed = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    if not any(verifier.made(signature, signed) for signature in signatures for verifier in verifiers):
        raise VerificationError("webhook-signature: none was made with a known key for these bytes")
    return Webhook(webhook_id, timestamp, body)


Effect = Callable[[dict[str, Any], sqlite3.Connection], object]
"""What a receiver does with an event. What it writes with the connection is kept together with the mark, or not at all.

It must not commit, and must be short: other attempts wait meanwhile. It leaves slow work to a table of its own.
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer: an HTTP status, and a text for the log of the sender."""

    status: int
    text: str = ""


class Receiver:
    """Verifies a request, does the effect, and only then marks the id.

    `keys` as in `verify`. Raises ValueError when a key is unusable.
    """

    def __init__(self, keys: Sequence[str], effect: Effect, inbox: "Inbox") -> None:
        self._keys = tuple(keys)
        self._effect = effect
        self._inbox = inbox
        _verifiers(self._keys)

    def reply(self, headers: Mapping[str, str], body: bytes, now: float) -> Reply:
        """Handle one request and tell what to answer.

        The effect is called once for each event that is newer than what was handled for its seller. If it raises,
        nothing is marked and the exception leaves: let the framework answer 500, and the sender tries again.
        """
        try:
            webhook = verify(headers, body, self._keys, now)
            event = webhook.event()
        except VerificationError as error:
            return Reply(401, str(error))
        try:
            with self._inbox.once(webhook.id, now) as turn:
                if turn.repeated or not _ordered(event):
                    return Reply(204)
                if turn.accept_if_newer(event):
                    self._effect(event, turn.database)
        except InboxBusyError as error:
            return Reply(503, str(error))
        except VerificationError as error:
            return Reply(422, str(error))
        return Reply(204)


class InboxBusyError(Exception):
    """Another attempt was handled for too long: answer 503, and the sender tries again."""


class Inbox:
    """What was handled: ids of webhooks, and the newest event of each seller, in an SQLite database.

    `path` names a file, which processes of one machine may share; ":memory:" is for trials, since a restart forgets
    it. Receivers on several machines keep the same two tables in the database that keeps their effects.
    """

    def __init__(
        self, path: str | Path = ":memory:", keep_seconds: float = KEEP_SECONDS, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._path = str(path)
        self._keep_seconds = keep_seconds
        self._wait_seconds = wait_seconds
        self._turn = threading.Lock()
        self._memory = self._connect() if self._path == ":memory:" else None
        with self._connection() as database:
            database.executescript(_TABLES)

    def close(self) -> None:
        """Forget what is in memory; a file needs no closing."""
        if self._memory is not None:
            self._memory.close()

    @contextmanager
    def once(self, webhook_id: str, now: float) -> Iterator["Turn"]:
        """One transaction, in which nobody else handles a webhook; the id is marked at its end.

        An exception inside undoes everything, so that the next attempt finds nothing done and nothing marked.
        Raises InboxBusyError when another attempt is handled for longer than `wait_seconds`.
        """
        with self._connection() as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise InboxBusyError(f"another attempt is being handled: {error}") from error
            try:
                database.execute("DELETE FROM webhook_handled WHERE handled_at < ?", (now - self._keep_seconds,))
                seen = database.execute("SELECT 1 FROM webhook_handled WHERE id = ?", (webhook_id,)).fetchone()
                yield Turn(database, repeated=seen is not None)
                if not database.in_transaction:
                    raise RuntimeError("the effect ended the transaction; leave commit and rollback to the inbox")
                database.execute("INSERT OR REPLACE INTO webhook_handled VALUES (?, ?)", (webhook_id, now))
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path, timeout=self._wait_seconds, isolation_level=None, check_same_thread=self._path != ":memory:"
        )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._memory is None:
            with closing(self._connect()) as database:
                yield database
        elif self._turn.acquire(timeout=self._wait_seconds):
            try:
                yield self._memory
            finally:
                self._turn.release()
        else:
            raise InboxBusyError("another attempt is being handled")


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt of one webhook. `repeated`: it was handled before, so answer 2xx and do nothing."""

    database: sqlite3.Connection
    repeated: bool

    def accept_if_newer(self, event: Mapping[str, Any]) -> bool:
        """As the function of this name, for what the inbox keeps; undone with everything else if the effect fails."""
        key, position = _place(event)
        row = self.database.execute("SELECT day, sequence FROM webhook_newest WHERE seller = ?", (key,)).fetchone()
        if row is not None and position <= tuple(row):
            return False
        self.database.execute("INSERT OR REPLACE INTO webhook_newest VALUES (?, ?, ?)", (key, *position))
        return True


def accept_if_newer(newest: MutableMapping[str, tuple[str, int]], event: Mapping[str, Any]) -> bool:
    """Whether the event is newer than what `newest` holds for its seller; if so `newest` is moved to it.

    Scores and badge decisions of a seller are ordered separately, each by (day, sequence). Never order by `time`: a
    correction's score carries the time of the parcel it corrects. Keep what was moved only if the effect succeeded.
    Raises VerificationError when the event has no such fields.
    """
    key, position = _place(event)
    if key in newest and position <= newest[key]:
        return False
    newest[key] = position
    return True


def _ordered(event: Mapping[str, Any]) -> bool:
    """Whether events of this type are of a seller and in order; a test and what may come later are neither."""
    return str(event.get("type")).partition(".")[0] in {"seller", "badge"}


def _place(event: Mapping[str, Any]) -> tuple[str, tuple[str, int]]:
    """The sequence of events to which this one belongs, and its place there: (day, sequence)."""
    try:
        data = event["data"]
        family = str(event["type"]).partition(".")[0]
        key, day, sequence = f"{family}:{data['marketplace']}/{data['seller_id']}", data["day"], data["sequence"]
        key.encode()
        good = type(sequence) is int and 0 <= sequence < 2**63 and date.fromisoformat(day).isoformat() == day
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise VerificationError("body: not a score or badge decision with marketplace, seller, day, sequence")
    return key, (day, sequence)


@dataclass(frozen=True, slots=True, repr=False)
class _Hmac:
    secret: bytes

    def made(self, signature: str, signed: bytes) -> bool:
        expected = b"v1," + base64.b64encode(hmac.digest(self.secret, signed, hashlib.sha256))
        return hmac.compare_digest(expected, signature.encode())


@dataclass(frozen=True, slots=True)
class _Ed25519:
    public: bytes

    def made(self, signature: str, signed: bytes) -> bool:
        # imported here so that users of whsec_ secrets need no package at all
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - optional dependency
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - optional dependency
            Ed25519PublicKey,
        )

        scheme, _, encoded = signature.partition(",")
        if scheme != "v1a":
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(base64.b64decode(encoded, validate=True), signed)
        except (InvalidSignature, binascii.Error):
            return False
        return True


def _verifiers(keys: Sequence[str]) -> list["_Hmac | _Ed25519"]:
    if not keys:
        raise ValueError("keys: give at least one whsec_ secret or whpk_ public key")
    return [_verifier(key) for key in keys]


def _verifier(key: str) -> _Hmac | _Ed25519:
    prefix, _, encoded = key.partition("_")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ValueError("keys: not base64 after the prefix; use the key as it was shown") from None
    if prefix == "whsec" and _SECRET_BYTES[0] <= len(raw) <= _SECRET_BYTES[1]:
        return _Hmac(raw)
    if prefix == "whpk" and len(raw) == _PUBLIC_KEY_BYTES:
        return _Ed25519(raw)
    raise ValueError("keys: expected whsec_ with 24 to 64 bytes or whpk_ with 32 bytes, in base64")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise VerificationError(f"{name}: missing")
    # servers hand other bytes over as latin-1, as surrogates or as they like; no genuine header has any
    if not (value.isascii() and value.isprintable()):
        raise VerificationError(f"{name}: has bytes that are not printable ASCII")
    return value


def _timestamp(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_TIMESTAMP_DIGITS):
        raise VerificationError("webhook-timestamp: not a whole number of seconds")
    return int(text)
