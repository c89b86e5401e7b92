"""The publishing SDK."""
