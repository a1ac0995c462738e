"""What a DomainPool says of its issuer and certificates."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.hosts.pool_status import pool_status
from kapsa.core.tls.pool_tls import PoolTls, judge_pool
from kapsa.models.domain_pool import DomainPoolStatus
from kapsa.models.reasons import Reason
from tests.builders import CREATED, pool


def said(status: str, message: str = "") -> dict[str, Any]:
    """Return an issuer or a Certificate that cert-manager says that of."""
    ready = {"type": "Ready", "status": status, "reason": "Said", "message": message}
    return {"metadata": {}, "status": {"conditions": [ready]}}


GOOD = said("True")
AWAY = Blocked(Reason.API_SERVER_UNAVAILABLE, "no answer")


def status_of(known: PoolTls, **cert_manager: Any) -> DomainPoolStatus:
    """Return the status of a pool with an issuer, or without TLS where nothing is said."""
    offered = pool(certManager={"issuerRef": {"name": "ca"}} | cert_manager)
    return pool_status(offered, {}, CREATED, judge_pool(offered, known))


def test_a_pool_without_tls_says_nothing_of_it() -> None:
    for offered in (
        pool(),
        pool(certManager={"mode": "none"}),
        pool(certManager={"delivery": "router"}),
    ):
        assert judge_pool(offered, PoolTls(served=False)).findings == ()


@pytest.mark.parametrize(
    ("known", "expected", "stuck"),
    [
        pytest.param(
            PoolTls(issuer=GOOD, certificates={"a": GOOD}),
            {
                "Ready": "Ready",
                "IssuerReady": "IssuerReady",
                "CertificateReady": "CertificateReady",
            },
            None,
            id="all is well",
        ),
        pytest.param(
            PoolTls(issuer=GOOD, certificates={"a": GOOD, "b": said("False"), "c": None}),
            {
                "Ready": "CertificatePending",
                "IssuerReady": "IssuerReady",
                "CertificateReady": "CertificatePending",
            },
            "Reconciling",
            id="some are not issued yet",
        ),
        pytest.param(
            PoolTls(issuer=None, certificates={"a": None}),
            {
                "Ready": "IssuerNotFound",
                "IssuerReady": "IssuerNotFound",
                "CertificateReady": "CertificatePending",
            },
            "Stalled",
            id="there is no such issuer",
        ),
        pytest.param(
            PoolTls(issuer=said("False", "no key"), certificates={"a": GOOD}),
            {
                "Ready": "IssuerNotReady",
                "IssuerReady": "IssuerNotReady",
                "CertificateReady": "CertificateReady",
            },
            "Reconciling",
            id="the issuer has a problem",
        ),
        pytest.param(
            PoolTls(issuer=AWAY, certificates={"a": GOOD}),
            {
                "Ready": "ApiServerUnavailable",
                "IssuerReady": "ApiServerUnavailable",
                "CertificateReady": "CertificateReady",
            },
            "Reconciling",
            id="nobody can tell",
        ),
        pytest.param(
            PoolTls(issuer=GOOD, failure=Blocked(Reason.NAME_CONFLICT, "taken", stalled=True)),
            {
                "Ready": "NameConflict",
                "IssuerReady": "IssuerReady",
                "CertificateReady": "NameConflict",
            },
            "Stalled",
            id="the name is taken",
        ),
        pytest.param(
            PoolTls(served=False),
            {
                "Ready": "CertManagerMissing",
                "IssuerReady": "CertManagerMissing",
                "CertificateReady": "CertManagerMissing",
            },
            "Stalled",
            id="there is no cert-manager",
        ),
    ],
)
def test_the_conditions_of_a_pool(
    known: PoolTls, expected: dict[str, str], stuck: str | None
) -> None:
    found = {item.type: item.reason for item in status_of(known).conditions}
    progress = found.keys() - expected.keys()
    assert progress == ({stuck} if stuck else set())
    assert {type_: found[type_] for type_ in expected} == expected


def test_with_one_certificate_for_each_host_the_pool_speaks_of_its_issuer_only() -> None:
    found = {item.type for item in status_of(PoolTls(issuer=GOOD), mode="perHost").conditions}
    assert found == {"Ready", "IssuerReady"}


def test_the_message_counts_and_names_the_first_one_that_is_missing() -> None:
    known = PoolTls(issuer=GOOD, certificates={"a": GOOD, "b": said("False", "slow"), "c": None})
    (found,) = (
        item.message for item in status_of(known).conditions if item.type == "CertificateReady"
    )
    assert found == "2 of 3 wildcard certificates are not issued: Certificate b: slow"
