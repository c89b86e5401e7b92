"""Takes out of a document what its model knows: the rest is dropped before anything is written, counted and named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import BaseModel

_MOST_NAMES = 20
_LONGEST_NAME = 64


class Shape(NamedTuple):
    """An object's fields, or a list of such objects of which so many are looked at."""

    fields: Mapping[str, "Shape | None"]
    entries: int | None


@dataclass(slots=True)
class Unknown:
    """Fields that the model lacks: how many there are, and the dotted paths of the first ones."""

    count: int = 0
    paths: list[str] = field(default_factory=list)

    def note(self, names: list[str], path: str) -> None:
        """These names below `path` are unknown."""
        self.count += len(names)
        room = max(0, _MOST_NAMES - len(self.paths))
        self.paths += [f"{path}{name[:_LONGEST_NAME]}" for name in names[:room]]


def known_fields(document: dict[str, Any], model: type[BaseModel], unknown: Unknown) -> Any:
    """What of `document` the model has a field for; `unknown` is told of the rest.

    Nothing else that the model would refuse changes its reason: a list that is too long stays too long by one, and
    where no list or object belongs an empty one stands for it. So what is left is as bounded as the model itself.
    """
    return _known(document, _shape(model), unknown, "")


def _known(value: Any, shape: Shape | None, unknown: Unknown, path: str) -> Any:
    if shape is not None and isinstance(value, list) and shape.entries is not None:
        each = Shape(shape.fields, None)
        return [_known(item, each, unknown, f"{path}{place}.") for place, item in enumerate(value[: shape.entries])]
    if shape is not None and isinstance(value, dict) and shape.entries is None:
        fields = shape.fields
        if strange := [name for name in value if name not in fields]:
            unknown.note(strange, path)
        return {
            name: _known(item, fields[name], unknown, f"{path}{name}.")
            for name, item in value.items()
            if name in fields
        }
    return type(value)() if isinstance(value, list | dict) else value


@cache
def _shape(model: type[BaseModel]) -> Shape:
    fields = {name: _shape_of(found.annotation, found.metadata) for name, found in model.model_fields.items()}
    return Shape(MappingProxyType(fields), None)


def _shape_of(annotation: Any, metadata: list[Any]) -> Shape | None:
    """The shape of a field; None for one that holds a plain value. Raises TypeError for a list without a bound."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        constraints = [item for wrapped in arguments[1:] for item in getattr(wrapped, "metadata", [wrapped])]
        return _shape_of(arguments[0], [*constraints, *metadata])
    if origin in {Union, UnionType}:
        found = [shape for item in arguments if (shape := _shape_of(item, metadata)) is not None]
        return found[0] if found else None
    if origin is tuple and isinstance(arguments[0], type) and issubclass(arguments[0], BaseModel):
        most = next((item.max_length for item in metadata if isinstance(item, MaxLen)), None)
        if most is None:
            raise TypeError(f"{annotation!r}: a list of objects needs a bound")
        return Shape(_shape(arguments[0]).fields, most + 1)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _shape(annotation)
    return None
