"""The status of a Registry."""

from kapsa.core.conditions import Blocked
from kapsa.core.registry import registry_status
from kapsa.models.reasons import Reason
from tests.builders import registry

NOW = "2026-01-01T00:00:00Z"


def test_a_registry_without_a_problem_is_ready() -> None:
    status = registry_status(registry(), None, NOW)

    assert [(item.type, item.status, item.reason) for item in status.conditions] == [
        ("Ready", "True", "RegistryReady")
    ]
    assert status.conditions[0].message == "registry.example.com can be used"
    assert status.observed_generation == 1


def test_a_registry_with_a_problem_says_what_it_is() -> None:
    problem = Blocked(Reason.SECRET_NOT_FOUND, "Secret a does not exist", stalled=True)

    status = registry_status(registry(), problem, NOW)

    assert [(item.type, item.status, item.reason) for item in status.conditions] == [
        ("Ready", "False", "SecretNotFound"),
        ("Stalled", "True", "SecretNotFound"),
    ]
