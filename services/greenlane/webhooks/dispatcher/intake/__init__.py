"""From Kafka records to deliveries in PostgreSQL."""
