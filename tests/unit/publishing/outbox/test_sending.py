"""Batches of a partition go one after the other; behind one without an answer nothing is sent."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RequestTimedOutError, UnknownTopicOrPartitionError

from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.outbox.checking import Ready
from greenlane.publishing.outbox.sending import send


class Batch:
    """Takes two records."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def append(self, *, key: bytes, **_: Any) -> object:
        if len(self.keys) == 2:
            return None
        self.keys.append(key)
        return object()

    def close(self) -> None:
        """Nothing more comes in."""


class Client:
    """Answers each batch with the next of its answers, or with an acknowledgement."""

    def __init__(self, *answers: KafkaError | None, topic: KafkaError | None = None) -> None:
        self.answers, self.topic = list(answers), topic
        self.sent: list[list[bytes]] = []

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Any:
        assert (topic, partition) == ("t", 0)
        self.sent.append(batch.keys)
        answer = asyncio.get_running_loop().create_future()
        failure = self.answers.pop(0) if self.answers else None
        if failure is None:
            answer.set_result(None)
        else:
            answer.set_exception(failure)
        return answer

    async def partitions_for(self, topic: str) -> Iterable[int]:
        assert topic
        if self.topic is not None:
            raise self.topic
        return {0}


def ready(*keys: str) -> list[Ready]:
    return [Ready(number, RawRecord(key.encode(), b"{}")) for number, key in enumerate(keys, 1)]


async def test_what_comes_behind_a_lost_batch_is_not_sent() -> None:
    client = Client(None, RequestTimedOutError())
    done = await send(client, "t", ready("a", "b", "c", "d", "e"), 0)
    assert client.sent == [[b"a", b"b"], [b"c", b"d"]]
    assert done.sent == [1, 2]
    assert "RequestTimedOutError" in done.obstacle
    assert not done.refusals


async def test_a_record_that_the_topic_never_takes_is_named_and_its_neighbours_are_sent() -> None:
    client = Client(MessageSizeTooLargeError(), None, MessageSizeTooLargeError(), None)
    done = await send(client, "t", ready("a", "b", "c"), 0)
    assert client.sent == [[b"a", b"b"], [b"a"], [b"b"], [b"c"]]
    assert done.sent == [1, 3]
    assert "too_large: payload" in done.refusals[2]
    assert not done.obstacle


async def test_a_topic_that_is_not_there_is_told_with_the_remedy_and_nothing_is_sent() -> None:
    client = Client(topic=UnknownTopicOrPartitionError())
    done = await send(client, "t", ready("a"), 0)
    assert "greenlane topics apply" in done.obstacle
    assert (client.sent, done.sent) == ([], [])
    assert (await send(client, "t", [], 0)).obstacle == ""
