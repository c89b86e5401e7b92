"""Which URLs an endpoint may have: judged by their text here, by their address when they are dialled."""

import re
import socket
from urllib.parse import urlsplit

import idna

from greenlane.errors import WrongUseError
from greenlane.webhooks.addresses import may_dial

MAX_URL = 2048
_DEFAULT_PORT = 443
_FOR_A_TRIAL = "for a local trial set GREENLANE_WEBHOOK_ALLOW_PRIVATE_NETWORKS=true"
_LONGEST_SHOWN = 60
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE | re.ASCII)
_LONGEST_NAME = 253
NEVER_PUBLIC = ("local", "internal", "localhost", "onion", "home.arpa", "test", "invalid", "alt")
"""Special-use names that no public DNS answers (RFC 6761, 6762, 7686, 8375, 9476, and ICANN's `internal`).

`example` is none of them: documents use it, and it leads nowhere.
"""


class TargetError(WrongUseError):
    """A URL cannot be an endpoint; the text names the problem and the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__("url", problem, remedy)


def check_url(url: str, *, allow_private: bool) -> str:
    """The URL as it will be dispatched to; TargetError with the remedy if it may not be.

    With `allow_private` plain http and every port are allowed too: for demonstrations and tests only.
    """
    if (
        len(url) > MAX_URL
        or not url.isascii()
        or any(ord(character) <= 32 or ord(character) == 127 for character in url)
    ):
        raise TargetError(f"must be at most {MAX_URL} ASCII characters without spaces", "encode the others")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetError("host or port cannot be read", "write https://host/path") from None
    if parts.scheme not in ({"https", "http"} if allow_private else {"https"}):
        raise TargetError(f"{_shown(url)} must begin with https://", f"serve the endpoint with TLS; {_FOR_A_TRIAL}")
    if not parts.hostname or "%" in parts.netloc or "\\" in url:
        raise TargetError("needs a host name without zone ids or escapes", "write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise TargetError("must not contain a user or password", "verify the signature instead")
    if parts.fragment:
        raise TargetError("must not contain a fragment (#…), which would not be sent", "leave it out")
    if port not in {None, _DEFAULT_PORT} and not allow_private:
        raise TargetError(f"port {port} is not allowed", f"serve the endpoint on {_DEFAULT_PORT}; {_FOR_A_TRIAL}")
    if not allow_private and not _may_be_dialled(parts.hostname):
        problem = f"host {parts.hostname} is an IP address that is not public"
        raise TargetError(problem, f"name a public host; {_FOR_A_TRIAL}")
    if ":" not in parts.hostname:
        _check_name(parts.hostname, allow_private=allow_private)
    return url


def _shown(url: str) -> str:
    return url if len(url) <= _LONGEST_SHOWN else f"{url[:_LONGEST_SHOWN]}…"


def _check_name(host: str, *, allow_private: bool) -> None:
    name = host.removesuffix(".")
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise TargetError(
            f"host {host} is no host name",
            f"write letters, digits and - in labels of 1 to 63 characters, at most {_LONGEST_NAME} altogether",
        )
    for label in labels:
        if label.lower().startswith("xn--") and not _comes_back(label):
            raise TargetError(f"host {host} has the label {label}, which IDNA cannot read", "correct the label")
    if allow_private:
        return
    if any(name.lower() == special or name.lower().endswith(f".{special}") for special in NEVER_PUBLIC):
        raise TargetError(f"host {host} has a name that no public DNS answers", "name a public host")
    if len(labels) == 1:
        raise TargetError(f"host {host} is a single label, which no public DNS answers", "name a public host")
    if labels[-1].isdigit() and not _is_literal(name):
        raise TargetError(f"host {host} ends in a number and is no address", "name a public host")


def _comes_back(label: str) -> bool:
    """Whether an encoded label survives being decoded and encoded again, as it is whenever a request is made."""
    try:
        return idna.encode(idna.decode(label)).decode("ascii") == label.lower()
    except idna.IDNAError:
        return False


def _is_literal(host: str) -> bool:
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def _may_be_dialled(host: str) -> bool:
    """False for a literal in any notation that resolvers read, unless it is public; names are judged when dialled."""
    if ":" in host:
        return may_dial(host, allow_private=False)
    try:
        literal = socket.inet_aton(host.removesuffix("."))
    except OSError:
        return True
    return may_dial(socket.inet_ntoa(literal), allow_private=False)
