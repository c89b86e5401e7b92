"""Whether a key stands twice, which a derived decoder overlooks: asked once for each frame of keys, then remembered."""

import json
from typing import Any

from greenlane.contracts.events import EVENT_MODELS

_MOST_FRAMES = 16_384
_LONGEST_FRAME = 4_096
_VARYING = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+- \t\r\n"
"""What is left out of a frame: bytes that make up most values and tell no two keys apart."""

_BACKSLASH = ord("\\")
"""As a number, for which bytes are searched ten times as fast as for bytes."""


def _names() -> frozenset[str]:
    schemas = [model.model_json_schema() for model in EVENT_MODELS.values()]
    parts = [part for schema in schemas for part in (schema, *schema["$defs"].values())]
    return frozenset(name for part in parts for name in part.get("properties", ()))


NAMES = _names()
"""Every key that a decoder of events accepts."""

if len({name.encode().translate(None, _VARYING) for name in NAMES}) != len(NAMES):
    raise TypeError("two fields differ only in what a frame leaves out")

_frames: set[bytes] = set()


def keys_stand_once(value: bytes, *ids: str) -> bool:
    """Whether no object in `value` has a key twice; False also where only the exact reader can tell.

    `value` is what a derived decoder of events accepted: all its keys are in `NAMES` and no text in it holds a quote.
    `ids` are texts in it that differ from event to event. Each leaves it once: where it stands again, the frame is one
    of its own.
    """
    if _BACKSLASH in value:
        value = value.replace(rb"\/", b"/")  # as PHP writes a slash
        if _BACKSLASH in value:
            return False
    for text in ids:
        if text in NAMES:
            return False
        value = value.replace(b'"%b"' % text.encode(), b'""', 1)
    frame = value.translate(None, _VARYING)
    if frame in _frames:
        return True
    try:
        json.loads(value, object_pairs_hook=_object)
    except ValueError:
        return False
    if len(frame) <= _LONGEST_FRAME:
        if len(_frames) >= _MOST_FRAMES:
            _frames.clear()
        _frames.add(frame)
    return True


def _object(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError
