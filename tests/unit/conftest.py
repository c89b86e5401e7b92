"""How many examples a property is tried with: few in the normal run, 10,000 with `--hypothesis-profile=nightly`."""

from hypothesis import settings

settings.register_profile("normal", max_examples=60, deadline=None)
settings.register_profile("nightly", max_examples=10_000, deadline=None)
settings.load_profile("normal")
