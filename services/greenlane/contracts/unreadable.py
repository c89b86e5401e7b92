"""What stands in a record for offsets that nobody can read, and how reading it is refused."""

from typing import Self

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal


class Unreadable(bytes):
    """The empty value of a record that stands for offsets nobody can read: `first_offset` up to the record's own."""

    first_offset: int
    last_offset: int
    reason: str

    def __new__(cls, first_offset: int, last_offset: int, reason: str) -> Self:
        """Empty bytes that know what is missing and why."""
        made = super().__new__(cls)
        made.first_offset, made.last_offset, made.reason = first_offset, last_offset, reason
        return made

    @property
    def offsets(self) -> int:
        """How many offsets it stands for."""
        return self.last_offset - self.first_offset + 1


def refuse_unreadable(value: bytes | None) -> None:
    """Raise the refusal of a value that stands for unreadable offsets; any other value passes."""
    if isinstance(value, Unreadable):
        raise Refusal.because(
            DeadLetterCode.UNREADABLE_BATCH,
            "",
            f"offsets {value.first_offset} to {value.last_offset} cannot be read: {value.reason}; publish "
            "these records again, with gzip, snappy, lz4, zstd or no compression",
        )
