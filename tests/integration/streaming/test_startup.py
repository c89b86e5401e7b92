"""Before the first record: Kafka is waited for, and topics that do not fit the settings are refused with the remedy."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from greenlane.streaming import (
    EngineSettings,
    KafkaRecord,
    Outcome,
    SilentObserver,
    Stage,
    Store,
    StreamingError,
    run_stateful,
    run_stateless,
)

STAGE = Stage("toy", "toy_scorer", "0.1.0", "toy-1")


class Never:
    """A handler and a state that must not be reached."""

    def handle(self, records: Sequence[KafkaRecord]) -> Sequence[Outcome]:
        raise AssertionError(records)

    def restore(self, key: bytes, value: bytes) -> None:
        raise AssertionError(key, value)

    def changes(self) -> Sequence[tuple[bytes, bytes | None]]:
        raise AssertionError


def settings(servers: str, *topics: str, partitions: int = 2) -> EngineSettings:
    return EngineSettings(
        group_id="startup", bootstrap_servers=servers, topics=topics, partitions=partitions, stage=STAGE
    )


async def run(chosen: EngineSettings, **state: Any) -> None:
    stop, observer = asyncio.Event(), SilentObserver()
    if state:
        await run_stateful(chosen, Store(state["changelog"], lambda *_: Never()), observer, stop, lambda *_: None)
    else:
        await run_stateless(chosen, Never(), observer, stop, lambda *_: None)


async def waiting(chosen: EngineSettings) -> str:
    """Why a stateless service does not begin; it is stopped once it has said so."""
    stop, told = asyncio.Event(), list[str]()

    def ready(yes: bool, reason: str) -> None:
        assert not yes
        told.append(reason)
        stop.set()

    await run_stateless(chosen, Never(), SilentObserver(), stop, ready)
    return told[0]


async def test_a_source_with_another_number_of_partitions_is_waited_for(
    bootstrap_servers: str, topics: Callable[..., str]
) -> None:
    source = topics("source", 3)
    assert f"{source} has 3 partitions, the settings say 2" in await waiting(settings(bootstrap_servers, source))


async def test_a_state_is_refused_for_a_source_with_another_number_of_partitions(
    bootstrap_servers: str, topics: Callable[..., str]
) -> None:
    source, changelog = topics("source", 3), topics("changelog", 2)
    with pytest.raises(StreamingError, match=f"{source} has 3 partitions, the settings say 2"):
        await run(settings(bootstrap_servers, source), changelog=changelog)


async def test_a_source_that_does_not_exist_is_waited_for(bootstrap_servers: str) -> None:
    reason = await waiting(settings(bootstrap_servers, "absent"))
    assert "absent does not exist; `greenlane topics plan` shows what is missing" in reason


async def test_a_changelog_must_have_as_many_partitions_as_its_source(
    bootstrap_servers: str, topics: Callable[..., str]
) -> None:
    changelog = topics("changelog", 1)
    with pytest.raises(StreamingError, match=f"{changelog} has 1 partitions, the settings say 2"):
        await run(settings(bootstrap_servers, topics("source", 2)), changelog=changelog)


async def test_a_state_follows_one_topic_only(bootstrap_servers: str) -> None:
    with pytest.raises(StreamingError, match="exactly one source topic, not 2"):
        await run(settings(bootstrap_servers, "a", "b"), changelog="c")


async def test_an_absent_kafka_is_waited_for_until_told_to_stop() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{reserved.getsockname()[1]}"
        stop, told = asyncio.Event(), asyncio.Queue[tuple[bool, str]]()

        def ready(yes: bool, reason: str) -> None:
            told.put_nowait((yes, reason))

        running = asyncio.create_task(run_stateless(settings(server, "a"), Never(), SilentObserver(), stop, ready))
        async with asyncio.timeout(30):
            assert await told.get() == (False, f"no Kafka answers at {server}")
            assert await told.get() == (False, f"no Kafka answers at {server}")
            stop.set()
            await running
