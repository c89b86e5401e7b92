"""A marketplace's own list of parcels beside what stands in Kafka: what is missing, refused, doubled, and why."""
