"""The condition `TLSReady`, and what it means for the Environment as a whole."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.environments.environment import EnvironmentInput, plan_environment
from kapsa.core.environments.environment_status import Observed, environment_status
from kapsa.core.labels import COMMIT
from kapsa.core.tls.tls import BY_ROUTER, Tls
from kapsa.core.tls.tls_status import TlsInput
from kapsa.models.environment import EnvironmentStatus
from kapsa.models.reasons import Reason
from tests.builders import CREATED, condition, environment, pool, project, sha

HOST = "web.apps.example.com"
IMAGE = "registry.example.com/acme/shop:1"
OWN, COPY = Tls("certificate", "web-tls"), Tls("copy", "wild-tls")
UNWELL = {"conditions": [condition("IssuerReady", "False", message="ClusterIssuer ca: no key")]}
DOMAIN = {"domainPoolRef": {"name": "apps"}}
REFUSED = Blocked(Reason.TLS_IMPOSSIBLE, "name a Secret", stalled=True)
CONFLICT = Blocked(Reason.NAME_CONFLICT, "Secret wild-tls exists", stalled=True)


def certificate(status: str = "True", reason: str = "Ready", message: str = "") -> dict[str, Any]:
    """Return a live Certificate."""
    said = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return {
        "kind": "Certificate",
        "metadata": {"name": "web-tls"},
        "status": {"conditions": [said]},
    }


WAITS = certificate("False", "DoesNotExist", "no Secret yet")


def deployment(ready: int) -> dict[str, Any]:
    """Return the live Deployment, of one pod, that says so many are ready."""
    template = {
        "metadata": {"annotations": {COMMIT: sha("a")}},
        "spec": {"containers": [{"name": "web", "image": IMAGE}]},
    }
    return {
        "metadata": {"name": "web", "generation": 1},
        "spec": {"replicas": 1, "template": template},
        "status": {
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": ready,
            "availableReplicas": ready,
        },
    }


def status_of(
    tls: TlsInput,
    *,
    own: dict[str, Any] | None = None,
    ready: int = 1,
    pool_status: dict[str, Any] | None = None,
) -> EnvironmentStatus:
    """Return the status of an Environment that runs (with `ready` pods)."""
    known = EnvironmentInput(
        environment=environment(of=project(), image=IMAGE, commit=sha("a"), domain=DOMAIN),
        project=project(),
        host=HOST,
        pool=pool(status=pool_status, certManager={"issuerRef": {"name": "ca"}}),
        tls=tls,
    )
    objects: dict[tuple[str, str], Any] = {("Deployment", "web"): deployment(ready)}
    if own is not None:
        objects["Certificate", "web-tls"] = own
    return environment_status(known, plan_environment(known), Observed(objects), CREATED)


@pytest.mark.parametrize(
    ("tls", "own", "expected"),
    [
        pytest.param(TlsInput(), None, None, id="http"),
        pytest.param(TlsInput(BY_ROUTER), None, ("True", "TlsByRouter"), id="router"),
        pytest.param(TlsInput(Tls("secret", "mine")), None, ("True", "TlsBySecret"), id="Secret"),
        pytest.param(
            TlsInput(Tls("secret", "mine"), problem=Blocked(Reason.SECRET_NOT_FOUND, "")),
            None,
            ("False", "SecretNotFound"),
            id="a Secret that there isn't",
        ),
        pytest.param(TlsInput(OWN), None, ("False", "CertificatePending"), id="not made yet"),
        pytest.param(TlsInput(OWN), WAITS, ("False", "DoesNotExist"), id="not issued yet"),
        pytest.param(TlsInput(OWN), certificate(), ("True", "Ready"), id="issued"),
        pytest.param(
            TlsInput(COPY, wildcard=WAITS, copied=True),
            None,
            ("False", "DoesNotExist"),
            id="a copy of what is issued anew",
        ),
        pytest.param(
            TlsInput(COPY, wildcard=certificate()),
            None,
            ("False", "CertificatePending"),
            id="issued, and not copied yet",
        ),
        pytest.param(
            TlsInput(COPY, wildcard=certificate(), problem=CONFLICT),
            None,
            ("False", "NameConflict"),
            id="a stranger's Secret is in the way",
        ),
        pytest.param(
            TlsInput(COPY, wildcard=certificate(), copied=True),
            None,
            ("True", "Ready"),
            id="issued and copied",
        ),
        pytest.param(TlsInput(REFUSED), None, ("False", "TlsImpossible"), id="impossible"),
    ],
)
def test_the_condition(
    tls: TlsInput, own: dict[str, Any] | None, expected: tuple[str, str] | None
) -> None:
    status = status_of(tls, own=own)
    found = {item.type: (item.status, item.reason) for item in status.conditions}
    assert found.get("TLSReady") == expected
    is_good = expected is None or expected[0] == "True"
    assert found["Ready"][0] == str(is_good)


def test_an_environment_that_waits_for_its_certificate_is_being_deployed() -> None:
    status = status_of(TlsInput(OWN), own=WAITS)
    assert status.phase == "Deploying"
    found = {item.type: item for item in status.conditions}
    assert found["Ready"].reason == "CertificatePending"
    assert found["Ready"].message == "Certificate web-tls: no Secret yet"
    assert found["Reconciling"].reason == "CertificatePending"
    assert status.url == f"https://{HOST}"
    assert status.commit == sha("a"), "it runs, although nobody can trust the host"


def test_why_the_issuer_cannot_sign_stands_beside_what_waits_for_it() -> None:
    (tls,) = (
        item
        for item in status_of(TlsInput(OWN), own=WAITS, pool_status=UNWELL).conditions
        if item.type == "TLSReady"
    )
    assert tls.message == "Certificate web-tls: no Secret yet; ClusterIssuer ca: no key"


def test_an_order_that_failed_is_bad_news() -> None:
    failed = certificate("False", "Failed", "429")
    found = {item.type: item for item in status_of(TlsInput(OWN), own=failed).conditions}
    assert found["TLSReady"].reason == "Failed"
    assert found["Ready"].reason == "CertificateFailed"


def test_a_certificate_is_listed_as_ready_once_it_is_issued() -> None:
    for own, ready in ((WAITS, False), (certificate(), True)):
        status = status_of(TlsInput(OWN), own=own)
        listed = {item.kind: item.ready for item in status.resources}
        assert listed["Certificate"] == ready


def test_pods_that_are_not_ready_matter_more_than_the_certificate() -> None:
    found = {item.type: item for item in status_of(TlsInput(OWN), own=WAITS, ready=0).conditions}
    assert found["Ready"].reason == "WorkloadProgressing"
    assert found["TLSReady"].reason == "DoesNotExist"


def test_what_a_person_must_change_is_stalled() -> None:
    for tls in (TlsInput(REFUSED), TlsInput(COPY, wildcard=certificate(), problem=CONFLICT)):
        status = status_of(tls)
        assert status.phase == "Failed"
        assert "Stalled" in {item.type for item in status.conditions}


@pytest.mark.parametrize(
    ("tls", "url"),
    [
        (TlsInput(), f"http://{HOST}"),
        (TlsInput(BY_ROUTER), f"https://{HOST}"),
        (TlsInput(REFUSED), f"https://{HOST}"),
    ],
)
def test_the_url_and_the_message_say_how_the_host_is_spoken_to(tls: TlsInput, url: str) -> None:
    status = status_of(tls)
    assert status.url == url
    (ready,) = (item for item in status.conditions if item.type == "Ready")
    assert ready.status == "False" or url in ready.message


def test_the_url_of_what_is_still_routed_stays_while_the_pool_is_away() -> None:
    before = {"url": f"https://{HOST}", "host": HOST}
    known = EnvironmentInput(
        environment=environment(image=IMAGE, domain=DOMAIN, status=before),
        host=Blocked(Reason.DOMAIN_POOL_NOT_FOUND, "gone", stalled=True),
    )
    route = {"kind": "Ingress", "metadata": {"name": "web"}, "spec": {"rules": [{"host": HOST}]}}
    observed = Observed({("Ingress", "web"): route})
    status = environment_status(known, plan_environment(known), observed, CREATED)
    assert status.url == f"https://{HOST}"


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (TlsInput(), None),
        (TlsInput(BY_ROUTER), [{"hosts": [HOST]}]),
        (TlsInput(OWN), [{"hosts": [HOST], "secretName": "web-tls"}]),
        (TlsInput(COPY), [{"hosts": [HOST], "secretName": "wild-tls"}]),
    ],
)
def test_the_ingress_names_the_secret_and_pods_are_told_the_url(
    tls: TlsInput, expected: list[dict[str, Any]] | None
) -> None:
    known = EnvironmentInput(
        environment=environment(image=IMAGE, domain=DOMAIN),
        host=HOST,
        pool=pool(certManager={"issuerRef": {"name": "ca"}}),
        tls=tls,
    )
    objects = {item["kind"]: item for item in plan_environment(known).objects}
    assert objects["Ingress"]["spec"].get("tls") == expected
    env = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "KAPSA_URL", "value": f"{tls.scheme}://{HOST}"} in env
    assert ("Certificate" in objects) == (tls.tls == OWN)
