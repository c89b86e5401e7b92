"""The partition store: rows in memory or on disk, and the changelog that is their truth."""
