"""Which topics there are, how many partitions they have, and the ids by which a topic made anew is told from the old.

aiokafka asks for metadata in a version without topic ids; the request here is the first version that has them.
"""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any, NamedTuple
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_METADATA_KEY, _METADATA_VERSION = 3, 10
_PREFIX = "topic-id="


class KafkaTopic(NamedTuple):
    """A topic as it is now."""

    partitions: int
    topic_id: str


class _Uuid(AbstractType[bytes]):  # type: ignore[misc] # aiokafka has no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


class _MetadataResponse(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY, API_VERSION = _METADATA_KEY, _METADATA_VERSION
    SCHEMA = Schema(
        ("throttle_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("in_sync", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequest(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION = _METADATA_KEY, _METADATA_VERSION
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("cluster_operations", Boolean),
        ("topic_operations", Boolean),
        ("tags", TaggedFields),
    )


class _AskTopics(Request[_MetadataRequest]):  # type: ignore[misc] # aiokafka has no types
    API_KEY = _METADATA_KEY

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics: list[tuple[bytes, str, dict[int, bytes]]] = [(bytes(16), topic, {}) for topic in topics]

    def build(self, request_struct_class: type[_MetadataRequest]) -> _MetadataRequest:
        return request_struct_class(self._topics, False, False, False, {})


async def look_up(bootstrap_servers: str, topics: Iterable[str]) -> dict[str, KafkaTopic]:
    """Those of the topics that exist. Raises KafkaError when no broker answers, or answers with another error."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=10_000)
    try:
        await client.bootstrap()
        answer: Any = await client.send(client.get_random_node(), _AskTopics(topics))
    finally:
        await client.close()
    found: dict[str, KafkaTopic] = {}
    for error_code, name, topic_id, _, partitions, *_ in answer.topics:
        error = for_code(error_code)
        if error_code and error is not UnknownTopicOrPartitionError:
            raise error(name)
        if not error_code:
            found[name] = KafkaTopic(len(partitions), str(UUID(bytes=topic_id)))
    return found


def note_of(topic_id: str) -> str:
    """What stands in the metadata of a commit."""
    return f"{_PREFIX}{topic_id}" if topic_id else ""


def is_of_another(note: str, topic_id: str) -> bool:
    """Whether a commit was made on a topic of the same name that is no more. Commits without a note are taken."""
    return bool(topic_id) and note.startswith(_PREFIX) and note != note_of(topic_id)


class Sources(NamedTuple):
    """The topics that are read, with their ids, and those that are not, with the reason."""

    read: Mapping[str, str]
    refused: Mapping[str, str]


async def sources(bootstrap_servers: str, topics: Iterable[str], partitions: int) -> Sources:
    """Compare the topics with the number of partitions that the settings give. Raises KafkaError as `look_up`."""
    wanted = tuple(topics)
    found = await look_up(bootstrap_servers, wanted)
    read: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name in wanted:
        topic = found.get(name)
        if topic is None:
            refused[name] = f"{name} does not exist; `greenlane topics plan` shows what is missing"
        elif topic.partitions != partitions:
            refused[name] = f"{name} has {topic.partitions} partitions, the settings say {partitions}; make them agree"
        else:
            read[name] = topic.topic_id
    return Sources(read, refused)
