"""YAML that people write by hand, refused where it would be read as something else than it looks like."""

import re
from typing import Any

import yaml

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_OTHER_NUMBER = re.compile(
    r"[-+]?(?:0[0-7_]+|0b[01_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*_[0-9_]*|[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)"
)
"""Whole numbers of YAML 1.1 that are not what they look like: 0123 is 83, and 12:00 is 720."""


class YamlTextError(ValueError):
    """The text says what is wrong, on which line, and what to do."""


def read_yaml_text(text: str) -> Any:
    """The content of one document.

    Raises YamlTextError for what is no YAML or too deep, for an alias (a short text can stand for a very long one), for
    a whole number that YAML reads as another one, and for a key that stands twice (YAML would drop the first).
    """
    try:
        _check(text)
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, in C where there is one
    except YamlTextError:
        raise
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date that no calendar has
        place = " ".join(str(error).split())[:200] or "too deep"
        raise YamlTextError(f"is not YAML: {place}; correct it there") from error


def _check(text: str) -> None:
    parts: list[_Part] = []
    for event in yaml.parse(text, Loader=_LOADER):
        line = "" if event.start_mark is None else f"line {event.start_mark.line + 1}: "
        if isinstance(event, yaml.AliasEvent):
            raise YamlTextError(f"{line}has a YAML alias (*name); write the part out")
        if isinstance(event, yaml.CollectionEndEvent):
            parts.pop()
            continue
        if isinstance(event, yaml.ScalarEvent):
            if event.implicit[0] and _OTHER_NUMBER.fullmatch(event.value):
                raise YamlTextError(f"{line}YAML reads {event.value[:24]} as another number; put it in quotation marks")
            if parts and parts[-1].repeats(event.value):
                raise YamlTextError(f"{line}has the key {event.value[:40]} a second time; keep one of the two")
        elif isinstance(event, yaml.CollectionStartEvent):
            if parts:
                parts[-1].takes_a_part()
            parts.append(_Part(isinstance(event, yaml.MappingStartEvent)))


class _Part:
    """One mapping or list while it is read: a mapping's keys and values take turns."""

    def __init__(self, is_mapping: bool) -> None:
        self._is_mapping, self._key_is_next = is_mapping, is_mapping
        self._keys: set[str] = set()

    def takes_a_part(self) -> None:
        self._key_is_next = self._is_mapping and not self._key_is_next

    def repeats(self, scalar: str) -> bool:
        is_key = self._key_is_next
        self.takes_a_part()
        if not is_key:
            return False
        known = scalar in self._keys
        self._keys.add(scalar)
        return known
