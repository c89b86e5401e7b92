"""What is answered to a wrong use of the management: the field, the problem and the remedy."""


class WebhookUseError(ValueError):
    """A wrong use of the management functions, told as field, problem and remedy."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class UnknownError(WebhookUseError):
    """There is no such thing, or it belongs to somebody else: the two are never told apart."""


class ConflictError(WebhookUseError):
    """It cannot be done in the state in which things are."""
