"""Events on the publisher's own disk until Kafka has acknowledged them."""
