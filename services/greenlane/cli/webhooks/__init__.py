"""`greenlane webhooks`."""
