"""A history of events, and its publishing as time passes in it."""
