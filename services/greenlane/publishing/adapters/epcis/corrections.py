"""Declared errors: what an event takes back, and the revision of what stands in its stead."""

from greenlane.publishing.adapters.document import Field, PartRefused

_MOST_CORRECTIONS = 100


class Corrections:
    """The declared errors of a document; a corrective event has one revision more than what it corrects."""

    def __init__(self, fields: list[Field]) -> None:
        """`fields` are the document's events."""
        self._present = {name for field in fields if (name := field["eventID"].text()) and not _declared(field)}
        self._corrects: dict[str, list[Field]] = {}
        for field in fields:
            for corrective in _correctives(field):
                self._corrects.setdefault(corrective, []).append(field)
        self._known: dict[str, int] = {}
        self._behind: dict[str, set[str]] = {}
        self._declared = {name for field in fields if _declared(field) and (name := field["eventID"].text())}

    @staticmethod
    def is_erroneous(field: Field) -> bool:
        """Whether the event is declared to be an error."""
        return _declared(field)

    def is_corrected(self, field: Field) -> bool:
        """Whether the document has every event that corrects it. Raises PartRefused if it has not what it names."""
        named = field.at("errorDeclaration", "correctiveEventIDs")
        correctives = _correctives(field)
        if not all(name in self._present or name in self._declared for name in correctives):
            raise named.refusal(
                "names corrective events that are not in this document",
                "send what is wrong and what corrects it in one document",
            )
        return bool(correctives)

    def revision(self, field: Field) -> int:
        """How many events were corrected one after another until this one, by the longest way. Raises PartRefused."""
        steps = self._steps(field, field["eventID"].text(), frozenset())
        if steps > _MOST_CORRECTIONS:
            raise _too_many(field)
        return steps

    def behind(self, field: Field) -> set[str]:
        """The paths of all events that led to this one by corrections."""
        if field.path in self._behind:
            return self._behind[field.path]
        found: set[str] = set()
        waiting = [field]
        while waiting:
            for earlier in self._corrects.get(waiting.pop()["eventID"].text() or "", []):
                if earlier.path not in found:
                    found.add(earlier.path)
                    waiting.append(earlier)
        self._behind[field.path] = found
        return found

    def _steps(self, field: Field, name: str | None, later: frozenset[str]) -> int:
        if not name:
            return 0
        if name in later:
            raise field["eventID"].refusal("corrects itself in a circle", "let errors name what corrects them once")
        if len(later) > _MOST_CORRECTIONS:
            raise _too_many(field)
        if name not in self._known:
            earlier = [found["eventID"].text() for found in self._corrects.get(name, [])]
            self._known[name] = max((1 + self._steps(field, one, later | {name}) for one in earlier), default=0)
        return self._known[name]


def _too_many(field: Field) -> PartRefused:
    return field["eventID"].refusal(
        f"was corrected over {_MOST_CORRECTIONS} times in this document", "send the last corrections alone"
    )


def _declared(field: Field) -> bool:
    return not field["errorDeclaration"].absent


def _correctives(field: Field) -> list[str]:
    return [name.needed_text() for name in field.at("errorDeclaration", "correctiveEventIDs").entries()]
