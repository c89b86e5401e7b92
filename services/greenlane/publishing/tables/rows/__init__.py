"""Bytes of a file become rows of cells: encoding, separator, header; CSV and JSON Lines."""
