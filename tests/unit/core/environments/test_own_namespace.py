"""Which namespaces are an Environment's own, to be furnished for it."""

from typing import Any

import pytest

from kapsa.cli.previews.objects import namespace
from kapsa.core.environments.own_namespace import own_place
from kapsa.models.environment import Environment
from tests.builders import environment_manifest, project

UID = "uid-environment-mine-web"
MANAGED = {"app.kubernetes.io/managed-by": "kapsa"}


def web(**spec: Any) -> Environment:
    return Environment.model_validate(environment_manifest("web", namespace="mine", **spec))


def live(tied_to: str = UID, **metadata: Any) -> dict[str, Any]:
    """Return the namespace as `kapsa preview create --own-namespace` makes it."""
    made = namespace("mine", "web", tied_to)
    made["metadata"] |= {"uid": "uid-of-the-namespace", **metadata}
    return made


@pytest.mark.parametrize("tied_to", [UID, ""], ids=["tied-to-it", "not-tied-yet"])
def test_a_namespace_that_was_made_for_it_is_its_own(tied_to: str) -> None:
    place = own_place(web(), live(tied_to))
    assert place is not None
    assert (place.namespace, place.uid, place.is_made) == ("mine", "uid-of-the-namespace", True)
    assert place.access == ()
    metadata = place.metadata("kapsa")
    assert metadata["labels"]["kapsa-project.io/owner-uid"] == UID
    assert metadata["annotations"] == {"kapsa-project.io/owner": "Environment/mine/web"}
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Namespace", "uid-of-the-namespace")


@pytest.mark.parametrize(
    "given",
    [
        None,
        live("uid-of-a-former-one"),
        live(labels={}),
        live(annotations={}),
        live(annotations={"kapsa-project.io/owner": "Environment/mine/another"}),
        live(annotations={"kapsa-project.io/owner": "Environment/elsewhere/web"}),
        live(annotations={"kapsa-project.io/owner": "Project/mine/web"}),
        live(name="elsewhere"),
    ],
    ids=[
        "unknown",
        "tied-to-another",
        "not-kapsas",
        "without-an-owner",
        "of-another-environment",
        "of-one-elsewhere",
        "of-a-project",
        "another-namespace",
    ],
)
def test_any_other_namespace_is_not(given: dict[str, Any] | None) -> None:
    assert own_place(web(), given) is None


def test_an_environment_of_a_project_has_none() -> None:
    assert own_place(web(of=project("shop")), live()) is None
