"""The row that says how far a partition's state has come, written in the same transaction as the state."""

from dataclasses import asdict, dataclass

import orjson

from greenlane.streaming.fatal import StreamingError

META_KEY = b"\x00meta"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Meta:
    """The state contains every source record up to offset `applied`; `partitions` is the source topic's count."""

    applied: int
    partitions: int
    format: int = FORMAT

    def encode(self) -> bytes:
        """The row's value."""
        return orjson.dumps(asdict(self))


def decode_meta(raw: bytes, partitions: int) -> Meta:
    """Read the row back; raises `StreamingError` if it was written by an unknown format or for other partitions."""
    fields = orjson.loads(raw)
    if fields["format"] != FORMAT:
        raise StreamingError(f"the state has format {fields['format']}, this release reads {FORMAT}; use a newer one")
    if fields["partitions"] != partitions:
        raise StreamingError(
            f"the state was built from {fields['partitions']} source partitions, there are {partitions} now; "
            "keys have moved, rebuild it into a new topic with `greenlane recompute`"
        )
    return Meta(fields["applied"], fields["partitions"])
