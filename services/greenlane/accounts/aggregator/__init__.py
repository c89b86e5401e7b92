"""The process that keeps every seller's account and decides badges at closed days."""
