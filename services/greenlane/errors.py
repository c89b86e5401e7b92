"""The root of every error whose text already says what is wrong and what to do.

The command line prints such an error as one line and ends with its exit code. An error that is not of this kind is a
fault of ours: it keeps its traceback.
"""


class GreenlaneError(Exception):
    """Something is wrong that a user can mend; the text names it and the remedy."""

    exit_code = 2
    """What a command ends with: 1 a check failed, 2 wrong use or settings."""
