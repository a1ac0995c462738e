"""What a Registry's answer means for a Project."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.images.rights import PUSH, Right
from kapsa.core.images.verdict import Verdict, registry_trouble
from kapsa.models.reasons import Reason
from tests.builders import condition, project, registry

TEMPLATE: dict[str, Any] = {"repositoryTemplate": "acme/{imageRepository}"}
AUTH: dict[str, Any] = {**TEMPLATE, "auth": {"secretRef": {"name": "push"}}}
PREBUILT: dict[str, Any] = {"registry": {"name": "harbor"}}
BUILT: dict[str, Any] = {**PREBUILT, "build": {"strategy": "dockerfile"}}
DOWN = Blocked(Reason.REGISTRY_UNREACHABLE, "HTTP 502")
NO_PUSH = Verdict(refused={Right("acme/shop", PUSH): "DENIED"})


@pytest.mark.parametrize(
    ("spec", "offered", "verdict", "reason"),
    [
        pytest.param(PREBUILT, TEMPLATE, Verdict(), "", id="all-is-given"),
        pytest.param(PREBUILT, TEMPLATE, Verdict(DOWN), "RegistryUnreachable", id="down"),
        pytest.param(PREBUILT, TEMPLATE, NO_PUSH, "", id="no-push-for-who-pulls"),
        pytest.param(BUILT, AUTH, NO_PUSH, "RegistryUnauthorized", id="no-push-for-who-pushes"),
        pytest.param(
            BUILT, AUTH, Verdict(refused={Right("acme/blog", PUSH): ""}), "", id="anothers-trouble"
        ),
        pytest.param(BUILT, TEMPLATE, Verdict(), "SecretNotFound", id="nobody-pushes"),
        pytest.param(
            BUILT, {**TEMPLATE, "type": "ecr"}, Verdict(), "", id="the-cloud-gives-a-password"
        ),
        pytest.param(PREBUILT, TEMPLATE, None, "", id="not-asked-yet"),
    ],
)
def test_a_project_minds_what_it_needs(
    spec: dict[str, Any], offered: dict[str, Any], verdict: Verdict | None, reason: str
) -> None:
    trouble = registry_trouble(project(**spec), registry(**offered), verdict)
    assert (trouble.reason if trouble else "") == reason


@pytest.mark.parametrize("is_stalled", [True, False])
def test_what_was_said_before_a_restart_holds_until_the_registry_was_asked(
    is_stalled: bool,
) -> None:
    said = condition("RegistryReady", "False", "RegistryUnauthorized", "no")
    stalled = [condition("Stalled", "True", "RegistryUnauthorized", "no")] * is_stalled
    known = project(**PREBUILT, status={"conditions": [said, *stalled]})
    assert registry_trouble(known, registry(), None) == Blocked(
        "RegistryUnauthorized", "no", is_stalled
    )
    assert registry_trouble(known, registry(), Verdict()) is None


def test_what_had_nothing_to_do_with_the_registrys_answer_is_not_remembered() -> None:
    said = condition("RegistryReady", "False", "NamespaceNotAllowed", "no")
    known = project(**PREBUILT, status={"conditions": [said]})
    assert registry_trouble(known, registry(), None) is None
