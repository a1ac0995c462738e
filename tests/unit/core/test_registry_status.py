"""The status of a Registry."""

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.images.rights import PUSH, Right
from kapsa.core.images.verdict import Verdict
from kapsa.core.registry_status import registry_status
from kapsa.models.reasons import Reason
from tests.builders import registry

NOW = 1_767_225_600.0
EARLIER = "2025-12-31T23:55:00Z"
MISSING = Blocked(Reason.SECRET_NOT_FOUND, "Secret a does not exist", stalled=True)
DOWN = Blocked(Reason.REGISTRY_UNREACHABLE, "HTTP 502")
DENIED = Blocked(Reason.REGISTRY_UNAUTHORIZED, "refuses the credentials", stalled=True)
REFUSED = Verdict(refused={Right("acme/shop", PUSH): "DENIED"})


def conditions(verdict: Verdict) -> dict[str, tuple[str, str]]:
    status = registry_status(registry(), verdict, NOW, 600.0)
    return {item.type: (item.status, item.reason) for item in status.conditions}


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        pytest.param(
            Verdict(),
            {
                "Ready": ("True", "RegistryReady"),
                "Reachable": ("True", "RegistryReady"),
                "Authenticated": ("True", "RegistryReady"),
            },
            id="good",
        ),
        pytest.param(
            Verdict(MISSING),
            {
                "Ready": ("False", "SecretNotFound"),
                "Reachable": ("Unknown", "SecretNotFound"),
                "Authenticated": ("False", "SecretNotFound"),
                "Stalled": ("True", "SecretNotFound"),
            },
            id="without-its-secret",
        ),
        pytest.param(
            Verdict(DOWN),
            {
                "Ready": ("False", "RegistryUnreachable"),
                "Reachable": ("False", "RegistryUnreachable"),
                "Authenticated": ("Unknown", "RegistryUnreachable"),
                "Reconciling": ("True", "RegistryUnreachable"),
            },
            id="down",
        ),
        pytest.param(
            Verdict(DENIED),
            {
                "Ready": ("False", "RegistryUnauthorized"),
                "Reachable": ("True", "RegistryReady"),
                "Authenticated": ("False", "RegistryUnauthorized"),
                "Stalled": ("True", "RegistryUnauthorized"),
            },
            id="with-a-wrong-password",
        ),
        pytest.param(
            REFUSED,
            {
                "Ready": ("False", "RegistryUnauthorized"),
                "Reachable": ("True", "RegistryReady"),
                "Authenticated": ("False", "RegistryUnauthorized"),
                "Stalled": ("True", "RegistryUnauthorized"),
            },
            id="with-a-password-that-may-not-push",
        ),
    ],
)
def test_conditions_say_how_far_kapsa_got(
    verdict: Verdict, expected: dict[str, tuple[str, str]]
) -> None:
    assert conditions(verdict) == expected


@pytest.mark.parametrize(
    ("before", "verdict", "interval", "expected"),
    [
        pytest.param(None, Verdict(), 600.0, "2026-01-01T00:00:00Z", id="first"),
        pytest.param(EARLIER, Verdict(), 600.0, EARLIER, id="within-the-interval"),
        pytest.param(EARLIER, Verdict(), 300.0, "2026-01-01T00:00:00Z", id="after-it"),
        pytest.param(EARLIER, Verdict(DOWN), 60.0, EARLIER, id="not-taken"),
        pytest.param(None, Verdict(DOWN), 60.0, None, id="never-taken"),
        pytest.param("soon", Verdict(), 600.0, "2026-01-01T00:00:00Z", id="somebodys-word"),
        pytest.param(
            "2027-01-01T00:00:00Z", Verdict(), 600.0, "2026-01-01T00:00:00Z", id="in-the-future"
        ),
    ],
)
def test_the_time_is_noted_once_in_an_interval(
    before: str | None, verdict: Verdict, interval: float, expected: str | None
) -> None:
    live = registry(status={"lastVerified": before} if before else {})
    status = registry_status(live, verdict, NOW, interval)
    assert (status.last_verified, status.verified) == (expected, verdict == Verdict())


def test_only_the_first_of_many_refusals_are_told() -> None:
    refused = {Right(f"acme/{number}"): "DENIED" for number in range(5)}
    trouble = Verdict(refused=refused).trouble("harbor")
    assert trouble is not None
    assert trouble.message == (
        "Registry harbor does not let Kapsa pull acme/0: DENIED; pull acme/1: DENIED;"
        " pull acme/2: DENIED; and 2 more"
    )
