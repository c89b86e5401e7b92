"""Tables of a shop (CSV, JSON Lines of rows) as events: bytes become rows, rows become events or named faults."""
