"""One way to open an administrative connection to Kafka, with one clear error when there is no broker."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from greenlane.errors import GreenlaneError

CONNECT_SECONDS = 5.0
POLL_SECONDS = 0.5
_DEFAULT_PORT = 9092


class KafkaUnreachableError(GreenlaneError):
    """No broker answers at the bootstrap servers; the text names them and the remedy."""


class ListenerUnreachableError(KafkaUnreachableError):
    """A broker answers, but the address that it advertises cannot be reached; the text names both."""


def refuse_unreachable_listeners(bootstrap_servers: str) -> None:
    """Raise ListenerUnreachableError if brokers answer but advertise only what cannot be reached from here.

    Every other request would wait for it in vain. Without any broker nothing is raised: some callers wait for one.
    """
    try:
        with kafka_admin(bootstrap_servers):
            return
    except ListenerUnreachableError:
        raise
    except KafkaUnreachableError:
        return


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
        _refuse_unreachable_listeners(bootstrap_servers, client)
        yield client
    finally:
        client.close()


def running_groups(admin: KafkaAdminClient, groups: Sequence[str], seconds: float) -> list[str]:
    """Those of the groups that still have members after waiting so long for all of them to end.

    A worker of a lasting name stays a member for a session after it has stopped.
    """
    deadline = time.monotonic() + seconds
    while running := sorted(
        name for name, group in admin.describe_groups(list(groups)).items() if group.get("members")
    ):
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return running


def _refuse_unreachable_listeners(bootstrap_servers: str, client: KafkaAdminClient) -> None:
    """Brokers tell their clients where to come back to; when that is nowhere, every request would hang."""
    # the client has no public way to its first metadata, and asking for them again goes to the advertised addresses
    brokers = client._manager.cluster.brokers()  # noqa: SLF001 - see above
    advertised = sorted({_address(broker.host, broker.port) for broker in brokers})
    if advertised and not any(_accepts(address) for address in advertised):
        raise ListenerUnreachableError(
            f"The Kafka broker at {bootstrap_servers} answers, but it advertises {', '.join(advertised)}, which cannot "
            "be reached from here. Correct advertised.listeners in the broker's settings (server.properties), or name "
            "a listener in GREENLANE_KAFKA_BOOTSTRAP_SERVERS whose advertised address this machine can reach."
        )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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
