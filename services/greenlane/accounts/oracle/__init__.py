"""The independent recomputation of every account from the topics."""
