"""The outbox: a table in the shop's own database, and the process that moves its rows to Kafka."""
