"""`greenlane demo`."""
