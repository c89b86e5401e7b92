"""How events get in: the publishing SDK, files, adapters for other vocabularies, and the simulator."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from greenlane.publishing.sdk.publisher import Options, Publisher

__all__ = ["Options", "Publisher"]


def __getattr__(name: str) -> Any:
    """The SDK when it is asked for: reading a file of events needs no Kafka client."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from greenlane.publishing.sdk import publisher  # noqa: PLC0415 - see above

    return getattr(publisher, name)
