"""Whether a build is due: decided by the attempts that there are."""

from dataclasses import replace
from typing import Any

import pytest

from kapsa.core.builds.keys import build_key, reference_of
from kapsa.core.builds.live import BuildState, LiveBuild
from kapsa.core.builds.orders import Origin
from kapsa.core.builds.wants import Attempt, Want, is_up_to_date, newest, next_attempt
from kapsa.core.conditions import Blocked
from kapsa.models.build import Build
from kapsa.models.reasons import Reason
from kapsa.utils.times import to_rfc3339

ENDED = 1000.0


def live(state: str = "Failed", attempt: int = 1, **fields: Any) -> LiveBuild:
    return LiveBuild(
        name=f"shop-{attempt}",
        kind="Job",
        uid=f"uid-{attempt}",
        project_uid="uid-shop",
        environment="shop-pr-1",
        key="k",
        commit="c",
        attempt=attempt,
        requested_at=fields.pop("requested_at", ""),
        state=BuildState(state),
        ended_at=to_rfc3339(ENDED),
        **fields,
    )


def transient(*attempts: int, **fields: Any) -> list[LiveBuild]:
    return [live(attempt=number, is_transient=True, **fields) for number in attempts]


@pytest.mark.parametrize(
    ("builds", "requested", "expected"),
    [
        pytest.param([], "", Attempt(1, ""), id="nothing was tried: the first"),
        pytest.param([], "t1", Attempt(1, "t1"), id="the first remembers what was asked before it"),
        pytest.param([live("Running")], "t1", None, id="one runs: none"),
        pytest.param([live("Succeeded")], "", None, id="one succeeded: none"),
        pytest.param(
            [live("Succeeded")], "t1", Attempt(2, "t1"), id="succeeded, and a person asks: another"
        ),
        pytest.param([live()], "", None, id="a failure is final"),
        pytest.param([live()], "t1", Attempt(2, "t1"), id="a person asks: another"),
        pytest.param(
            [live(requested_at="t1")], "t1", None, id="what was asked for is tried once only"
        ),
        pytest.param(
            transient(1), "", Attempt(2, "", ENDED + 30), id="an outage: again after a pause"
        ),
        pytest.param(
            transient(1, 2), "", Attempt(3, "", ENDED + 60), id="twice: after a longer pause"
        ),
        pytest.param(
            transient(1, 2, 3), "", Attempt(4, "", ENDED + 120), id="three times: a last time"
        ),
        pytest.param(transient(1, 2, 3, 4), "", None, id="four times: no more"),
        pytest.param(
            [*transient(1, 2, 3, 4), *transient(5, requested_at="t1")],
            "t1",
            Attempt(6, "t1", ENDED + 30),
            id="a person asks: the count begins anew",
        ),
        pytest.param([*transient(1), live(attempt=2)], "", None, id="the last one decides"),
    ],
)
def test_next_attempt(builds: list[LiveBuild], requested: str, expected: Attempt | None) -> None:
    assert next_attempt(builds, requested) == expected
    assert next_attempt(builds[::-1], requested) == expected


def test_the_newest_is_the_one_with_the_highest_number() -> None:
    assert newest([live(attempt=9), live(attempt=10), live(attempt=2)]) == live(attempt=10)
    assert newest([]) is None


def want(**fields: Any) -> Want:
    origin = Origin("team-a", "shop", fields.pop("uid", "u1"), fields.pop("environment", "e"))
    return Want(
        **{
            "origin": origin,
            "key": "k",
            "commit": "c",
            "image": "i",
            "is_preview": True,
            **fields,
        }
    )


def test_the_name_is_another_for_each_project_key_and_attempt_and_for_nothing_else() -> None:
    name = want().name
    assert name.startswith("shop-")
    assert want(environment="another", commit="d", is_preview=False).name == name
    others = {want(uid="u2").name, want(key="l").name, want(attempt=2).name}
    assert name not in others
    assert len(others) == 3


def test_permanent_environments_come_first_and_the_oldest_of_each() -> None:
    wants = [
        want(environment="new"),
        want(environment="young", since="2026-02-02T00:00:00Z"),
        want(environment="old", since="2026-01-01T00:00:00Z"),
        want(environment="staging", is_preview=False, since="2026-03-03T00:00:00Z"),
    ]
    ordered = sorted(wants, key=lambda item: item.rank)
    assert [item.origin.environment for item in ordered] == ["staging", "old", "young", "new"]


BUILD = Build(strategy="dockerfile")
NOWHERE = Blocked(Reason.REGISTRY_NOT_FOUND, "there is none")


@pytest.mark.parametrize(
    ("repository", "build", "expected"),
    [
        pytest.param("r.example.com/shop", BUILD, True, id="as it was"),
        pytest.param(
            "r.example.com/shop", BUILD.model_copy(update={"timeout": "5m"}), True,
            id="another timeout gives the same image",
        ),
        pytest.param(
            "r.example.com/shop", BUILD.model_copy(update={"context": "web"}), False,
            id="other words give another image",
        ),
        pytest.param("r.example.com/shop", Build(), False, id="CI builds it"),
        pytest.param("r.example.com/shop2", BUILD, False, id="another repository"),
        pytest.param("other.example.com/shop", BUILD, False, id="another registry"),
        pytest.param(NOWHERE, BUILD, False, id="no registry"),
    ],
)  # fmt: skip
def test_a_want_is_up_to_date_as_long_as_the_project_says_the_same(
    repository: str | Blocked, build: Build, expected: bool
) -> None:
    key = build_key(BUILD, "the-source")
    image = reference_of("r.example.com/shop", key)
    wanted = Want(Origin("team", "shop", "uid", "shop-pr-1"), key, "c", image, is_preview=True)
    assert is_up_to_date(wanted, repository, build) is expected
    other = replace(wanted, key=build_key(BUILD, "another-source"))
    assert not is_up_to_date(other, repository, build), "key and tag belong together"
