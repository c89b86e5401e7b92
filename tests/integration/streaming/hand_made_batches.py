"""Record batches made by hand, appended over the wire or laid into a stopped broker's log."""

import gzip
import struct
import time
from collections.abc import Sequence
from pathlib import Path

import cramjam
import lz4.frame
import zstandard
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c

Header = tuple[bytes, bytes]
COMPRESSORS = {
    0: bytes,
    1: gzip.compress,
    2: lambda data: bytes(cramjam.snappy.compress_raw(data)),
    3: lz4.frame.compress,
    4: zstandard.compress,
}
_AFTER_CRC = struct.Struct(">hiqqqhii")


def varint(value: int) -> bytes:
    number = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def record(delta: int, value: bytes, headers: Sequence[Header] = (), key: bytes = b"k") -> bytes:
    parts = b"\0" + varint(0) + varint(delta) + varint(len(key)) + key + varint(len(value)) + value
    parts += varint(len(headers))
    for name, content in headers:
        parts += varint(len(name)) + name + varint(len(content)) + content
    return varint(len(parts)) + parts


def records(values: Sequence[bytes]) -> bytes:
    return b"".join(record(delta, value) for delta, value in enumerate(values))


def batch(payload: bytes, count: int, codec: int = 0, base: int = 0, magic: int = 2, spoil: int = 0) -> bytes:
    """A batch around a payload that may be anything; `spoil` is added to its checksum."""
    now_ms = int(time.time() * 1000)  # an old time would be past the topic's retention
    after = _AFTER_CRC.pack(codec, max(count - 1, 0), now_ms, now_ms, -1, -1, -1, count) + payload
    crc = (calc_crc32c(after) + spoil) & 0xFFFFFFFF
    rest = struct.pack(">ibI", 0, magic, crc) + after
    return struct.pack(">qi", base, len(rest)) + rest


def compressed(values: Sequence[bytes], codec: int, base: int = 0) -> bytes:
    return batch(COMPRESSORS[codec](records(values)), len(values), codec, base)


async def append(bootstrap_servers: str, topic: str, made: bytes) -> str:
    """Send one batch to partition 0; the name of the broker's answer."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers)
    await client.bootstrap()
    try:
        client.add_topic(topic)
        await client.force_metadata_update()
        node = client.cluster.leader_for_partition(TopicPartition(topic, 0))
        answer = await client.send(node, ProduceRequest(None, -1, 10_000, [(topic, [(0, made)])]))
        name: str = for_code(answer.topics[0][1][0][1]).__name__
        return name
    finally:
        await client.close()


def lay_into_log(data_dir: Path, topic: str, made: Sequence[bytes]) -> None:
    """Write batches behind the records of partition 0, as a failing disk or a foreign tool would leave them."""
    (segment,) = (data_dir / "kafka" / "data" / f"{topic}-0").glob("*.log")
    with segment.open("ab") as log:
        for part in made:
            log.write(part)
