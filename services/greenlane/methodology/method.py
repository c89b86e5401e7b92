"""The version of the method: formula, factor, wording; it stands in every assessment and never changes for it."""

METHOD_VERSION = "2.0.0"
