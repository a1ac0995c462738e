"""What a new status tells: each piece of news once, and nothing while all is on its way."""

from typing import Any, Final, Literal

import pytest

from kapsa.core.transitions import transitions, troubles
from kapsa.models.domain_pool import DomainPoolStatus
from kapsa.models.environment import EnvironmentStatus
from kapsa.models.meta import Condition
from kapsa.models.project_status import ProjectStatus

READY: Final = ("Ready", "True", "Ready")
PROGRESSING: Final = ("Ready", "False", "WorkloadProgressing")
FAILED: Final = ("Ready", "False", "WorkloadFailed")
ACCESSIBLE: Final = ("RepositoryAccessible", "True", "RepositoryAccessible")
UNREACHABLE: Final = ("RepositoryAccessible", "False", "RepositoryUnreachable")

Said = tuple[str, Literal["True", "False", "Unknown"], str]


def condition(said: Said) -> Condition:
    type_, status, reason = said
    return Condition(
        type=type_,
        status=status,
        reason=reason,
        message=f"{type_} is {reason}",
        last_transition_time="2026-01-01T00:00:00Z",
    )


def conditions(*said: Said) -> tuple[Condition, ...]:
    return tuple(map(condition, said))


def environment(*said: Said, **status: Any) -> EnvironmentStatus:
    return EnvironmentStatus(conditions=conditions(*said), **status)


def project(*said: Said) -> ProjectStatus:
    return ProjectStatus(conditions=conditions(*said))


def pool(*said: Said) -> DomainPoolStatus:
    return DomainPoolStatus(conditions=conditions(*said))


CASES: dict[str, tuple[Any, Any, list[str]]] = {
    "a new environment on its way": (
        environment(),
        environment(PROGRESSING, ("Reconciling", "True", "WorkloadProgressing")),
        [],
    ),
    "it becomes ready": (environment(PROGRESSING), environment(READY), ["Normal Ready"]),
    "it is ready at once": (environment(), environment(READY), ["Normal Ready"]),
    "it stays ready": (
        environment(READY, image="a", commit="b"),
        environment(READY, image="a", commit="b", expires_at="2026-01-01T00:00:00Z"),
        [],
    ),
    "it runs another image and never was unready": (
        environment(READY, image="a"),
        environment(READY, image="b"),
        ["Normal Ready"],
    ),
    "it fails, and several conditions say so": (
        environment(PROGRESSING),
        environment(
            FAILED,
            ("WorkloadAvailable", "False", "WorkloadFailed"),
            ("Stalled", "True", "WorkloadFailed"),
        ),
        ["Warning WorkloadFailed"],
    ),
    "it fails on, with another condition": (
        environment(FAILED),
        environment(FAILED, ("WorkloadAvailable", "False", "WorkloadFailed")),
        [],
    ),
    "it fails for another reason": (
        environment(FAILED),
        environment(("Ready", "False", "HostTaken")),
        ["Warning HostTaken"],
    ),
    "it recovers": (
        environment(FAILED, ("WorkloadAvailable", "False", "WorkloadFailed")),
        environment(READY, ("WorkloadAvailable", "True", "WorkloadAvailable")),
        ["Normal Ready"],
    ),
    "a part recovers before the whole": (
        environment(("Ready", "False", "HostTaken"), ("HostAllocated", "False", "HostTaken")),
        environment(PROGRESSING, ("HostAllocated", "True", "HostAllocated")),
        ["Normal HostAllocated"],
    ),
    "it expires": (
        environment(READY),
        environment(("Ready", "False", "TtlExpired"), ("Expired", "True", "TtlExpired")),
        ["Normal TtlExpired"],
    ),
    "it comes back": (
        environment(("Ready", "False", "TtlExpired"), ("Expired", "True", "TtlExpired")),
        environment(PROGRESSING),
        [],
    ),
    "it is suspended": (environment(READY), environment(("Ready", "True", "Suspended")), []),
    "an extension that is no time, while it becomes ready": (
        environment(PROGRESSING),
        environment(READY, ("Expired", "False", "ExtensionInvalid")),
        ["Warning ExtensionInvalid", "Normal Ready"],
    ),
    "the previews of a project come and go": (
        project(("Ready", "False", "EnvironmentsNotReady"), ACCESSIBLE),
        project(("Ready", "True", "EnvironmentsReady"), ACCESSIBLE),
        [],
    ),
    "its repository is away": (
        project(("Ready", "True", "EnvironmentsReady"), ACCESSIBLE),
        project(("Ready", "False", "RepositoryUnreachable"), UNREACHABLE),
        ["Warning RepositoryUnreachable"],
    ),
    "its repository is back": (
        project(("Ready", "False", "RepositoryUnreachable"), UNREACHABLE),
        project(("Ready", "True", "EnvironmentsReady"), ACCESSIBLE),
        ["Normal RepositoryAccessible"],
    ),
    "its repository is read for the first time": (
        project(("RepositoryAccessible", "False", "RepositoryNotRead")),
        project(ACCESSIBLE),
        [],
    ),
    "its repository is read again with a Secret that was missing": (
        ProjectStatus(
            conditions=conditions(("RepositoryAccessible", "False", "RepositoryNotRead")),
            last_poll_time="2026-01-01T00:00:00Z",
        ),
        project(ACCESSIBLE),
        ["Normal RepositoryAccessible"],
    ),
    "its clean-up is held": (
        project(("CleanupHeld", "False", "NoMassDeletion")),
        project(("CleanupHeld", "True", "MassDeletion")),
        ["Warning MassDeletion"],
    ),
    "its clean-up is held no more": (
        project(("CleanupHeld", "True", "MassDeletion")),
        project(("CleanupHeld", "False", "NoMassDeletion")),
        ["Normal NoMassDeletion"],
    ),
    "a pool turns": (pool(READY), pool(("Ready", "False", "InvalidSpec")), ["Warning InvalidSpec"]),
    "a pool turns back": (pool(("Ready", "False", "InvalidSpec")), pool(READY), ["Normal Ready"]),
    "a new pool is as it should be": (pool(), pool(READY), []),
    "another version's word": (
        environment(("Ready", "False", "Tomorrow")),
        environment(("Ready", "False", "DayAfterTomorrow")),
        [],
    ),
}


@pytest.mark.parametrize(("previous", "new", "news"), CASES.values(), ids=CASES.keys())
def test_news(previous: Any, new: Any, news: list[str]) -> None:
    assert [f"{item.type} {item.reason}" for item in transitions(new, previous)] == news


def test_news_says_what_the_condition_says() -> None:
    (news,) = troubles(conditions(FAILED), ())
    assert news.note == "Ready is WorkloadFailed"


def test_the_second_look_has_no_news() -> None:
    for previous, new, _ in CASES.values():
        assert transitions(new, new) == (), previous
