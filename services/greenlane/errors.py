"""The root of every error whose text already says what is wrong and what to do.

The command line prints such an error as one line and ends with its exit code. An error that is not of this kind is a
fault of ours: it keeps its traceback.
"""


class GreenlaneError(Exception):
    """Something is wrong that a user can mend; the text names it and the remedy."""

    exit_code = 2
    """What a command ends with: 1 a check failed, 2 wrong use or settings."""


class WrongUseError(GreenlaneError, ValueError):
    """A wrong use of a function that people call, told as field, problem and remedy."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class UnknownError(WrongUseError):
    """There is no such thing, or it belongs to somebody else: the two are never told apart."""


class ConflictError(WrongUseError):
    """It cannot be done in the state in which things are."""
