"""What the engine does to Kafka itself: consuming, writing, asking for topics and offsets."""
