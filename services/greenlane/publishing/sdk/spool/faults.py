"""What can go wrong with a spool, each with its remedy."""

from greenlane.publishing.sdk.receipts import PublisherBusy, PublisherError


class SpoolError(PublisherError):
    """The spool cannot be used; the text names the file, the problem and the remedy."""


class SpoolInUse(SpoolError):  # noqa: N818 - named for what the caller meets
    """Another publisher has the file open."""


class SpoolDamaged(SpoolError):  # noqa: N818 - named for what the caller meets
    """The file is no spool, or its content is not what was written."""


class SpoolFull(PublisherBusy):
    """The spool or its disk has no room; the event was not taken."""
