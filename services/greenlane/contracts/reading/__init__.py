"""Reads bytes that a stranger chose: an event, or a refusal that names field, problem and remedy."""
