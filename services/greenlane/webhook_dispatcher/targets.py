"""Which URLs an endpoint may have: judged by their text here, by their address when they are dialled."""

import socket
from urllib.parse import urlsplit

from greenlane.webhook_dispatcher.addresses import may_dial
from greenlane.webhook_dispatcher.wrong_use import WebhookUseError

MAX_URL = 2048
_DEFAULT_PORT = 443


class TargetError(WebhookUseError):
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
        raise TargetError("must begin with https://", "webhooks carry sellers' figures, so serve the endpoint with TLS")
    if not parts.hostname or "%" in parts.netloc or "\\" in url:
        raise TargetError("needs a host name without zone ids or escapes", "write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise TargetError("must not contain a user or password", "verify the signature instead")
    if parts.fragment:
        raise TargetError("must not contain a fragment (#…), which would not be sent", "leave it out")
    if port not in {None, _DEFAULT_PORT} and not allow_private:
        raise TargetError(f"port {port} is not allowed", f"serve the endpoint on {_DEFAULT_PORT}")
    if not allow_private and not _may_be_dialled(parts.hostname):
        raise TargetError("is a literal address that is not public", "name a public host")
    return url


def _may_be_dialled(host: str) -> bool:
    """False for a literal in any notation that resolvers read, unless it is public; names are judged when dialled."""
    if ":" in host:
        return may_dial(host, allow_private=False)
    try:
        literal = socket.inet_aton(host)
    except OSError:
        return True
    return may_dial(socket.inet_ntoa(literal), allow_private=False)
