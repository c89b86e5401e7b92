"""Turns pydantic's findings into problems a marketplace engineer can act on: field, rule, remedy, never the value."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from greenlane.contracts.dead_letters import DeadLetterCode, Problem
from greenlane.contracts.events import PATTERN_WORDS
from greenlane.contracts.reading.known_fields import Unknown

MAX_PROBLEMS = 50
"""Most problems that are named of one record; how many more there are is said in one more."""

_REMEDIES: dict[str, str] = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not a field of this contract; remove it or check its spelling",
    "int_type": "must be a whole number, without quotes or decimals",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number without quotes",
    "finite_number": "must be a finite number, not NaN or Infinity",
    "string_type": "must be text, in quotes",
    "tuple_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "timezone_aware": "needs an offset, for example 2026-07-01T09:30:00+07:00",
    "date_parsing": "must be an RFC 3339 date, for example 2026-07-01",
    "leap_second": "has second 60, which RFC 3339 allows only at 23:59 UTC at the end of a month; write second 59",
    "json_invalid": "is not JSON in UTF-8; correct the syntax",
}

_BOUNDS: dict[str, str] = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_long": "has more than {max_length} entries; send at most that many",
    "too_short": "needs at least {min_length} entries",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "needs at least {min_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "enum": "must be one of {expected}",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}


def _message(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _REMEDIES:
        return _REMEDIES[kind]
    if kind == "string_pattern_mismatch" and context["pattern"] in PATTERN_WORDS:
        return f"must be {PATTERN_WORDS[context['pattern']]}"
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**context)
    if kind.startswith(("date_", "datetime_")):
        return "must be an RFC 3339 date-time, for example 2026-07-01T09:30:00+07:00"
    return f"breaks the rule {kind}; see the published schema"


def _path(item: ErrorDetails, skip: tuple[str, ...]) -> str:
    return ".".join(str(part) for part in item["loc"] if part not in skip)


def problems_of(error: ValidationError, skip: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    """The findings of `error` as problems, at most so many; `skip` names union tags to leave out of the paths."""
    details = error.errors(include_url=False, include_input=False)
    shown = details[: MAX_PROBLEMS + 1]
    found = tuple(
        Problem(path=_path(item, skip), keyword=item["type"], message=_message(item["type"], item.get("ctx", {})))
        for item in shown
    )
    found = tuple(item for item in found if not _is_consequence(item, found))
    return bounded(found, more=len(details) - len(shown))


def extra_fields(unknown: Unknown) -> tuple[Problem, ...]:
    """A problem for each of the fields that the contract lacks."""
    kind = "extra_forbidden"
    found = tuple(Problem(path=path, keyword=kind, message=_REMEDIES[kind]) for path in unknown.paths)
    return bounded(found, more=unknown.count - len(unknown.paths))


def bounded(problems: tuple[Problem, ...], more: int = 0) -> tuple[Problem, ...]:
    """At most `MAX_PROBLEMS` of them, and one that says how many others there are, `more` among them."""
    named = problems[:MAX_PROBLEMS]
    left_out = len(problems) - len(named) + more
    if not left_out:
        return named
    message = f"{left_out} more problems are not named; correct these first, then validate the event again"
    return (*named, Problem(path="", keyword="more_problems", message=message))


def _is_consequence(item: Problem, found: tuple[Problem, ...]) -> bool:
    """Whether a list only looks too short because entries of it were refused."""
    return item.keyword == "too_short" and any(other.path.startswith(f"{item.path}.") for other in found)


def code_of(problems: tuple[Problem, ...]) -> DeadLetterCode:
    """The closed reason that describes these problems best."""
    if any(item.keyword == "timezone_aware" for item in problems):
        return DeadLetterCode.NAIVE_TIME
    if any("." not in item.path and item.path not in {"", "data"} for item in problems):
        return DeadLetterCode.NOT_A_CLOUD_EVENT
    return DeadLetterCode.SCHEMA_VIOLATION
