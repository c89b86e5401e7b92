"""Checks the events of a file one by one: refused, accepted, doubted; in strict mode the impossible is refused too."""

from collections.abc import Callable
from dataclasses import dataclass, field

from greenlane.contracts.dead_letters import Refusal
from greenlane.methodology.tables import Method
from greenlane.publishing.files.file_checks import FileChecks
from greenlane.publishing.files.plausibility import Doubt, doubts, refuse_impossible
from greenlane.publishing.files.reading import FileEvent

Where = Callable[[int], str]
"""A place in words, by its number; 0 is the whole."""


def in_file(line: int) -> str:
    """A place in a file, by its line."""
    return f"line {line}" if line else "the file"


@dataclass(slots=True)
class Checking:
    """Counts what a file holds; accepted + refused are all of its events."""

    method: Method
    strict: bool = False
    accepted: int = 0
    refused: int = 0
    warnings: int = 0
    _file: FileChecks = field(default_factory=FileChecks)

    def look(self, item: FileEvent, where: Where = in_file) -> tuple[Refusal | None, list[Doubt]]:
        """Why an event is refused, if it is, and otherwise what is improbable about it."""
        refusal = item.refusal
        if item.event is not None and self.strict:
            try:
                refuse_impossible(item.event, self.method)
            except Refusal as impossible:
                refusal = impossible
        if item.event is None or refusal is not None:
            self.refused += 1
            return refusal, []
        self.accepted += 1
        found = doubts(item.event, self.method) + self._file.look(item.line, item.event, where)
        self.warnings += len(found)
        return None, found

    def of_file(self) -> list[Doubt]:
        """What is improbable about the file as a whole; to be asked once, at its end."""
        found = list(self._file.finish())
        self.warnings += len(found)
        return found

    @property
    def repeated(self) -> int:
        """Events that stand in the file again with the same content."""
        return self._file.repeated
