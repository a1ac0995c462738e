"""Where the certificate of a host comes from."""

from typing import Any

import pytest

from kapsa.core.conditions import Blocked
from kapsa.core.tls.tls import (
    BY_ROUTER,
    NO_TLS,
    Tls,
    TlsRequest,
    host_certificate_name,
    tls_of,
)
from kapsa.core.tls.wildcards import wildcard_name
from kapsa.models import DomainPool, Environment
from kapsa.models.reasons import Reason
from tests.builders import environment, pool, project

HOST, ZONE = "web.apps.example.com", "apps.example.com"
OWN = Tls("certificate", host_certificate_name("web"))
COPY = Tls("copy", wildcard_name("apps", ZONE))
GATEWAY = {"kind": "Gateway", "gatewayRef": {"name": "public", "namespace": "gateways"}}


def offered(*, routing: dict[str, Any] | None = None, **cert_manager: Any) -> DomainPool:
    """Return a pool with wildcards of a ClusterIssuer, changed by keyword."""
    said = {"issuerRef": {"name": "letsencrypt"}} | cert_manager
    more: dict[str, Any] = {"routing": routing} if routing else {}
    return pool(certManager=said, **more)


def router(issuer: dict[str, str] | None = None, **more: Any) -> DomainPool:
    """Return a pool whose router has the wildcard, which `issuer` signs."""
    said = {"delivery": "router"} | ({"issuerRef": issuer} if issuer else {})
    return pool(certManager=said, **more)


def made(**ingress: Any) -> Environment:
    """Return an Environment in a namespace that Kapsa made for its Project."""
    return environment(of=project(), namespace="kapsa-shop-1", domain=DOMAIN, ingress=ingress)


def shared(**ingress: Any) -> Environment:
    """Return an Environment in its Project's own namespace."""
    return environment(of=project(), namespace="team-a", domain=DOMAIN, ingress=ingress)


def alone(**ingress: Any) -> Environment:
    """Return an Environment without a Project."""
    return environment(namespace="team-a", domain=DOMAIN, ingress=ingress)


DOMAIN = {"domainPoolRef": {"name": "apps"}}
PER_HOST = offered(mode="perHost")
ISSUER = offered(issuerRef={"name": "own", "kind": "Issuer"})


@pytest.mark.parametrize(
    ("given", "given_pool", "zone", "expected"),
    [
        pytest.param(made(), pool(), ZONE, NO_TLS, id="the pool has no TLS"),
        pytest.param(made(), None, "", NO_TLS, id="there is no pool"),
        pytest.param(made(), offered(mode="none"), ZONE, NO_TLS, id="mode none"),
        pytest.param(made(tls={"enabled": False}), offered(), ZONE, NO_TLS, id="not wanted"),
        pytest.param(made(enabled=False), offered(), ZONE, NO_TLS, id="nothing is routed"),
        pytest.param(made(), offered(), ZONE, COPY, id="wildcard in a made namespace"),
        pytest.param(
            made(), ISSUER, ZONE, COPY, id="wildcard of an Issuer in the operator's namespace"
        ),
        pytest.param(shared(), offered(), ZONE, OWN, id="wildcard, Shared"),
        pytest.param(alone(), offered(), ZONE, OWN, id="wildcard, standing alone"),
        pytest.param(made(), PER_HOST, ZONE, OWN, id="perHost in a made namespace"),
        pytest.param(alone(), PER_HOST, ZONE, OWN, id="perHost, standing alone"),
        pytest.param(made(), router(), ZONE, BY_ROUTER, id="router"),
        pytest.param(alone(), router(), ZONE, BY_ROUTER, id="router, standing alone"),
        pytest.param(made(), router(routing=GATEWAY), ZONE, BY_ROUTER, id="Gateway"),
        pytest.param(
            made(host="a.example.org"), router(routing=GATEWAY), "", BY_ROUTER, id="own host there"
        ),
        pytest.param(made(), pool(routing=GATEWAY), ZONE, NO_TLS, id="Gateway without TLS"),
        pytest.param(made(), offered(), "", OWN, id="own host: no wildcard is for it"),
        pytest.param(
            made(), router({"name": "letsencrypt"}), "", OWN, id="own host where a router has one"
        ),
        pytest.param(
            alone(tls={"secretName": "mine"}),
            offered(),
            ZONE,
            Tls("secret", "mine"),
            id="own Secret",
        ),
        pytest.param(
            alone(tls={"secretName": "mine"}),
            pool(),
            ZONE,
            Tls("secret", "mine"),
            id="own Secret where the pool has no TLS",
        ),
        pytest.param(
            alone(tls={"secretName": "mine", "enabled": False}),
            offered(),
            ZONE,
            NO_TLS,
            id="own Secret that is not wanted",
        ),
    ],
)
def test_the_certificate_comes_from(
    given: Environment, given_pool: DomainPool | None, zone: str, expected: Tls
) -> None:
    assert tls_of(TlsRequest(given, given_pool, HOST, zone)) == expected
    assert tls_of(TlsRequest(given, given_pool, "")) == NO_TLS


def test_a_secret_of_the_project_is_named_as_its_copy_is() -> None:
    found = tls_of(TlsRequest(made(tls={"secretName": "mine"}), offered(), HOST, ZONE))
    assert isinstance(found, Tls)
    assert found.source == "secret"
    assert found.secret not in ("", "mine")


@pytest.mark.parametrize(
    ("given", "given_pool", "zone", "words"),
    [
        pytest.param(
            shared(), ISSUER, ZONE, ("namespace team-a", "ClusterIssuer"), id="Shared, an Issuer"
        ),
        pytest.param(made(), ISSUER, "", ("Issuer own", "secretName"), id="own host, an Issuer"),
        pytest.param(
            made(), router(), "", ("no base domain", "secretName"), id="own host, nobody signs"
        ),
        pytest.param(
            alone(tls={"secretName": "mine"}),
            router(routing=GATEWAY),
            ZONE,
            ("listeners", "leave spec.ingress.tls.secretName out"),
            id="own Secret at a Gateway",
        ),
    ],
)
def test_what_gives_no_certificate_says_what_to_do(
    given: Environment, given_pool: DomainPool, zone: str, words: tuple[str, ...]
) -> None:
    refusal = tls_of(TlsRequest(given, given_pool, HOST, zone))
    assert isinstance(refusal, Blocked)
    assert refusal.reason == Reason.TLS_IMPOSSIBLE
    assert refusal.stalled
    assert all(word in refusal.message for word in words)


@pytest.mark.parametrize(
    ("given", "given_pool", "is_missed"),
    [
        pytest.param(made(), offered(), True, id="wildcard"),
        pytest.param(alone(), PER_HOST, True, id="perHost"),
        pytest.param(made(), router({"name": "letsencrypt"}), False, id="router"),
        pytest.param(alone(tls={"secretName": "mine"}), PER_HOST, False, id="own Secret"),
    ],
)
def test_cert_manager_is_missed_only_where_it_would_issue_something(
    given: Environment, given_pool: DomainPool, *, is_missed: bool
) -> None:
    found = tls_of(TlsRequest(given, given_pool, HOST, ZONE, served=False))
    if not is_missed:
        assert isinstance(found, Tls)
        return
    assert isinstance(found, Blocked)
    assert found.reason == Reason.CERT_MANAGER_MISSING


def test_who_has_a_certificate_speaks_https() -> None:
    assert [item.scheme for item in (NO_TLS, COPY, BY_ROUTER)] == ["http", "https", "https"]


def test_a_certificate_is_never_called_like_an_environment() -> None:
    assert host_certificate_name("web-tls") != host_certificate_name("web")
    assert host_certificate_name("web") not in ("web", "web-tls")
