"""The delivery scorer as a process."""

from functools import partial

from greenlane.scoring.scorer import run_scorer

run = partial(run_scorer, "delivery_scorer")
