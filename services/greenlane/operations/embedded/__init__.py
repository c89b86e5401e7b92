"""Real Kafka and PostgreSQL servers as child processes, from package registries alone."""

from greenlane.operations.embedded.folder import EmbeddedServerError
from greenlane.operations.embedded.kafka import KAFKA_VERSION, EmbeddedKafka
from greenlane.operations.embedded.postgres import EmbeddedPostgres

__all__ = ["KAFKA_VERSION", "EmbeddedKafka", "EmbeddedPostgres", "EmbeddedServerError"]
