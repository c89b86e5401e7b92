"""What a file or a topic of events holds: problems, what is declared, and what declaring more would add."""
