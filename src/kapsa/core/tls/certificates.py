"""What live Certificates and issuers of cert-manager say of themselves.

Source: https://cert-manager.io/docs/reference/api-docs/
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from kapsa.core.conditions import Blocked
from kapsa.models.reasons import Reason
from kapsa.utils.text import sanitise

Manifest = Mapping[str, Any]

_REASON: Final = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]{0,198}[A-Za-z0-9_])?")
"""What Kubernetes takes for the reason of a condition."""

_TELLING: Final = ("type", "status", "reason", "message", "observedGeneration")

_LONGEST_SAYING: Final = 600
"""Most characters that a message of cert-manager's takes up in one of Kapsa's."""


def certificate_problem(certificate: Manifest | None, name: str) -> Blocked | None:
    """Return why a Certificate is not ready, in cert-manager's words; None where it is.

    An order that failed, and is tried again later, says more than that there is no Secret yet.

    Args:
        certificate: The live Certificate; None where there is none.
        name: What it is called.
    """
    if certificate is None:
        return Blocked(Reason.CERTIFICATE_PENDING, f"Certificate {name} is being made")
    ready, issuing = _condition(certificate, "Ready"), _condition(certificate, "Issuing")
    if ready.get("status") == "True":
        return None
    failed = issuing.get("status") == "False" and issuing.get("message")
    telling = issuing if failed else ready
    if not telling:
        return Blocked(
            Reason.CERTIFICATE_PENDING, f"cert-manager has not looked at Certificate {name} yet"
        )
    return Blocked(
        _reason(telling, Reason.CERTIFICATE_PENDING), f"Certificate {name}: {_said(telling)}"
    )


def ready_reason(certificate: Manifest) -> str:
    """Return the reason that cert-manager gives for a Certificate that is ready."""
    return _reason(_condition(certificate, "Ready"), Reason.CERTIFICATE_READY)


def issuer_problem(issuer: Manifest | None, kind: str, name: str) -> Blocked | None:
    """Return why an issuer can't sign; None where it can.

    Args:
        issuer: The live ClusterIssuer or Issuer; None where there is none.
        kind: Which of the two.
        name: What it is called.
    """
    if issuer is None:
        where = "" if kind == "ClusterIssuer" else " in the operator's namespace"
        return Blocked(
            Reason.ISSUER_NOT_FOUND,
            f"{kind} {name} does not exist{where}; make it, or correct spec.certManager.issuerRef",
            stalled=True,
        )
    ready = _condition(issuer, "Ready")
    if ready.get("status") == "True":
        return None
    said = _said(ready) if ready else "cert-manager has not looked at it yet"
    return Blocked(Reason.ISSUER_NOT_READY, f"{kind} {name}: {said}")


def trim_certificate(certificate: Manifest) -> dict[str, Any]:
    """Return a Certificate with nothing of its status but what `certificate_problem` reads.

    The rest changes with every renewal.
    """
    kept = {key: value for key, value in certificate.items() if key != "status"}
    conditions = [
        {key: item[key] for key in _TELLING if key in item}
        for item in (certificate.get("status") or {}).get("conditions") or ()
        if item.get("type") in ("Ready", "Issuing")
    ]
    return kept | ({"status": {"conditions": conditions}} if conditions else {})


def _condition(manifest: Manifest, type_: str) -> Manifest:
    """Return what cert-manager says of this version of the object; nothing where it says nothing.

    What it said of a former version doesn't count.
    """
    generation = (manifest.get("metadata") or {}).get("generation")
    for condition in (manifest.get("status") or {}).get("conditions") or ():
        about = condition.get("observedGeneration", generation)
        if condition.get("type") == type_ and about == generation:
            return condition  # type: ignore[no-any-return]
    return {}


def _reason(condition: Manifest, otherwise: Reason) -> str:
    reason = str(condition.get("reason") or "")
    return reason if _REASON.fullmatch(reason) else otherwise


def _said(condition: Manifest) -> str:
    return sanitise(str(condition.get("message") or condition.get("reason") or ""), _LONGEST_SAYING)
