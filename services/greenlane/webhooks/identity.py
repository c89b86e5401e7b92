"""What names a webhook, its order key and its shard."""

import hashlib
from typing import NamedTuple

from greenlane.webhooks.tables import SHARDS


def webhook_id(source: str, event_id: str) -> str:
    """The `webhook-id` of an event: for ever the same, free of dots, and never shared by two marketplaces."""
    return "msg_" + hashlib.sha256(f"{source}\n{event_id}".encode()).hexdigest()[:32]


def shard_of(endpoint_id: str) -> int:
    """The endpoint's shard, the same for ever."""
    return int.from_bytes(hashlib.sha256(endpoint_id.encode()).digest()[:8]) % SHARDS


class Key(NamedTuple):
    """An endpoint's order key: within it, deliveries follow each other."""

    endpoint_id: str
    order_key: str
