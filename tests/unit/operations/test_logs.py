"""Logs: one JSON line per event, allowed fields only, and no text that may quote a payload."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, ValidationError

from greenlane.operations.embedded import EmbeddedServerError
from greenlane.operations.logs import configure_logging

CANARY = "canary-9f2c"


class Model(BaseModel):
    number: int


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging("INFO", stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)


def only(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    read: dict[str, Any] = json.loads(line)
    return read


def test_an_event_is_one_json_line_with_level_time_and_logger(lines: io.StringIO) -> None:
    structlog.get_logger("greenlane.clock").info("day_closed", marketplace="shop")
    line = only(lines)
    assert (line["event"], line["level"], line["logger"], line["marketplace"]) == (
        "day_closed",
        "info",
        "greenlane.clock",
        "shop",
    )
    assert line["timestamp"].endswith("Z")


def test_a_field_that_is_not_allowed_is_withheld_and_named(lines: io.StringIO) -> None:
    structlog.get_logger("greenlane").warning("refused", payload=CANARY, code="not_json")
    assert CANARY not in lines.getvalue()
    assert only(lines)["withheld"] == ["payload"]
    assert only(lines)["code"] == "not_json"


def test_standard_loggers_write_the_same_lines(lines: io.StringIO) -> None:
    logging.getLogger("greenlane.streaming").error("batch at %s failed", "topic[0]@7", extra={"value": CANARY})
    assert only(lines)["event"] == "batch at topic[0]@7 failed"
    assert CANARY not in lines.getvalue()


def test_an_exception_that_may_quote_a_payload_keeps_its_frames_but_not_its_text(lines: io.StringIO) -> None:
    try:
        Model.model_validate({"number": CANARY})
    except ValidationError:
        logging.getLogger("greenlane").exception("unexpected")
    assert CANARY not in lines.getvalue()
    assert "ValidationError" in only(lines)["exception"]
    assert "test_logs.py" in only(lines)["exception"]


def test_our_own_errors_and_those_of_the_network_keep_their_text_and_their_cause(lines: io.StringIO) -> None:
    try:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as error:
            raise EmbeddedServerError("Port 9092 is taken. Stop the other process.") from error
    except EmbeddedServerError:
        structlog.get_logger("greenlane").exception("start_failed")
    told = only(lines)["exception"]
    assert "Port 9092 is taken. Stop the other process." in told
    assert "Connection refused" in told


def test_chatty_libraries_are_heard_from_warning_on(lines: io.StringIO) -> None:
    logging.getLogger("aiokafka").info("joined group")
    logging.getLogger("kafka.conn").debug("sasl password")
    assert not lines.getvalue()
    logging.getLogger("aiokafka").warning("lost connection")
    assert only(lines)["logger"] == "aiokafka"
