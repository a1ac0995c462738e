"""What is made once for a namespace."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.places import place_of
from kapsa.core.projects.furnishings import NamespaceRules, furnishings
from kapsa.models.domain_pool import DomainPool
from tests.builders import pool, project

ACCESS: Any = [{"kind": "Group", "name": "team-a"}]
BOUNDS: Any = {"resource_quota": {"pods": "5"}, "limit_range": {"max": {"memory": "1Gi"}}}
GUARDS = ["ServiceAccount", "NetworkPolicy"]


def kinds(
    isolation: str = "Project",
    pool: DomainPool | Blocked | None = None,
    access: Any = (),
    **rules: Any,
) -> list[str]:
    place = place_of(project("shop", isolation=isolation, access=access), "shop-a", "uid-of-it")
    return [item["kind"] for item in furnishings(place, NamespaceRules(**rules), pool)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, GUARDS),
        ({"isolation": "Environment"}, GUARDS),
        ({"isolation": "Shared", "access": ACCESS, **BOUNDS}, ["ServiceAccount"]),
        (BOUNDS, [*GUARDS, "ResourceQuota", "LimitRange"]),
        ({"access": ACCESS}, [*GUARDS, "RoleBinding"]),
        ({"access": ACCESS, "developer_role": ""}, GUARDS),
        ({"pool": Blocked("DomainPoolNotFound", "gone")}, ["ServiceAccount"]),
        ({"pool": pool()}, GUARDS),
    ],
    ids=[
        "a-made-namespace",
        "that-of-one-environment",
        "a-tenants-namespace",
        "with-bounds",
        "with-access",
        "with-access-and-no-role",
        "while-the-pool-is-unknown",
        "with-a-pool",
    ],
)
def test_furnishings(given: dict[str, Any], expected: list[str]) -> None:
    assert kinds(**given) == expected


def test_whatever_is_made_says_whose_it_is_and_goes_with_the_namespace() -> None:
    place = place_of(project("shop", access=ACCESS), "", "uid-of-it")
    for item in furnishings(place, NamespaceRules(**BOUNDS), pool()):
        metadata = item["metadata"]
        assert metadata["namespace"] == place.namespace
        assert metadata["labels"]["kapsa-project.io/owner-uid"] == "uid-project-team-a-shop"
        (owner,) = metadata["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Namespace", "uid-of-it")


@pytest.mark.parametrize("isolation", ["Project", "Shared"])
def test_the_service_account_names_the_pull_secret(isolation: str) -> None:
    place = place_of(project("shop", isolation=isolation, registry={"name": "harbor"}))
    assert place.registry == "harbor"
    account = furnishings(place, NamespaceRules(), None, "kapsa-pull")[0]
    assert account["imagePullSecrets"] == [{"name": "kapsa-pull"}]


def test_in_a_tenants_namespace_it_goes_with_the_project() -> None:
    (account,) = furnishings(place_of(project("shop", isolation="Shared")), NamespaceRules(), None)
    (owner,) = account["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Project", "uid-project-team-a-shop")
