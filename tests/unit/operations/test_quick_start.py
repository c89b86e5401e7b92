"""Kafka's classes are kept once, and where they cannot be, Kafka starts without them."""

from pathlib import Path

from greenlane.operations.embedded.folder import EmbeddedServerError
from greenlane.operations.embedded.quick_start import quick_start_options


def test_the_classes_are_recorded_once_and_used_from_then_on(tmp_path: Path) -> None:
    cache, recorded, told = tmp_path / "kafka.aot", list[Path](), list[str]()

    def record(part: Path) -> None:
        recorded.append(part)
        part.write_bytes(b"classes")

    for _ in range(2):
        assert quick_start_options(cache, record, told.append) == (f"-XX:AOTCache={cache}",)
    assert (len(recorded), len(told), cache.read_bytes()) == (1, 1, b"classes")


def test_a_java_that_cannot_is_asked_once_and_the_reason_is_told(tmp_path: Path) -> None:
    cache, told = tmp_path / "kafka.aot", list[str]()

    def refuse(_: Path) -> None:
        raise EmbeddedServerError("Unrecognized VM option 'AOTCacheOutput'")

    for _ in range(2):
        assert quick_start_options(cache, refuse, told.append) == ()
    assert "Unrecognized VM option" in told[1]
    assert len(told) == 2


def test_a_failure_that_may_pass_is_tried_again_at_the_next_start(tmp_path: Path) -> None:
    cache, tried = tmp_path / "kafka.aot", list[Path]()

    def fail(part: Path) -> None:
        tried.append(part)
        raise EmbeddedServerError("No space left on device")

    for _ in range(2):
        assert quick_start_options(cache, fail, lambda _: None) == ()
    assert len(tried) == 2


def test_what_an_interrupted_recording_left_behind_is_not_used(tmp_path: Path) -> None:
    cache = tmp_path / "kafka.aot"
    cache.with_name("kafka.aot.part").write_bytes(b"half")
    assert quick_start_options(cache, lambda _: None, lambda _: None) == ()
