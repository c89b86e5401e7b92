"""Hostile clients of the management API and hostile addresses of endpoints; each bounded in count and in time."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import httpx

HELD_SECONDS = 20.0

URLS = (
    "https://xn--a/", "https://xn--/", "https://\U0001f4e6.example/", "https://xn--a.example/", "https://\u00ad.example/",
    "https://.127.0.0.1/", "https://127.0.0.1./", "https://127..0.0.1/", "https://localhost../", "https://a..example/",
    "https://printer.local/", "https://vault.internal/", "https://a.localhost/", "https://a.onion/", "https://intranet/",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25lo]/", "https://169.254.169.254/latest/",
    "https://0x7f.1/", "https://user:secret@shop.example/", "https://shop.example:22/", "ftp://shop.example/",
    "https://shop.example/\r\nx: y", "https:///hooks", "https://", "", "https://shop.example:99999/", "//shop.example/",
    "https://" + "a" * 64 + ".example/", "https://" + "a." * 200 + "example/", "https://shop.example/" + "a" * 70_000,
    "https://\ud800.example/", "https://\u202eexample.test/", "javascript:alert(1)", "https://shop.example\\@127.0.0.1/",
)  # fmt: skip
"""Addresses that no endpoint may have."""


class Held(NamedTuple):
    """What an attack found: its name and every answer's status."""

    name: str
    statuses: tuple[int, ...]


def attacks(base: str, token: str) -> Iterator[Held]:
    """Every attack on the API at `base` by the holder of `token` or by somebody without one, one after the other.

    Addresses come first: later the holder has as many endpoints as it may have, and none is looked at any more.
    """
    for number, url in enumerate(URLS):
        yield Held(f"url.{number}", (_add(base, token, url),))
    for name, attack in ATTACKS.items():
        yield Held(name, attack(base, token))


def attack_names() -> list[str]:
    """The names of all attacks."""
    return [*ATTACKS, *(f"url.{number}" for number in range(len(URLS)))]


def _add(base: str, token: str, url: str) -> int:
    body = json.dumps({"url": url}).encode("utf-8", "replace")
    return _post(base, "/v1/endpoints", body, token)


def _post(base: str, path: str, body: bytes, token: str, **headers: str) -> int:
    sent = {"authorization": f"Bearer {token}", "content-type": "application/json", **headers}
    try:
        return httpx.post(base + path, content=body, headers=sent, timeout=30).status_code
    except httpx.HTTPError:
        return 0


def _sockets(base: str, count: int, first: bytes) -> tuple[int, ...]:
    """Open connections that send a beginning and then nothing; hold them for a while."""
    host, port = base.removeprefix("http://").split(":")
    with contextlib.ExitStack() as held:
        for _ in range(count):
            with contextlib.suppress(OSError):
                opened = held.enter_context(socket.create_connection((host, int(port)), 5))
                opened.sendall(first)
        time.sleep(HELD_SECONDS)
    return ()


def _dripping(base: str, _token: str) -> tuple[int, ...]:
    host, port = base.removeprefix("http://").split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 5) as opened:
        opened.sendall(b"GET /v1/endpoints HTTP/1.1\r\nhost: x\r\n")
        ends = time.monotonic() + HELD_SECONDS
        while time.monotonic() < ends:
            opened.sendall(b"a: b\r\n")
            time.sleep(0.5)
    return ()


def _times(count: int, call: Callable[[int], int]) -> tuple[int, ...]:
    return tuple(call(number) for number in range(count))


def _unknown_keys(base: str, _token: str) -> tuple[int, ...]:
    with httpx.Client(timeout=30) as client:
        return _times(
            400,
            lambda number: (
                client.get(
                    f"{base}/v1/endpoints", headers={"authorization": f"Bearer glk_{number:016x}_{'0' * 64}"}
                ).status_code
            ),
        )


def _raw(payload: bytes) -> Callable[[str, str], tuple[int, ...]]:
    def attack(base: str, token: str) -> tuple[int, ...]:
        host, port = base.removeprefix("http://").split(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 5) as opened:
            opened.settimeout(15)
            opened.sendall(payload.replace(b"TOKEN", token.encode()))
            answer = opened.recv(4_096)
            return (int(answer[9:12]) if answer[9:12].isdigit() else 0,)
        return (0,)

    return attack


_HEAD = b"POST /v1/endpoints HTTP/1.1\r\nhost: x\r\nauthorization: Bearer TOKEN\r\ncontent-type: application/json\r\n"
ATTACKS: dict[str, Callable[[str, str], tuple[int, ...]]] = {
    "client.idle_connections": lambda base, _token: _sockets(base, 260, b""),
    "client.half_requests": lambda base, _token: _sockets(base, 260, b"GET /v1/endpoints HTTP/1.1\r\nhost: x\r\n"),
    "client.half_bodies": lambda base, _token: _sockets(base, 60, _HEAD + b"content-length: 999\r\n\r\n{"),
    "client.dripping_headers": _dripping,
    "client.unknown_keys": _unknown_keys,
    "client.keys_for_invented_sellers": lambda base, token: _times(
        60, lambda number: _post(base, "/v1/keys", json.dumps({"seller_id": f"invented-{number}"}).encode(), token)
    ),
    "client.endpoints_on_one_url": lambda base, token: _times(
        140,
        lambda number: _post(
            base,
            "/v1/endpoints",
            json.dumps({"url": "https://shop.example/one", "seller_id": f"invented-{number}"}).encode(),
            token,
        ),
    ),
    "client.trailing_slash": _raw(b"GET /v1/endpoints/ HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"),
    "client.endless_chunks": _raw(
        _HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"ffff\r\n" + b" " * 65_535 + b"\r\n"
    ),
    "client.large_header": _raw(b"GET / HTTP/1.1\r\nhost: x\r\na: " + b"b" * 200_000 + b"\r\n\r\n"),
    "client.body_of_a_negative_length": _raw(_HEAD + b"content-length: -1\r\n\r\n"),
    "client.two_lengths": _raw(_HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
    "client.not_http": _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "client.bytes_in_the_token": _raw(
        b"GET /v1/endpoints HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \xff\xe9\r\n\r\n"
    ),
    "client.deep_json": lambda base, token: (_post(base, "/v1/endpoints", b"[" * 60_000, token),),
    "client.long_number": lambda base, token: (
        _post(base, "/v1/endpoints", b'{"url": ' + b"9" * 60_000 + b"}", token),
    ),
    "client.large_body": lambda base, token: (_post(base, "/v1/endpoints", b" " * 5_000_000, token),),
    "client.compressed_body": lambda base, token: (
        _post(base, "/v1/endpoints", b"\x1f\x8b\x08", token, **{"content-encoding": "gzip"}),
    ),
    "client.surrogates": lambda base, token: (_post(base, "/v1/endpoints", b'{"url": "\\ud800"}', token),),
    "client.nul_bytes": lambda base, token: (
        _post(base, "/v1/endpoints", b'{"url": "https://a.example/\\u0000"}', token),
    ),
}
"""Attacks on the API by name; each is over within a minute."""
