"""A checkpoint: the accounts as they stand at an offset of each partition of the assessments topic, as one text file.

Canonical JSON, one object a line, in one order: the same accounts are the same bytes. The last line has the SHA-256 of
all lines before it. Days are UTC; offsets are those of the first record that the checkpoint does not contain.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from greenlane.contracts.assessments import FINAL_REVISION, Instant
from greenlane.contracts.rules import RulesAdopted
from greenlane.contracts.topics import ASSESSMENTS
from greenlane.errors import GreenlaneError
from greenlane.factors.rows import PolicyFile
from greenlane.methodology.sums import SUMS
from greenlane.methodology.vocabulary import BadgeLevel, Dimension

FORMAT = 1
"""Format of the file that this release writes and reads."""

_SUMS: dict[Dimension, tuple[str, ...]] = {dimension: sums._fields for dimension, sums in SUMS.items()}

Offset = Annotated[int, Field(ge=0)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]+$")]
Text = Annotated[str, Field(min_length=1)]


class CheckpointError(GreenlaneError):
    """A checkpoint cannot be made, read or used; the text says why and what to do."""


class Line(BaseModel):
    """Base of every line."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    order: ClassVar[tuple[str, ...]] = ()
    """Fields by which the lines of one kind are sorted."""


class Restated(Line):
    """Whose contributions were assessed again: the method of before, and the SHA-256 of its file."""

    method_version: str
    sha256: Digest


class Header(Line):
    """The first line. `recomputed` accounts were made of the log; `taken` ones are the aggregator's own, unproven.

    After a file that was `restated_from` another one, the log goes on with the adoption of `method_version`.
    """

    kind: Literal["checkpoint"] = "checkpoint"
    format: int = FORMAT
    topic: str = ASSESSMENTS
    topic_id: str
    partitions: int = Field(ge=1)
    accounts: Literal["recomputed", "taken"]
    method_version: str
    policy: str
    sums: dict[Dimension, tuple[str, ...]] = Field(
        default_factory=lambda: dict(_SUMS),
        description="the integers of a contribution, in their order",
    )
    restated_from: Restated | None = None


class OfPartition(Line):
    """Base of what is about one partition of the assessments topic."""

    partition: Offset


class PartitionRules(Line):
    """The rules that a partition's log adopted last, and the policies of marketplaces that close no day by them yet."""

    adopted: RulesAdopted
    older: dict[str, PolicyFile] = Field(default_factory=dict)

    @classmethod
    def of(cls, adopted: RulesAdopted, older: Mapping[str, PolicyFile]) -> "PartitionRules":
        """The same rules in the same form, whichever way they were kept."""
        differing = {name: older[name] for name in sorted(older) if older[name] != adopted.policy}
        return cls(adopted=adopted.with_marketplaces(()), older=differing)


class PartitionLine(OfPartition):
    """One partition: the first offset not contained, each marketplace's last closed day, and the rules, if any yet."""

    kind: Literal["partition"] = "partition"
    offset: Offset
    closed: dict[str, date]
    rules: PartitionRules | None = None
    order = ("partition",)


class SellerLine(OfPartition):
    """What is known of a seller beside its entries; `accepted` counts the records since the last closed day."""

    kind: Literal["seller"] = "seller"
    marketplace: Text
    seller_id: Text
    accepted: int = Field(ge=0)
    last_accepted_at: str = ""
    level: BadgeLevel = BadgeLevel.NONE
    streaks: tuple[int, int, int] = (0, 0, 0)
    days_below: int = 0
    warned_on: date | None = None
    order = ("partition", "marketplace", "seller_id")


class EntryLine(OfPartition):
    """The version that stands of a parcel in one dimension; without a contribution it was retracted."""

    kind: Literal["entry"] = "entry"
    marketplace: Text
    seller_id: Text
    parcel_id: Text
    dimension: Dimension
    revision: int = Field(ge=0, le=FINAL_REVISION)
    occurred_at: Instant
    event_id: str
    contribution: tuple[int, ...] | None
    order = ("partition", "marketplace", "seller_id", "parcel_id", "dimension")


class ScoreLine(OfPartition):
    """The score that stands of a seller: the record's value, to the byte.

    It is that of the last closed day. One that an earlier method stated may also be of the open day: it stands until
    the account moves.
    """

    kind: Literal["score"] = "score"
    marketplace: Text
    seller_id: Text
    statement: str
    order = ("partition", "marketplace", "seller_id")


class DecisionLine(Line):
    """A badge decision that was made: its id, and the SHA-256 of its key, a line feed and its value."""

    kind: Literal["decision"] = "decision"
    id: str
    sha256: Digest
    order = ("id",)


class FatesLine(Line):
    """What became of the records of a fulfilment partition from offset `first` on, as runs of (fate, records).

    Fates are assessed, duplicate, superseded, late, refused by the account, and unknown for the rest. Nobody checks
    what lies before `unchecked_before`.
    """

    kind: Literal["fates"] = "fates"
    topic: Text
    partition: Offset
    first: Offset
    unchecked_before: Offset = 0
    runs: tuple[tuple[str, int], ...]
    order = ("topic", "partition")


class RefusedLine(OfPartition):
    """A record of the assessments topic that is no account's, and of which no dead letter told yet."""

    kind: Literal["refused"] = "refused"
    offset: Offset
    raw: Digest | None
    bulky: bool
    code: str | None
    order = ("partition", "offset")


class BooksLine(Line):
    """What the recomputation found so far: harmless repeats, and every record that nothing explains."""

    kind: Literal["books"] = "books"
    repeats: int = Field(ge=0)
    unexplained: tuple[str, ...] = ()
    lacking: dict[str, int] = Field(default_factory=dict, description="made with factors or a method not at hand")


class EndLine(Line):
    """The last line: how many lines come before it, and the SHA-256 of their bytes."""

    kind: Literal["end"] = "end"
    lines: int = Field(ge=1)
    sha256: Digest


Content = PartitionLine | SellerLine | EntryLine | ScoreLine | DecisionLine | FatesLine | RefusedLine | BooksLine
_KINDS = tuple(
    model.model_fields["kind"].default
    for model in (
        PartitionLine, SellerLine, EntryLine, ScoreLine, DecisionLine, FatesLine, RefusedLine, BooksLine
    )
)  # fmt: skip
_LINE: TypeAdapter[Content] = TypeAdapter(Annotated[Content, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was read or is to be written; the lines stand in their order. Of what was read, the SHA-256."""

    header: Header
    lines: tuple[Content, ...]
    sha256: str = field(default="", compare=False)

    @classmethod
    def of(cls, header: Header, lines: Iterable[Content]) -> "Checkpoint":
        """The lines in their order."""
        return cls(header, tuple(sorted(lines, key=_place)))

    @property
    def offsets(self) -> dict[int, int]:
        """The first offset of each partition that the checkpoint does not contain."""
        return {line.partition: line.offset for line in self.lines if isinstance(line, PartitionLine)}

    def of_partition(self, partition: int) -> Iterator[Content]:
        """The lines about one partition of the assessments topic."""
        for line in self.lines:
            if isinstance(line, OfPartition) and line.partition == partition:
                yield line


def _place(line: Content) -> tuple[int, tuple[int | str, ...]]:
    return _KINDS.index(line.kind), tuple(getattr(line, name) for name in line.order)


def decision_digest(key: bytes | None, value: bytes | None) -> str:
    """What a checkpoint remembers of a badge decision's record."""
    return hashlib.sha256((key or b"") + b"\n" + (value or b"")).hexdigest()


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> str:
    """Write the file, have it on disk, read it again, and only then give it its name; returns its SHA-256.

    A kill leaves either the whole file or none of this name. Raises CheckpointError when what was written is not what
    can be read, OSError when it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    digest = hashlib.sha256()
    with part.open("wb") as file:
        for line in (checkpoint.header, *checkpoint.lines):
            raw = _bytes(line)
            digest.update(raw)
            file.write(raw)
        end = EndLine(lines=1 + len(checkpoint.lines), sha256=digest.hexdigest())
        file.write(_bytes(end))
        file.flush()
        os.fsync(file.fileno())
    if read_checkpoint(part) != checkpoint:
        raise CheckpointError(f"{part} does not read back as it was written; check the disk and run this again")
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return end.sha256


def read_checkpoint(path: Path, *, of_any_method: bool = False) -> Checkpoint:
    """Read and verify a file. Raises CheckpointError naming the file, what is wrong, and the remedy.

    `of_any_method`: contributions may have other sums than this release's.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}. Name the file of a checkpoint.") from None
    *lines, last = raw.split(b"\n")[:-1] if raw.endswith(b"\n") else [b"", b""]
    header = _header(path, lines[0] if lines else b"")
    if header.sums != _SUMS and not of_any_method:
        raise CheckpointError(
            f"{path} has the sums of method {header.method_version}, this release those of another method. Use the "
            "release that wrote it, or have `greenlane restate` assess its entries again."
        )
    try:
        end = EndLine.model_validate_json(last)
    except ValidationError:
        raise CheckpointError(f"{path} has no end: it was cut off. Use a whole copy of it.") from None
    body = raw[: len(raw) - len(last) - 1]
    if end.lines != len(lines) or end.sha256 != hashlib.sha256(body).hexdigest():
        raise CheckpointError(
            f"{path} was changed after it was written: its SHA-256 is {hashlib.sha256(body).hexdigest()}, its last "
            f"line says {end.sha256}. Use an unchanged copy of it."
        )
    content = tuple(_content(path, number, line) for number, line in enumerate(lines[1:], 2))
    checkpoint = Checkpoint(header, content, end.sha256)
    _refuse_incomplete(path, checkpoint)
    return checkpoint


def _header(path: Path, raw: bytes) -> Header:
    try:
        said = json.loads(raw)
        kind, version = said["kind"], said["format"]
    except (ValueError, KeyError, TypeError):
        kind, version = "", 0
    if kind != "checkpoint":
        raise CheckpointError(f"{path} is no checkpoint. Name a file that `greenlane checkpoint` has written.")
    if version != FORMAT:
        raise CheckpointError(
            f"{path} has format {version}, this release reads format {FORMAT}. Use the release that wrote it to make "
            "a new one, or a release that reads both."
        )
    try:
        return Header.model_validate_json(raw)
    except ValidationError as error:
        raise CheckpointError(f"{path} line 1: {_problem(error)}") from None


def _content(path: Path, number: int, raw: bytes) -> Content:
    try:
        return _LINE.validate_json(raw)
    except ValidationError as error:
        raise CheckpointError(f"{path} line {number}: {_problem(error)}") from None


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}. Use an unchanged copy of the file."


def _refuse_incomplete(path: Path, checkpoint: Checkpoint) -> None:
    places = [_place(line) for line in checkpoint.lines]
    wanted = list(range(checkpoint.header.partitions))
    if list(checkpoint.offsets) != wanted or places != sorted(set(places)):
        raise CheckpointError(
            f"{path} does not have each of its {len(wanted)} partitions and every line once, in their order. "
            "Use a file that `greenlane checkpoint` has written."
        )


def refuse_misfit(
    path: Path, checkpoint: Checkpoint, topic_id: str, spans: dict[int, tuple[int, int]], policy: str
) -> None:
    """Raise CheckpointError unless the log goes on where the checkpoint ends.

    `policy` is the one of a log that has adopted no rules; it must be the same unless every partition has some.
    `spans` has the first offset that each partition keeps and the offset after its last record.
    """
    header = checkpoint.header
    if header.topic_id != topic_id:
        raise CheckpointError(
            f"{path} is of another topic: of {header.topic} with the id {header.topic_id}, and the topic of this name "
            f"has the id {topic_id} now. Use a checkpoint of this topic."
        )
    if header.partitions != len(spans):
        raise CheckpointError(
            f"{path} has {header.partitions} partitions, {header.topic} has {len(spans)}. Use a checkpoint of this "
            "topic."
        )
    ruled = all(line.rules is not None for line in checkpoint.lines if isinstance(line, PartitionLine))
    if header.policy != policy and not ruled:
        raise CheckpointError(
            f"{path} was made under the policy {header.policy}, the settings name {policy}. Set GREENLANE_POLICY_FILE "
            "to the file that was used."
        )
    for partition, offset in checkpoint.offsets.items():
        first, end = spans[partition]
        if offset < first:
            raise CheckpointError(
                f"{path} ends before offset {offset} of {header.topic} partition {partition}, and the log begins at "
                f"{first}: the records between are in neither. Use a later checkpoint."
            )
        if offset > end:
            raise CheckpointError(
                f"{path} contains {header.topic} partition {partition} up to offset {offset}, and the log ends at "
                f"{end}: the topic lost its end. Use an earlier checkpoint that the log still reaches."
            )


def _bytes(line: BaseModel) -> bytes:
    document = line.model_dump(mode="json")
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
