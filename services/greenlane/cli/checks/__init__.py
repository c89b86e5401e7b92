"""Commands that check what a marketplace publishes, and that nothing of it was lost."""
