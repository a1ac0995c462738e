"""The Secrets with which pods pull images."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.images.pull_secrets import (
    Pulling,
    is_attached,
    pull_secret_name,
    registry_label,
)
from kapsa.models import Registry
from kapsa.models.reasons import Reason
from tests.builders import registry


def offered(
    name: str, created: str = "2026-01-01T00:00:00Z", wanted: str = "kapsa-pull", **secret: Any
) -> Registry:
    return registry(
        name,
        metadata={"creationTimestamp": created},
        pullAuth={"secretRef": {"name": "pull"}},
        imagePullSecret={"name": wanted} | secret,
    )


def test_a_registry_without_pull_secret_has_no_name_for_one() -> None:
    assert pull_secret_name(registry(), ()) == ""


def test_of_several_that_want_one_name_the_oldest_has_it() -> None:
    old, new = offered("z"), offered("a", "2026-01-02T00:00:00Z")
    both = (new, old)
    assert pull_secret_name(old, both) == "kapsa-pull"
    other = pull_secret_name(new, both)
    assert other.startswith("kapsa-pull-")
    assert pull_secret_name(new, (new,)) == "kapsa-pull"
    third = offered("b", "2026-01-03T00:00:00Z")
    assert len({pull_secret_name(item, (*both, third)) for item in (*both, third)}) == 3
    assert pull_secret_name(new, (*both, third)) == other


def test_a_secret_that_somebody_else_makes_has_the_name_that_is_said() -> None:
    old, theirs = offered("a"), offered("z", "2026-01-02T00:00:00Z", generatePerNamespace=False)
    assert pull_secret_name(theirs, (old, theirs)) == "kapsa-pull"
    assert pull_secret_name(old, (old, theirs)) != "kapsa-pull"


def test_other_names_are_no_rivals() -> None:
    one, two = offered("a"), offered("b", wanted="theirs")
    assert pull_secret_name(two, (one, two)) == "theirs"


@pytest.mark.parametrize("name", ["harbor", "harbor.example.com", "x" * 253])
def test_the_name_of_a_registry_becomes_a_label(name: str) -> None:
    assert len(registry_label(name)) <= 63
    assert registry_label(name) != registry_label(f"{name}-2"[-253:])


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (None, False),
        ({}, False),
        ({"imagePullSecrets": [{"name": "other"}]}, False),
        ({"imagePullSecrets": [{"name": "other"}, {"name": "kapsa-pull"}]}, True),
    ],
)
def test_a_service_account_names_the_secret_or_not(account: Any, expected: bool) -> None:
    assert is_attached(account, "kapsa-pull") is expected


BAD = Blocked(Reason.REGISTRY_NOT_FOUND, "it is gone", stalled=True)


@pytest.mark.parametrize(
    ("pulling", "account", "expected"),
    [
        (Pulling(), "", None),
        (Pulling("harbor"), "kapsa-shop", None),
        (Pulling("harbor", "kapsa-pull"), "", None),
        (Pulling("harbor", "kapsa-pull"), "kapsa-shop", Reason.PULL_SECRET_PENDING),
        (Pulling("harbor", "kapsa-pull", frozenset({"kapsa-shop"})), "kapsa-shop", None),
        (Pulling("harbor", "kapsa-pull", frozenset({"kapsa-shop"})), "kapsa-web",
         Reason.PULL_SECRET_PENDING),
        (Pulling("harbor", problem=BAD), "", Reason.REGISTRY_NOT_FOUND),
    ],
)  # fmt: skip
def test_what_keeps_pods_from_starting(
    pulling: Pulling, account: str, expected: Reason | None
) -> None:
    obstacle = pulling.obstacle(account)
    assert (obstacle.reason if obstacle else None) == expected
