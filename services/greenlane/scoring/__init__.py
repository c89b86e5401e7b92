"""What both scorers are made of: one record scored, and the wiring of the process around it."""
