"""The laboratory's own errors: each message is one paragraph that says what to do."""

from __future__ import annotations


class LabError(Exception):
    """Something the user can act on; the command line prints it without a traceback.

    `exit_code` is what `python -m lab` ends with.
    """

    exit_code = 1


class BuildError(LabError):
    """A server could not be built."""

    exit_code = 3


class ServerError(LabError):
    """A server did not start, died, or would not stop."""

    exit_code = 4


class ForeignContextError(LabError):
    """A kubeconfig points at a cluster that is not the laboratory's own."""

    exit_code = 5


class ApiError(LabError):
    """A laboratory server answered a request with an error; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
