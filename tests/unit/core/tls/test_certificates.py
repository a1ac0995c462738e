"""What live Certificates and issuers say."""

from typing import Any

import pytest

from kapsa.core.tls.certificates import (
    certificate_problem,
    issuer_problem,
    ready_reason,
    trim_certificate,
)
from kapsa.models.reasons import Reason

Said = tuple[str, str, str, str, int]
WAITS: Said = ("Ready", "False", "DoesNotExist", "Issuing certificate as Secret does not exist", 2)
FAILED: Said = ("Issuing", "False", "Failed", "The certificate request has failed: 429", 2)
ISSUING: Said = ("Issuing", "True", "DoesNotExist", "Issuing certificate as ...", 2)
READY: Said = ("Ready", "True", "Ready", "Certificate is up to date and has not expired", 2)


def live(*conditions: Said) -> dict[str, Any]:
    """Return an object of cert-manager's, of generation 2, with those conditions."""
    names = ("type", "status", "reason", "message", "observedGeneration")
    said = [dict(zip(names, item, strict=True)) for item in conditions]
    return {"metadata": {"name": "web", "generation": 2}, "status": {"conditions": said}}


@pytest.mark.parametrize(
    ("certificate", "reason", "words"),
    [
        pytest.param(None, Reason.CERTIFICATE_PENDING, "being made", id="there is none"),
        pytest.param(live(), Reason.CERTIFICATE_PENDING, "has not looked", id="nobody has looked"),
        pytest.param(live(WAITS, ISSUING), "DoesNotExist", "Secret does not exist", id="waiting"),
        pytest.param(live(WAITS, FAILED), "Failed", "failed: 429", id="an order that failed"),
        pytest.param(
            live((*READY[:4], 1)),
            Reason.CERTIFICATE_PENDING,
            "has not looked",
            id="what was said of a former version",
        ),
        pytest.param(
            live(("Ready", "False", "no reason!", "words", 2)),
            Reason.CERTIFICATE_PENDING,
            "words",
            id="what is no reason",
        ),
    ],
)
def test_a_certificate_that_is_not_ready_says_why(
    certificate: dict[str, Any] | None, reason: str, words: str
) -> None:
    problem = certificate_problem(certificate, "web")
    assert problem is not None
    assert problem.reason == reason
    assert words in problem.message
    assert "Certificate web" in problem.message


@pytest.mark.parametrize("more", [(), (ISSUING,), (FAILED,)])
def test_a_certificate_is_ready_while_the_next_one_is_ordered(more: tuple[Said, ...]) -> None:
    assert certificate_problem(live(READY, *more), "web") is None
    assert ready_reason(live(READY)) == "Ready"


@pytest.mark.parametrize(
    ("issuer", "kind", "reason", "words"),
    [
        (None, "ClusterIssuer", Reason.ISSUER_NOT_FOUND, "does not exist;"),
        (None, "Issuer", Reason.ISSUER_NOT_FOUND, "in the operator's namespace"),
        (live(), "Issuer", Reason.ISSUER_NOT_READY, "has not looked at it"),
        (live(("Ready", "False", "Err", "no key", 2)), "Issuer", Reason.ISSUER_NOT_READY, "no key"),
    ],
)
def test_an_issuer_that_cannot_sign_says_why(
    issuer: dict[str, Any] | None, kind: str, reason: Reason, words: str
) -> None:
    problem = issuer_problem(issuer, kind, "ca")
    assert problem is not None
    assert problem.reason == reason
    assert f"{kind} ca" in problem.message
    assert words in problem.message


def test_an_issuer_that_is_ready_can_sign() -> None:
    assert issuer_problem(live(("Ready", "True", "KeyPairVerified", "", 2)), "Issuer", "ca") is None


def test_a_long_message_leaves_room_for_what_else_is_to_be_said() -> None:
    problem = certificate_problem(live(("Ready", "False", "Failed", "x" * 5000, 2)), "web")
    assert problem is not None
    assert len(problem.message) < 700


def test_of_a_certificate_nothing_is_kept_that_changes_with_a_renewal() -> None:
    full = live(READY, WAITS)
    full["spec"] = {"secretName": "web"}
    full["status"]["conditions"][0]["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    full["status"]["conditions"].append({"type": "Other", "status": "True"})
    full["status"]["revision"] = 7
    kept = trim_certificate(full)
    assert kept == {**live(READY, WAITS), "spec": {"secretName": "web"}}
    assert trim_certificate({"metadata": {}, "spec": {}}) == {"metadata": {}, "spec": {}}
