"""How many examples a property is tried with: few in the normal run, 10,000 with `--hypothesis-profile=nightly`."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile("normal", max_examples=60, deadline=None)
settings.register_profile(
    "nightly", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "mutation", max_examples=15, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)
settings.load_profile("normal")
