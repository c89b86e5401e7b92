"""Fast decoders derived from the pydantic models: what they accept is what the model accepts, with the same values.

They may refuse more than the model does (unknown fields, unusual spellings of a date): whoever uses one asks the model
for everything that it refuses, for the value or for the reasons. A model they cannot follow exactly is a TypeError.
"""

from collections.abc import Callable
from datetime import date
from enum import Enum
from functools import cache
from types import FunctionType, NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from greenlane.contracts.times import RFC3339_DATE

REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a derived decoder raises."""

TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])\Z"
)
"""An aware time as everybody writes it. It stays a text, whose bounds and calendar are left to the reader."""

_PLAIN = frozenset({str, int, float, bool, date, NoneType})
_BOUNDS = {Ge: "ge", Gt: "gt", Le: "le", Lt: "lt", MinLen: "min_length", MaxLen: "max_length"}


@cache
def struct_of(model: type[BaseModel], *required: str) -> Any:
    """The model as a struct type: its fields and rules, methods and properties, in the same order.

    Fields named in `required` are so even if the model has a default for them.
    """
    decorators = model.__pydantic_decorators__
    others = (decorators.validators, decorators.field_validators, decorators.root_validators)
    if any(others) or any(found.info.mode != "after" for found in decorators.model_validators.values()):
        raise TypeError(f"{model.__name__}: only model validators that run after the fields can be followed")
    fields = [
        (name, _annotated(field.annotation, field.metadata), *_default(field, required=name in required))
        for name, field in model.model_fields.items()
    ]
    namespace = _behaviour(model) | _checks([found.func for found in decorators.model_validators.values()])
    return msgspec.defstruct(
        model.__name__, fields, namespace=namespace, kw_only=True, forbid_unknown_fields=True, gc=False
    )


def decoder_of(model: type[BaseModel], *required: str) -> msgspec.json.Decoder[Any]:
    """Decodes JSON bytes into `struct_of` the model. Raises one of REFUSED."""
    return msgspec.json.Decoder(struct_of(model, *required))


def _default(field: FieldInfo, *, required: bool) -> tuple[Any, ...]:
    if required or field.is_required():
        return ()
    if field.default_factory is not None:
        raise TypeError(f"{field!r}: a default that is made anew cannot be followed")
    return (field.default,)


def _annotated(annotation: Any, metadata: list[Any]) -> Any:
    if annotation is AwareDatetime:
        return Annotated[str, msgspec.Meta(pattern=TIME_PATTERN)]
    followed, limits = _type(annotation), _limits(metadata)
    return Annotated[followed, msgspec.Meta(**limits)] if limits else followed


def _type(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(arguments[0], list(arguments[1:]))
    if origin in {Union, UnionType}:
        return Union[tuple(_type(item) for item in arguments)]  # noqa: UP007 - made of a list
    if origin is tuple and arguments[1:] == (...,):
        return tuple[_type(arguments[0]), ...]  # type: ignore[misc] # a type made at run time
    if origin is dict and arguments[0] is str:
        return dict[str, _type(arguments[1])]  # type: ignore[misc] # a type made at run time
    if origin is Literal or annotation in _PLAIN or issubclass(annotation, Enum):
        return annotation
    if issubclass(annotation, BaseModel):
        return struct_of(annotation)
    raise TypeError(f"{annotation!r} cannot be followed")


def _limits(metadata: list[Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for item in metadata:
        if isinstance(item, FieldInfo):
            limits |= _limits(item.metadata)
        elif type(item) in _BOUNDS:
            limits[_BOUNDS[type(item)]] = getattr(item, _BOUNDS[type(item)])
        elif getattr(item, "pattern", None) is not None:
            limits["pattern"] = _pattern(item.pattern)
        elif item is not RFC3339_DATE and not hasattr(item, "allow_inf_nan"):  # neither is JSON
            raise TypeError(f"{item!r} cannot be followed")
    return limits


def _pattern(pattern: str) -> str:
    # Python's $ also matches before a last line feed and its \d every script's digits: pydantic's $ does not.
    if not (pattern.startswith("^") and pattern.endswith("$")) or "$" in pattern[:-1]:
        raise TypeError(f"the pattern {pattern} cannot be followed: it has to be about the whole text")
    return pattern[:-1].replace(r"\d", "[0-9]") + r"\Z"


def _behaviour(model: type[BaseModel]) -> dict[str, Any]:
    own = [base for base in reversed(model.__mro__) if issubclass(base, BaseModel) and base is not BaseModel]
    return {
        name: member
        for base in own
        for name, member in vars(base).items()
        if isinstance(member, FunctionType | property) and not name.startswith(("_", "model_"))
    }


def _checks(validators: list[Callable[[Any], Any]]) -> dict[str, Any]:
    if not validators:
        return {}
    if len(validators) == 1:
        return {"__post_init__": validators[0]}

    def check(self: Any) -> None:
        for validator in validators:
            validator(self)

    return {"__post_init__": check}
