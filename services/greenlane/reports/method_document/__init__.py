"""The method's own document, rendered from the tables that the scores are computed with."""
