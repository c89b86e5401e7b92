"""The process that closes days."""
