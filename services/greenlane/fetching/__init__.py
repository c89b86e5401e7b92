"""Reading Kafka with either client so that no batch that cannot be decoded stops the records behind it."""
