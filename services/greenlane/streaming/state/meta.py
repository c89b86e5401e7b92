"""The row that says how far a partition's state has come, written in the same transaction as the state."""

from dataclasses import asdict, dataclass

import orjson

from greenlane.streaming.fatal import StreamingError

META_KEY = b"\x00meta"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Meta:
    """The state contains every source record up to offset `applied`; `partitions` is the source topic's count.

    `store` is chosen at random when a state is written for the first time and kept from then on: a state that was made
    anew has another. `topic` is the id of the source topic. A release that knows no `store` or `topic` writes none.
    """

    applied: int
    partitions: int
    store: str
    format: int = FORMAT
    topic: str = ""

    def encode(self) -> bytes:
        """The row's value."""
        return orjson.dumps(asdict(self))


def store_of(raw: bytes) -> str:
    """The store that a row of this key names, empty if it names none or cannot be read back."""
    try:
        named = orjson.loads(raw).get("store", "")
    except (ValueError, AttributeError):
        return ""
    return named if isinstance(named, str) else ""


def decode_meta(raw: bytes, partitions: int) -> Meta:
    """Read the row back; raises `StreamingError` if it cannot be, is of an unknown format or for other partitions."""
    try:
        fields = orjson.loads(raw)
        meta = Meta(
            fields["applied"], fields["partitions"], store_of(raw), fields["format"], str(fields.get("topic", ""))
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StreamingError(
            f"the row that says how far the state has come cannot be read back ({type(error).__name__}); "
            "make the state anew with `greenlane rebuild`"
        ) from error
    if meta.format != FORMAT:
        raise StreamingError(f"the state has format {meta.format}, this release reads {FORMAT}; use a newer one")
    if meta.partitions != partitions:
        raise StreamingError(
            f"the state was built from {meta.partitions} source partitions, there are {partitions} now; "
            "keys have moved and no state fits them: fill new topics from the beginning, then run `greenlane rebuild`"
        )
    return meta
