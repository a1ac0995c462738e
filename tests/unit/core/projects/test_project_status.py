"""The status of a Project."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked, find
from kapsa.core.projects.plans import ProjectPlan, candidate
from kapsa.core.projects.project_status import ProjectObserved, project_status
from kapsa.models import Environment, Project
from kapsa.models.project_status import Available, LatestCommit, ProjectStatus
from kapsa.models.reasons import Reason
from tests.builders import CREATED, condition, environment, project, ready, sha
from tests.unit.core.planning import NAMESPACE, SHOP, expired, permanent, preview

NOW = 1_767_312_000.0
NOW_TEXT = "2026-01-02T00:00:00Z"
HELD = ProjectPlan(held=tuple(preview(number) for number in range(1, 5)))
HEALTHY = {
    "Ready": "True EnvironmentsReady",
    "RepositoryAccessible": "True RepositoryAccessible",
    "EnvironmentsReady": "True EnvironmentsReady",
    "CleanupHeld": "False NoMassDeletion",
}
HELD_BEFORE = {"conditions": [condition("CleanupHeld", "True", "MassDeletion", "held")]}


def seen(item: Project = SHOP, **more: Any) -> ProjectStatus:
    """Return the status of a Project."""
    known: Any = {"project": item} | more
    return project_status(ProjectObserved(**known), NOW)


def conditions(status: ProjectStatus) -> dict[str, str]:
    """Return status and reason of each condition."""
    return {item.type: f"{item.status} {item.reason}" for item in status.conditions}


def message(status: ProjectStatus, type_: str = "Ready") -> str:
    """Return what a condition says."""
    found = find(status.conditions, type_)
    assert found is not None
    return found.message


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(seen(plan=ProjectPlan()), {"Ready": "True EnvironmentsReady"}, id="ready"),
        pytest.param(
            seen(environments=[preview(7)]),
            {
                "Ready": "False EnvironmentsNotReady",
                "EnvironmentsReady": "False EnvironmentsNotReady",
            },
            id="an-environment-that-is-not-ready",
        ),
        pytest.param(
            seen(repository=Blocked(Reason.REPOSITORY_UNREACHABLE, "no answer")),
            {
                "Ready": "False RepositoryUnreachable",
                "RepositoryAccessible": "False RepositoryUnreachable",
                "Reconciling": "True RepositoryUnreachable",
            },
            id="a-repository-that-does-not-answer",
        ),
        pytest.param(
            seen(
                project(registry={"name": "harbor"}),
                registry=Blocked(Reason.REGISTRY_NOT_FOUND, "none", stalled=True),
            ),
            {
                "Ready": "False RegistryNotFound",
                "RegistryReady": "False RegistryNotFound",
                "Stalled": "True RegistryNotFound",
            },
            id="a-registry-that-is-missing",
        ),
        pytest.param(
            seen(
                project(domain={"domainPoolRef": {"name": "apps"}}),
                domain=Blocked(Reason.SUBDOMAIN_TAKEN, "taken", stalled=True),
            ),
            {
                "Ready": "False SubdomainTaken",
                "DomainReady": "False SubdomainTaken",
                "Stalled": "True SubdomainTaken",
            },
            id="a-subdomain-that-is-taken",
        ),
        pytest.param(
            seen(
                project(registry={"name": "a"}, domain={"domainPoolRef": {"name": "apps"}}),
                subdomain="shop",
            ),
            {"RegistryReady": "True RegistryReady", "DomainReady": "True DomainReady"},
            id="what-is-named-has-its-condition",
        ),
        pytest.param(
            seen(
                repository=Blocked(Reason.REPOSITORY_NOT_FOUND, "no", stalled=True),
                failure=Blocked(Reason.NAMESPACE_CONFLICT, "foreign", stalled=True),
            ),
            {
                "Ready": "False NamespaceConflict",
                "RepositoryAccessible": "False RepositoryNotFound",
                "Stalled": "True NamespaceConflict",
            },
            id="a-failure-goes-before-the-rest",
        ),
        pytest.param(
            seen(failure=Blocked(Reason.SUSPENDED, "stopped")),
            {"Ready": "False Suspended"},
            id="suspended",
        ),
        pytest.param(
            seen(plan=HELD), {"CleanupHeld": "True MassDeletion"}, id="a-clean-up-that-is-held"
        ),
        pytest.param(
            seen(project(status=HELD_BEFORE)),
            {"CleanupHeld": "True MassDeletion"},
            id="held-still-while-no-plan-can-tell",
        ),
        pytest.param(
            seen(project(status=HELD_BEFORE), plan=ProjectPlan()),
            {"CleanupHeld": "False NoMassDeletion"},
            id="held-no-longer-when-a-plan-says-so",
        ),
    ],
)
def test_conditions(status: ProjectStatus, expected: dict[str, str]) -> None:
    assert conditions(status) == HEALTHY | expected


def test_a_clean_up_that_is_held_says_how_to_go_on() -> None:
    assert "4 previews vanished" in message(seen(plan=HELD), "CleanupHeld")
    assert "kapsa-project.io/requestedAt=<now>" in message(seen(plan=HELD), "CleanupHeld")


def test_the_time_since_which_a_clean_up_is_held_stays() -> None:
    found = find(seen(project(status=HELD_BEFORE), plan=HELD).conditions, "CleanupHeld")

    assert found is not None
    assert found.last_transition_time == CREATED


def test_three_environments_that_are_not_ready_are_named_and_the_others_counted() -> None:
    environments = [preview(number) for number in range(1, 6)]

    assert message(seen(environments=environments)) == (
        "5 of 5 not ready: shop-pr-1 (Reconciling), shop-pr-2 (Reconciling), shop-pr-3"
        " (Reconciling) and 2 more"
    )


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 environments are ready"),
        (1, "1 environment is ready"),
        (2, "2 environments are ready"),
    ],
)
def test_environments_that_are_ready_are_counted(count: int, expected: str) -> None:
    environments = [preview(number, status=ready()) for number in range(1, count + 1)]

    assert message(seen(environments=environments)) == expected


def test_environments_are_listed_permanent_ones_first() -> None:
    running = {**ready(), "phase": "Running", "url": "http://a", "image": "r/a:1"}
    status = seen(environments=[preview(7), permanent("staging", status=running), preview(12)])

    assert [item.name for item in status.environments] == [
        "shop-staging",
        "shop-pr-12",
        "shop-pr-7",
    ]
    assert status.environments[0].to_json() == {
        "name": "shop-staging",
        "namespace": NAMESPACE,
        "type": "permanent",
        "ready": True,
        "phase": "Running",
        "url": "http://a",
        "commit": sha("main"),
        "image": "r/a:1",
    }
    assert (status.environment_count, status.preview_count) == (1, 2)


OFFERED = {"commit": sha("new"), "image": "r/a@sha256:1"}
WAITING = {
    "name": "shop-production",
    "namespace": NAMESPACE,
    "type": "permanent",
    "ready": False,
    "phase": "Pending",
    "available": OFFERED,
}


def test_what_is_available_shows_at_its_environment() -> None:
    offers = {"shop-production": Available.model_validate(OFFERED)}
    status = seen(environments=[permanent("production"), permanent("staging")], offers=offers)

    assert [item.available for item in status.environments] == [offers["shop-production"], None]


def test_an_environment_that_waits_to_be_told_is_pending_and_not_counted() -> None:
    offers = {"shop-production": Available.model_validate(OFFERED)}
    status = seen(environments=[preview(7, status=ready())], offers=offers)

    assert [item.name for item in status.environments] == ["shop-production", "shop-pr-7"]
    assert status.environments[0].to_json() == WAITING
    assert (status.environment_count, status.preview_count) == (0, 1)
    assert conditions(status)["Ready"] == "True EnvironmentsReady"


def test_what_is_available_stays_while_no_plan_can_tell() -> None:
    before = project("shop", status={"environments": [WAITING]})

    assert [item.to_json() for item in seen(before).environments] == [WAITING]
    assert seen(before, offers={}).environments == ()


def test_the_list_of_environments_is_bounded_but_the_count_is_not() -> None:
    status = seen(environments=[preview(number) for number in range(1, 302)])

    assert (len(status.environments), status.preview_count) == (200, 301)


def test_an_environment_elsewhere_that_names_the_project_is_none_of_it() -> None:
    stranger = environment(
        "a", of=SHOP, namespace="team-b", type="permanent", status={"url": "http://stranger"}
    )
    status = seen(environments=[stranger, permanent("staging", status=ready())])

    assert [item.name for item in status.environments] == ["shop-staging"]
    assert (status.url, conditions(status)["Ready"]) == ("", "True EnvironmentsReady")


@pytest.mark.parametrize(
    ("environments", "expected"),
    [
        pytest.param([], "", id="none-without-environments"),
        pytest.param(["alpha", "zeta"], "http://zeta", id="the-first-of-the-spec"),
        pytest.param(["alpha"], "http://alpha", id="else-the-next"),
        pytest.param(["gone"], "", id="never-one-that-the-spec-drops"),
    ],
)
def test_the_url_of_a_project(environments: list[str], expected: str) -> None:
    names = ("zeta", "alpha")
    item = project("shop", environments=[{"name": name, "branch": "main"} for name in names])
    live: list[Environment] = [
        permanent(name, status={"url": f"http://{name}"}) for name in environments
    ]

    assert seen(item, environments=live).url == expected


def test_candidates_are_listed_in_order_and_kept_while_there_is_no_plan() -> None:
    plan = ProjectPlan(
        skipped=(candidate("b", Reason.DRAFT, pr=9), candidate("a", Reason.BRANCH_INCLUDED)),
        previewed=(candidate("c", Reason.PULL_REQUEST_OPEN, pr=7, decision="Previewed"),),
    )
    status = seen(plan=plan)

    assert [(item.pr, item.ref) for item in status.candidates] == [(0, "a"), (7, "c"), (9, "b")]
    again = seen(project(status=status.to_json()))
    assert again.candidates == status.candidates


def test_a_crowd_of_branches_hides_no_pull_request() -> None:
    branches = [candidate(f"b{number}", Reason.MAX_ACTIVE) for number in range(300)]
    shown = candidate("zz", Reason.BRANCH_INCLUDED, decision="Previewed")
    refused = candidate("x", Reason.DRAFT, pr=7)

    candidates = seen(plan=ProjectPlan(skipped=(*branches, refused), previewed=(shown,))).candidates

    assert len(candidates) == 200
    assert shown in candidates
    assert refused in candidates


def test_the_newest_commit_is_noted_with_the_time_at_which_it_was_first_seen() -> None:
    first = seen(head=sha("a")).latest_commit
    assert first is not None
    assert first == LatestCommit(
        sha=sha("a"), short_sha=sha("a")[:7], branch="main", first_seen=NOW_TEXT
    )

    before = {"latestCommit": {**first.to_json(), "firstSeen": CREATED}}
    same = seen(project(status=before), head=sha("a")).latest_commit
    unknown = seen(project(status=before)).latest_commit
    newer = seen(project(status=before), head=sha("b")).latest_commit
    other = seen(project(status=before, branch="trunk"), head=sha("a")).latest_commit

    assert same == unknown
    assert [item.first_seen for item in (same, newer, other) if item] == [
        CREATED,
        NOW_TEXT,
        NOW_TEXT,
    ]


def test_a_newest_commit_that_was_noted_without_its_short_form_gets_it() -> None:
    before = {"latestCommit": {"sha": sha("a"), "branch": "main", "firstSeen": CREATED}}
    noted = seen(project(status=before), head=sha("a")).latest_commit

    assert noted is not None
    assert (noted.short_sha, noted.first_seen) == (sha("a")[:7], CREATED)


def test_times_of_polls_and_the_subdomain_stay_until_there_are_newer_ones() -> None:
    status = seen(polled_at=NOW, next_poll_at=NOW + 300, subdomain="shop")

    assert (status.last_poll_time, status.next_poll_time) == (NOW_TEXT, "2026-01-02T00:05:00Z")
    assert seen(project(status=status.to_json())) == status


def test_a_request_to_reconcile_is_echoed() -> None:
    asked = {"annotations": {"kapsa-project.io/requestedAt": "now"}}

    assert seen(project(metadata=asked)).last_handled_requested_at == "now"


def test_previews_that_have_expired_are_not_waited_for() -> None:
    status = seen(environments=[permanent("production", status=ready()), expired(preview(7))])

    assert message(status, "EnvironmentsReady") == "1 environment is ready"
    assert [item.name for item in status.environments] == ["shop-production", "shop-pr-7"]
