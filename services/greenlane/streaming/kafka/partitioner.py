"""Which partition a key belongs to: the hash of Kafka's own producers, computed once per key."""

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Partition of a key among `partitions`, as the Java, Python and C clients' default partitioners compute it."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
