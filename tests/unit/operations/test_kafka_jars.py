"""Kafka's jars are taken as they were tested, or not at all."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from greenlane.operations.embedded import classpath
from greenlane.operations.embedded.folder import EmbeddedServerError

NAME = "kafka-clients-4.3.1.jar"


def test_the_list_names_each_jar_once_with_its_digest() -> None:
    known = classpath._checksums()
    assert NAME in known
    assert all(len(digest) == 64 for digest in known.values())


def test_a_recorded_jar_that_was_changed_is_not_taken(tmp_path: Path) -> None:
    jar, record = tmp_path / NAME, tmp_path / "record.json"
    jar.write_bytes(b"PK another one")
    record.write_text(json.dumps([str(jar)]))
    assert classpath._recorded(record) is None


@pytest.mark.parametrize("name", [NAME, "never-heard-of-1.0.jar"])
def test_a_changed_jar_is_fetched_again_and_refused_when_it_comes_back_changed(tmp_path: Path, name: str) -> None:
    jar = tmp_path / name
    jar.write_bytes(b"PK changed on disk")

    def delivered() -> Path:
        assert not jar.exists(), "the changed one is gone before the download"
        jar.write_bytes(b"PK changed on the way")
        return jar

    artifact = SimpleNamespace(cached_path=jar, resolve=delivered)
    with pytest.raises(EmbeddedServerError, match=r"SHA-256 is not in kafka_jars\.sha256"):
        classpath._fetch(artifact)
