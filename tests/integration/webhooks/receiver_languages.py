"""The receiver examples of other languages, each as the process that a reader of the example would start."""

import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from greenlane.operations.embedded.classpath import kafka_class_path
from greenlane.operations.embedded.folder import choose_port
from greenlane.operations.embedded.kafka import KAFKA_VERSION, LOG4J_VERSION

EXAMPLES = Path(__file__).parents[3] / "examples" / "webhook_receivers"
START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Language:
    """What a language's example needs on the path, where it comes from, and the command that starts the example."""

    programs: tuple[str, ...]
    remedy: str
    command: Callable[[int], list[str]]

    @property
    def here(self) -> bool:
        """Whether this machine has it."""
        return all(shutil.which(program) for program in self.programs)


def _java(_port: int) -> list[str]:
    """Jackson as a project of the reader's would have it from Maven; Kafka brings it along here."""
    jars = kafka_class_path(KAFKA_VERSION, LOG4J_VERSION, lambda _text: None)
    jackson = [str(jar) for jar in jars if jar.name.startswith(("jackson-databind", "jackson-core", "jackson-annot"))]
    return ["java", "-cp", os.pathsep.join(jackson), str(EXAMPLES / "Receiver.java")]


LANGUAGES = {
    "node": Language(("node",), "node 20", lambda _port: ["node", str(EXAMPLES / "receiver.mjs")]),
    "php": Language(
        ("php",), "php (php-cli)", lambda port: ["php", "-S", f"127.0.0.1:{port}", str(EXAMPLES / "receiver.php")]
    ),
    "java": Language(("java", "javac"), "a JDK of 17 or later (default-jdk-headless)", _java),
}


def missing_languages() -> list[str]:
    """What would have to be installed for the examples that do not run on this machine."""
    return [language.remedy for language in LANGUAGES.values() if not language.here]


@dataclass(slots=True)
class Example:
    """A running example and the folder of what it keeps."""

    port: int
    folder: Path

    def post(self, body: bytes, headers: Mapping[str, str | bytes]) -> int:
        """The status answered to one request; header values go out byte for byte."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("POST", "/hooks", body, dict(headers))
            return connection.getresponse().status

    def newest(self) -> list[bytes]:
        """Every event that was kept."""
        return [path.read_bytes() for path in sorted((self.folder / "newest").glob("*.json"))]

    def handled(self) -> int:
        """How many ids are marked."""
        return len(list((self.folder / "handled").iterdir()))

    @contextmanager
    def broken(self, name: str) -> Iterator[None]:
        """Inside, nothing can be written to this folder of the example, as on a failed disk."""
        folder, aside = self.folder / name, self.folder / f"{name}-aside"
        folder.rename(aside)
        folder.write_bytes(b"")
        try:
            yield
        finally:
            folder.unlink()
            aside.rename(folder)


@contextmanager
def running(name: str, keys: list[str], folder: Path) -> Iterator[Example]:
    """The example of this language with these keys, once it answers."""
    port = choose_port(0, "free some ports")
    environment = os.environ | {
        "GREENLANE_WEBHOOK_KEYS": " ".join(keys),
        "GREENLANE_WEBHOOK_DIR": str(folder),
        "PORT": str(port),
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(LANGUAGES[name].command(port), env=environment, stdout=output, stderr=output)
    try:
        example = Example(port, folder)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(example):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.05)
        yield example
    finally:
        process.terminate()
        process.wait(30)


def _answers(example: Example) -> bool:
    try:
        return example.post(b"", {}) == 401
    except OSError:
        return False
