"""What can go wrong out there, sorted by what helps.

Messages are for people: they name the object or server and what to do, and never hold a secret.
"""


class AdapterError(Exception):
    """Something outside did not work.

    Attributes:
        reason: A constant of `kapsa.models.reasons`, for conditions.
        message: What happened and what to do, fit for a status.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Waiting(AdapterError):  # noqa: N818 - it is a state, not always a fault
    """It may work later by itself.

    Attributes:
        retry_after: Seconds after which to try again.
    """

    def __init__(self, reason: str, message: str, retry_after: float = 15.0) -> None:
        super().__init__(reason, message)
        self.retry_after = retry_after


class Stalled(AdapterError):  # noqa: N818 - it is a state, not always a fault
    """It works only once a person has changed something.

    Attributes:
        retry_after: Seconds after which to look again, where the change can't be noticed; None for
            what is noticed.
    """

    def __init__(self, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(reason, message)
        self.retry_after = retry_after
