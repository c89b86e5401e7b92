"""Media types as HTTP and CloudEvents compare them: without case and without parameters."""

from typing import Annotated

from pydantic import Field

JSON_PATTERN = r"^[A-Za-z0-9!#&_.+-]+/([A-Za-z0-9!#&_.+-]*\+)?[Jj][Ss][Oo][Nn][ \t]*(;.*)?$"

JsonMediaType = Annotated[str, Field(max_length=256, pattern=JSON_PATTERN, description="a JSON media type")]
"""Subtype `json` or suffix `+json`, in any case, with any parameters: RFC 8259 gives a charset no meaning."""

_CLOUD_EVENT = b"application/cloudevents"


def essence(media_type: str) -> str:
    """The type without parameters, in small letters."""
    return media_type.partition(";")[0].strip().lower()


def is_cloud_event(content_type: bytes | None) -> bool:
    """Whether a record's content type says that its value is a whole event (structured mode)."""
    if content_type is None or len(content_type) < len(_CLOUD_EVENT):
        return False
    return content_type[: len(_CLOUD_EVENT)].lower() == _CLOUD_EVENT
