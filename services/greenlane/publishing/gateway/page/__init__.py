"""The page on which people check an event: files as they are served."""
