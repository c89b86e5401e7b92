"""The installation that method 1.0.0 left behind: its records and its checkpoint (`method_1_0_0/README.md`)."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from greenlane.contracts.checkpoints import Checkpoint, read_checkpoint
from greenlane.contracts.topics import fulfilment_topic

FOLDER = Path(__file__).with_name("method_1_0_0")
OLD = FOLDER / "old.checkpoint"
MARKET = "shop"
EVENTS = fulfilment_topic(MARKET)
APPENDED_MS = 1_790_000_000_000


@dataclass(frozen=True)
class Recorded:
    """A record as a consumer hands it over; it was appended after everything happened."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = APPENDED_MS


def records(topic: str | None = None) -> Iterator[Recorded]:
    """Every record of the installation, topic by topic, or those of one topic."""
    with gzip.open(FOLDER / "records.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            if topic not in {None, said["topic"]}:
                continue
            key, value = (None if said[name] is None else said[name].encode() for name in ("key", "value"))
            headers = tuple((name, text.encode()) for name, text in said["headers"])
            yield Recorded(said["topic"], said["partition"], said["offset"], key, value, headers)


def old_checkpoint() -> Checkpoint:
    """What the release with method 1.0.0 wrote."""
    return read_checkpoint(OLD, of_any_method=True)
