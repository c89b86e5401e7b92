"""Fast copies of readers and writers, derived from the models: where they cannot be sure, the models decide."""
