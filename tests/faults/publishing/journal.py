"""What a client knows, on its disk: what it began to send and every verdict. It survives a kill of the client."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

Word = Literal["accepted", "refused"]


class Verdict(NamedTuple):
    """What a road said of an event, and where it stands if the road said so."""

    word: Word
    partition: int = -1
    offset: int = -1


@dataclass
class Known:
    """What stands in a journal: how many events were begun, and all that was said of each, in its order."""

    begun: int = 0
    said: dict[int, list[Verdict]] = field(default_factory=dict)

    @property
    def open(self) -> list[int]:
        """Begun, and without a verdict."""
        return [number for number in range(self.begun) if number not in self.said]

    def take(self, line: str) -> None:
        """Read one line; a torn last one says nothing."""
        match line.split():
            case ["begun", count]:
                self.begun = max(self.begun, int(count))
            case ["accepted" | "refused" as word, number, partition, offset]:
                verdict = Verdict(word, int(partition), int(offset))
                self.said.setdefault(int(number), []).append(verdict)


def read(path: Path) -> Known:
    """The journal as it stands."""
    known = Known()
    if path.exists():
        for line in path.read_text(encoding="ascii").splitlines(keepends=True):
            if line.endswith("\n"):
                known.take(line)
    return known


class Journal:
    """The journal of a living client; each call is one write of the operating system, so a kill tears none."""

    def __init__(self, path: Path) -> None:
        self.known = read(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def begin(self, count: int) -> None:
        """Say, before anything is sent, that events up to this count may have been."""
        self._write([f"begun {count}\n"])

    def note(self, verdicts: dict[int, Verdict]) -> None:
        """Keep verdicts; a repeated one only where it says something else."""
        lines = [
            f"{verdict.word} {number} {verdict.partition} {verdict.offset}\n"
            for number, verdict in sorted(verdicts.items())
            if verdict not in self.known.said.get(number, ())
        ]
        self._write(lines)

    def _write(self, lines: list[str]) -> None:
        if lines:
            os.write(self._file, "".join(lines).encode("ascii"))
        for line in lines:
            self.known.take(line)
