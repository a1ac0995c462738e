"""Whether a status is worth a write."""

from typing import TypeVar

from kapsa.models.domain_pool import DomainPoolStatus
from kapsa.models.environment import EnvironmentStatus
from kapsa.models.project_status import ProjectStatus
from kapsa.models.registry import RegistryStatus
from kapsa.utils.times import from_rfc3339

Status = TypeVar("Status", ProjectStatus, EnvironmentStatus, DomainPoolStatus, RegistryStatus)

POLL_TIME_NOTED_EVERY = 60.0
"""Seconds between two writes that say nothing but when the repository was polled."""


def worth_writing(new: Status, previous: Status) -> Status | None:
    """Return the new status where it says something new, or nothing.

    The time of a poll is news at most once a minute: it rides along with other changes. So does
    the history of an Environment.
    """
    if new == previous:
        return None
    if isinstance(new, ProjectStatus) and isinstance(previous, ProjectStatus):
        times = {
            "last_poll_time": previous.last_poll_time,
            "next_poll_time": previous.next_poll_time,
        }
        if new.model_copy(update=times) == previous and not _is_due(new, previous):
            return None
    if isinstance(new, EnvironmentStatus) and isinstance(previous, EnvironmentStatus):
        is_old = new.model_copy(update={"history": previous.history}) == previous
        return None if is_old else new
    return new


def _is_due(new: ProjectStatus, previous: ProjectStatus) -> bool:
    last = from_rfc3339(previous.last_poll_time or "")
    now = from_rfc3339(new.last_poll_time or "")
    return now is not None and (last is None or now - last >= POLL_TIME_NOTED_EVERY)
