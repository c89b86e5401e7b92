"""Existing data in other vocabularies as events, one folder each."""
