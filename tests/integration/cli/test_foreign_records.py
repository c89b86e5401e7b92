"""Foreign records on the topics that commands read: named and left out, and never a traceback."""

import json

import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from greenlane.cli.app import app
from greenlane.contracts.dead_letters import (
    DeadLetter,
    DeadLetterCode,
    DeadLetterData,
    Failure,
    Origin,
    Problem,
    Processor,
    Redrive,
)
from greenlane.contracts.topics import (
    ASSESSMENTS,
    BADGE_DECISIONS,
    DEAD_LETTERS,
    SELLER_SCORES,
    declared_topics,
    fulfilment_topic,
)
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.topic_provisioning import apply

FOREIGN = [
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'{"id": "\x1b[2J"}',
    b"[" * 5_000,
    b'"\\ud800"',
    b"1" * 5_000,
    b'{"data": 1}',
]
COMMANDS = {
    SELLER_SCORES: ["scores"],
    BADGE_DECISIONS: ["decisions"],
    DEAD_LETTERS: ["dead-letters", "list"],
}


EVIL = fulfilment_topic("evil-vn")


def letter(
    identity: str, code: DeadLetterCode, raw_b64: str | None = "e30=", of: str | None = None, **origin: object
) -> bytes:
    place = {
        "topic": "greenlane.fulfilment.demo-vn.v1",
        "partition": 0,
        "offset": 0,
        "timestamp_ms": 1,
        "key_b64": None,
    }
    data = DeadLetterData(
        failure=Failure(
            stage="s", code=code, retriable=False, first_at_ms=1,
            messages=(Problem(path="\x1b]0;owned\x07", keyword="k", message="m"),),
        ),
        origin=Origin.model_validate(place | {"headers": ()} | origin),
        processor=Processor(service="s", version="1", method_version=METHOD_VERSION),
        raw_b64=raw_b64,
        redrive=Redrive(of=of),
    )  # fmt: skip
    return DeadLetter(source="/services/s", id=identity, data=data).model_dump_json().encode()


LETTERS = {
    "aa01": letter("aa01", DeadLetterCode.UNEXPECTED_ERROR),
    "aa02": letter("aa02", DeadLetterCode.NOT_JSON),
    "aa03": letter("aa03", DeadLetterCode.TOO_LARGE, None),
    "aa04": letter("aa04", DeadLetterCode.NULL_VALUE, None),
    "aa05": letter("aa05", DeadLetterCode.UNEXPECTED_ERROR, "no base64!"),
    "aa06": letter("aa06", DeadLetterCode.UNEXPECTED_ERROR, topic="greenlane.badge-decisions.v2"),
    "aa07": letter("aa07", DeadLetterCode.UNEXPECTED_ERROR, key_b64="no base64!"),
    "aa10": letter("aa10", DeadLetterCode.SCHEMA_VIOLATION, topic=ASSESSMENTS, key_b64="cnVsZXM="),
}


@pytest.fixture
def runner(fresh_kafka: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    apply(fresh_kafka, declared_topics(("demo-vn", "evil-vn")), 1, 1)
    producer = KafkaProducer(bootstrap_servers=fresh_kafka)
    for topic in COMMANDS:
        for number, value in enumerate(FOREIGN):
            producer.send(topic, value, key=f"{number}".encode() + b"\xff\x1b[2J", headers=[("h", b"\xff")])
    for name, value in LETTERS.items():
        producer.send(DEAD_LETTERS, value, key=name.encode())
    producer.flush()
    producer.close()
    monkeypatch.setenv("GREENLANE_KAFKA_BOOTSTRAP_SERVERS", fresh_kafka)
    monkeypatch.setenv("GREENLANE_MARKETPLACES", "demo-vn,evil-vn")
    monkeypatch.setenv("GREENLANE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    return CliRunner()


def test_foreign_records_hostile_letters_and_unknown_names_are_lines_and_never_a_traceback(
    runner: CliRunner, fresh_kafka: str
) -> None:
    for topic, words in COMMANDS.items():
        done = runner.invoke(app, words)
        assert (done.exit_code, done.exception) == (0, None), done.output
        assert f"{topic} partition 0 offset 0 is left out" in done.stderr
        assert f"{len(FOREIGN)} foreign records of {topic}" in done.stderr
        assert "\x1b" not in done.output
        assert done.stderr.count("\n") <= 8
    listed = [json.loads(line) for line in runner.invoke(app, ["dead-letters", "list", "--json"]).stdout.splitlines()]
    assert {item["id"] for item in listed} == set(LETTERS)
    limited = runner.invoke(app, ["dead-letters", "list", "--json", "--limit", "2"]).stdout.splitlines()
    assert len(limited) == 2
    answers = {
        ("scores", "--seller", "demo-vn/x"): "There is no seller demo-vn/x",
        ("dead-letters", "list", "--code", "not_jsn"): "Did you mean not_json?",
        ("dead-letters", "list", "--marketplace", "demo"): "demo-vn",
        ("dead-letters", "show", "aa03", "--raw"): "read them at greenlane.fulfilment.demo-vn.v1/0@0",
        ("dead-letters", "show", "aa04", "--raw"): "has no value",
        ("dead-letters", "show", "aa05", "--raw"): "no base64",
        ("dead-letters", "redrive", "aa02"): "correct the event at its source, or use --force",
        ("dead-letters", "redrive", "aa03", "--force"): "read them at",
        ("dead-letters", "redrive", "aa04", "--force"): "without key and value",
        ("dead-letters", "redrive", "aa05"): "no base64",
        ("dead-letters", "redrive", "aa06"): "no topic of this installation",
        ("dead-letters", "redrive", "aa07"): "no base64",
        ("dead-letters", "redrive", "aa10"): "only an adoption writes under the key of the rules",
    }
    for asked, answer in answers.items():
        done = runner.invoke(app, list(asked))
        assert done.exit_code == 1, (asked, done.output)
        assert answer in done.output.replace("\n", " "), (asked, done.output)
    dry = runner.invoke(app, ["dead-letters", "redrive", "--code", "unexpected_error", "--dry-run"])
    assert "1 would be appended, 3 left out" in dry.output
    batch = runner.invoke(app, ["dead-letters", "redrive", "--marketplace", "demo-vn"])
    assert "Appended to greenlane.fulfilment.demo-vn.v1/0@" in batch.output
    assert batch.output.endswith("1 appended, 5 left out\n")
    again = [runner.invoke(app, ["dead-letters", "redrive", "aa01"]).output for _ in range(6)]
    assert [f"re-drive {number} of 5" in text for number, text in enumerate(again, 2)] == [True] * 4 + [False] * 2
    assert "re-driven 5 times already" in again[-1]
    producer = KafkaProducer(bootstrap_servers=fresh_kafka)
    for number in range(5):  # somebody else's record says that it is of a letter that is not theirs
        producer.send(EVIL, b"x", headers=[("greenlane-redrive-of", b"aa08")])
        producer.send(DEAD_LETTERS, letter(f"ee{number}", DeadLetterCode.UNEXPECTED_ERROR, of="aa08", topic=EVIL))
    producer.send(DEAD_LETTERS, letter("aa08", DeadLetterCode.UNEXPECTED_ERROR))
    producer.send(DEAD_LETTERS, letter("aa09", DeadLetterCode.UNEXPECTED_ERROR, of="aa08"))
    producer.flush()
    producer.close()
    both = runner.invoke(app, ["dead-letters", "redrive", "--code", "unexpected_error"]).output
    assert "re-drive 1 of 5" in both
    assert "a later letter of the same bytes" in both
