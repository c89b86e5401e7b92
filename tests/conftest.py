"""How hard Hypothesis tries: `--hypothesis-profile=nightly` for 10,000 examples, `mutation` for a fast look."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "nightly", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "mutation", max_examples=15, derandomize=True, deadline=None, database=None, phases=[Phase.generate]
)
