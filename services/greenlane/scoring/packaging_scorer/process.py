"""The packaging scorer as a process."""

from functools import partial

from greenlane.scoring.scorer import run_scorer

run = partial(run_scorer, "packaging_scorer")
