"""Reads what stands on a topic: what is no statement of ours is named by its place, left out, and counted."""

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from greenlane.cli.output import counted, notes
from greenlane.operations.topics_reader import TopicsReader
from greenlane.settings import Settings

Statement = TypeVar("Statement", bound=BaseModel)
NAMED = 5
"""Foreign records that are named one by one; the rest is counted."""


def read_statements(settings: Settings, topic: str, model: type[Statement]) -> Iterator[Statement]:
    """Every statement of the topic in its order; foreign records are named on standard error and left out."""
    return (statement for _, statement in _read(settings, topic, model) if statement is not None)


def latest_statements(settings: Settings, topic: str, model: type[Statement]) -> list[Statement]:
    """The statement that stands of each key, of those whose last record does not delete it."""
    latest = dict(_read(settings, topic, model))
    return [statement for statement in latest.values() if statement is not None]


def _read(settings: Settings, topic: str, model: type[Statement]) -> Iterator[tuple[bytes | None, Statement | None]]:
    """Key and statement of every record that is one of ours; None where the record deletes what stands."""
    foreign = 0
    with TopicsReader(settings.kafka_bootstrap_servers, [topic], lambda _read, _total: None) as reader:
        for record in reader.records(topic):
            if record.value is None:
                yield record.key, None
                continue
            try:
                statement = model.model_validate_json(record.value)
            except ValidationError as error:
                foreign += 1
                if foreign <= NAMED:
                    place = f"{topic} partition {record.partition} offset {record.offset}"
                    notes.print(f"{place} is left out, it is no {model.__name__}: {_reason(error)}", soft_wrap=True)
                continue
            yield record.key, statement
    if foreign > NAMED:
        notes.print(f"{counted(foreign, 'foreign record')} of {topic} in all were left out", soft_wrap=True)


def _reason(error: ValidationError) -> str:
    """The first thing wrong, by its field and without its value, which may be anything."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}" if field else str(first["msg"])
