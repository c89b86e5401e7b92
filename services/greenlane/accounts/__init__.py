"""Assessments become accounts: kept, closed day by day, and recomputed."""
