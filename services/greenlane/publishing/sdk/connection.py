"""Opens and closes kafka-python's producer, with one clear error when there is no broker or no topic."""

import socket
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from greenlane.publishing.sdk.receipts import PublisherUnavailable

_SECONDS = 5.0
"""Longest wait for a connection, for the topic's partitions, and for the client's thread to end."""

_DEFAULT_PORT = 9092


_FOR_EVER_MS = 2**31 - 1


def connect(bootstrap_servers: str, topic: str, deadline: float, *, lasting: bool = False) -> Any:
    """A producer that knows the partitions of `topic`; `deadline` (seconds) bounds the life of a record in it.

    In a `lasting` one no record ever expires: it is sent again until it is acknowledged or the producer is given up.
    Raises PublisherUnavailable when no broker answers or the topic does not exist.
    """
    addresses = [address.strip() for address in bootstrap_servers.split(",")]
    if not any(_listens(address) for address in addresses):
        raise _unreachable(bootstrap_servers)
    clients: list[Any] = []

    def client(**settings: Any) -> Any:
        clients.append(KafkaNetClient(**settings))
        return clients[0]

    try:
        producer = KafkaProducer(
            kafka_client=client,
            bootstrap_servers=addresses,
            acks="all",
            enable_idempotence=True,
            linger_ms=20,
            batch_size=65_536,
            max_block_ms=int(_SECONDS * 1000),
            bootstrap_timeout_ms=int(_SECONDS * 1000),
            delivery_timeout_ms=_FOR_EVER_MS if lasting else int(deadline * 1000) + 100,
            request_timeout_ms=int(deadline * 500),
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
    except KafkaError as error:
        for opened in clients:  # the constructor leaves its sockets open when it fails
            opened.close()
        raise _unreachable(bootstrap_servers) from error
    try:
        producer.partitions_for(topic)
    except KafkaError as error:
        disconnect(producer, abandon=True)
        raise PublisherUnavailable(
            f"Kafka at {bootstrap_servers} has no topic {topic} ({type(error).__name__}); create it with: "
            "greenlane topics apply"
        ) from error
    return producer


def disconnect(producer: Any, *, abandon: bool) -> None:
    """End the connection; records that still wait are dropped if `abandon`."""
    if abandon:
        # with records left, close() raises and its thread runs on
        producer._sender.force_close()  # noqa: SLF001 - kafka-python 3.0.12 offers no public way to abandon records
        producer._sender.join(_SECONDS)  # noqa: SLF001 - the thread drops the records as it ends
    producer.close(timeout=_SECONDS)


def _listens(address: str) -> bool:
    """Whether something listens there; asked first, for the client leaves sockets open when it cannot connect."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]") or port, int(port) if host else _DEFAULT_PORT), _SECONDS):
            return True
    except (OSError, ValueError):
        return False


def _unreachable(bootstrap_servers: str) -> PublisherUnavailable:
    return PublisherUnavailable(f"no Kafka answers at {bootstrap_servers}; start it or correct the address")
