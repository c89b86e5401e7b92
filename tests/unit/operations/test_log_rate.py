"""During an outage each kind of warning takes one line in ten seconds, and says how many it stands for."""

import io
import json
import logging
from typing import Any

import pytest
import structlog

from greenlane.operations.log_rate import OneLineInTenSeconds
from greenlane.operations.logs import configure_logging


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def record(message: str, *args: Any, level: int = logging.ERROR, name: str = "aiokafka") -> logging.LogRecord:
    return logging.LogRecord(name, level, "f.py", 1, message, args, None)


def test_an_outage_of_38_seconds_is_four_lines_a_kind(clock: Clock) -> None:
    rate, passed = OneLineInTenSeconds(clock), []
    for tick in range(380):
        clock.seconds = tick / 10
        for port in (9092, 9093):
            told = record("Unable connect to node with id %s: %s", port, "refused")
            passed += [told.getMessage()] if rate.filter(told) else []
        other = record(f"Failed fetch messages from {tick}: gone")
        passed += [other.getMessage()] if rate.filter(other) else []
    assert len(passed) == 8
    assert passed[-1] == "Failed fetch messages from 300: gone (99 lines of this kind left out)"
    assert "(199 lines of this kind left out)" in passed[-2]


def test_nothing_is_left_out_of_what_is_no_warning_or_ends_the_process(clock: Clock) -> None:
    rate = OneLineInTenSeconds(clock)
    for level in (logging.DEBUG, logging.INFO, logging.CRITICAL):
        assert all(rate.filter(record("the same", level=level)) for _ in range(5))


def test_kinds_are_bounded_and_loggers_are_kept_apart(clock: Clock) -> None:
    rate = OneLineInTenSeconds(clock)
    assert rate.filter(record("the same", name="faust"))
    assert rate.filter(record("the same", name="kafka"))
    for number in range(3_000):
        rate.filter(record("kind " + "x" * (number % 190) + chr(0x4E00 + number)))
    assert len(rate._passed) <= 500


def test_every_logger_goes_through_it() -> None:
    before, level = logging.getLogger().handlers, logging.getLogger().level
    out = io.StringIO()
    try:
        configure_logging("INFO", stream=out)
        for _ in range(50):
            logging.getLogger("aiokafka.cluster").error("Topic %s not found in cluster metadata", "t")
            structlog.get_logger("greenlane.webhook_dispatcher").warning("webhook intake waits for kafka", kind="X")
    finally:
        logging.getLogger().handlers = before
        logging.getLogger().setLevel(level)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        "Topic t not found in cluster metadata",
        "webhook intake waits for kafka",
    ]
