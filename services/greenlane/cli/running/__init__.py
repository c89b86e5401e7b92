"""Commands that start processes or look at those that run."""
