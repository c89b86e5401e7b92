"""Orders of the Universal Commerce Protocol, versions 2026-01-11, 2026-01-23 and 2026-04-08."""
