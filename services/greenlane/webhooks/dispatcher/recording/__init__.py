"""What became of attempts, recorded; and what is measured and forgotten."""
