"""Declared errors: what an event takes back, and the revision of what stands in its stead."""

from greenlane.publishing.adapters.document import Field

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
        """How many events were corrected one after another until this one; 0 for the first. Raises PartRefused."""
        steps, seen = 0, {field["eventID"].text()}
        current = field
        while earlier := self._corrects.get(current["eventID"].text() or "", []):
            current, steps = earlier[0], steps + 1
            if current["eventID"].text() in seen:
                raise field["eventID"].refusal("corrects itself in a circle", "let errors name what corrects them once")
            if steps > _MOST_CORRECTIONS:
                raise field["eventID"].refusal(
                    f"was corrected over {_MOST_CORRECTIONS} times in this document", "send the last corrections alone"
                )
            seen.add(current["eventID"].text())
        return steps


def _declared(field: Field) -> bool:
    return not field["errorDeclaration"].absent


def _correctives(field: Field) -> list[str]:
    return [name.needed_text() for name in field.at("errorDeclaration", "correctiveEventIDs").entries()]
