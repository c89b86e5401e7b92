"""One way to open an administrative connection to Kafka, with one clear error when there is no broker."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from greenlane.errors import GreenlaneError

CONNECT_SECONDS = 5.0
_DEFAULT_PORT = 9092


class KafkaUnreachableError(GreenlaneError):
    """No broker answers at the bootstrap servers; the text names them and the remedy."""


@contextmanager
def kafka_admin(bootstrap_servers: str) -> Iterator[KafkaAdminClient]:
    """An administrative client, closed at the end. Raises KafkaUnreachableError if no broker answers."""
    if not any(_accepts(address) for address in bootstrap_servers.split(",")):
        raise _unreachable(bootstrap_servers)
    try:
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers.split(","), bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000)
        )
    except KafkaError as error:
        raise _unreachable(bootstrap_servers) from error
    try:
        yield client
    finally:
        client.close()


def _accepts(address: str) -> bool:
    """Whether something listens there; asked first, for the client leaves a thread behind when it cannot connect."""
    host, _, port = address.strip().rpartition(":")
    try:
        with socket.create_connection(
            (host.strip("[]") or port, int(port) if host else _DEFAULT_PORT), CONNECT_SECONDS
        ):
            return True
    except (OSError, ValueError):
        return False


def _unreachable(bootstrap_servers: str) -> KafkaUnreachableError:
    return KafkaUnreachableError(
        f"No Kafka broker answers at {bootstrap_servers}. Start it (greenlane up), "
        "or correct GREENLANE_KAFKA_BOOTSTRAP_SERVERS."
    )
