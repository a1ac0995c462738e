"""Certificates by the real cert-manager: ordered once, copied to where they are used, renewed."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lab
from lab.operator import NAMESPACE, OperatorProcess
from lab.scenario import Application, Manifest, condition, is_ready, lone_environment, wait_for

PREVIEWS = 30
"""How many previews are made, deleted and made again; `benchmarks.certificates` has a thousand."""

ISSUERS = """
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: tls-self-signed}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: tls-ca, namespace: cert-manager}
spec:
  isCA: true
  commonName: Laboratory
  secretName: tls-ca
  issuerRef: {name: tls-self-signed, kind: ClusterIssuer}
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: tls-ca}
spec: {ca: {secretName: tls-ca}}
"""

NewPool = Callable[..., str]


@pytest.fixture(scope="module", autouse=True)
def issuers(admin: lab.Platform) -> Iterator[None]:
    """A CA of the laboratory's own."""
    admin.kubectl("apply", "-f", "-", input=ISSUERS)
    admin.kubectl("wait", "--for=condition=Ready", "clusterissuer/tls-ca", "--timeout=60s")
    yield
    admin.kubectl("delete", "-f", "-", input=ISSUERS)


@pytest.fixture
def new_pool(app: Application) -> Iterator[NewPool]:
    """Makes, and changes, the DomainPool of this test; its base domain is called like it."""
    name = f"tls-{app.namespace}"

    def make(naming: str = "flat", **cert_manager: Any) -> str:
        said = {"issuerRef": {"name": "tls-ca"}} | cert_manager
        app.apply(
            {
                "apiVersion": "kapsa-project.io/v1alpha1",
                "kind": "DomainPool",
                "metadata": {"name": name},
                "spec": {
                    "baseDomains": [f"{name}.localhost"],
                    "naming": naming,
                    "certManager": said,
                },
            }
        )
        return name

    yield make
    app.delete("domainpool", name)


def _project(app: Application, pool: str, **spec: Any) -> Manifest:
    domain = {"domainPoolRef": {"name": pool}, "subdomain": "shop"}
    return app.project(domain=domain, **spec)


def _lone(app: Application, pool: str, name: str = "web", **spec: Any) -> Manifest:
    app.push_image("v1")
    return lone_environment(
        name,
        app.namespace,
        image=f"{app.registry.host}/{app.image_repository}:v1",
        domain={"domainPoolRef": {"name": pool}},
        **spec,
    )


def _of_pool(app: Application, pool: str) -> list[Manifest]:
    """Return the Certificates that were ordered for a pool."""
    return app.list("certificates", labelSelector=f"kapsa-project.io/domain-pool={pool}")


def _wildcard(app: Application, pool: str) -> str:
    """Return the name of the one Certificate that was ordered for a pool."""
    (found,) = _of_pool(app, pool)
    assert found["metadata"]["namespace"] == NAMESPACE
    return str(found["metadata"]["name"])


def _tls_secret(app: Application, environment: Manifest) -> str:
    """Return the Secret that an Environment's Ingress names; nothing where it names none."""
    meta = environment["metadata"]
    ingress = app.get("ingress", meta["name"], meta["namespace"]) or {}
    (tls,) = ingress["spec"]["tls"]
    assert tls["hosts"] == [environment["status"]["host"]]
    return str(tls.get("secretName", ""))


def _content(app: Application, name: str, namespace: str) -> dict[str, str]:
    return dict((app.get("secret", name, namespace) or {}).get("data") or {})


def _requests(app: Application) -> set[str]:
    return {item["metadata"]["uid"] for item in app.list("certificaterequests")}


def _wait_for_tls(app: Application, name: str, status: str, *words: str) -> Manifest:
    """Wait until `TLSReady` of an Environment in the team's namespace says so; return it."""

    def look() -> Manifest | None:
        found = condition(app.get("environment", name), "TLSReady")
        fits = found.get("status") == status and all(word in found["message"] for word in words)
        return found if fits else None

    return wait_for(f"TLSReady of {name} is {status}: {words}", look)


def _wait_for_previews(app: Application, count: int) -> list[Manifest]:
    def look() -> list[Manifest] | None:
        found = [item for item in app.environments().values() if item["spec"]["type"] == "preview"]
        return found if len(found) == count and all(map(is_ready, found)) else None

    if count:
        return wait_for(f"{count} previews are Ready", look, within=60)
    wait_for("no preview is left", lambda: look() == [], within=60)
    return []


def test_a_wildcard_is_issued_once_and_copied_once_to_where_previews_are(
    shared_operator: OperatorProcess, app: Application, new_pool: NewPool
) -> None:
    pool = new_pool()
    sha = app.commit("main")
    for number in range(PREVIEWS):
        app.worktree.git("branch", f"preview/{number}")
    app.worktree.git("push", "--quiet", "origin", "refs/heads/preview/*")
    branches = {"enabled": True, "include": ["preview/*"]}
    previews = {"enabled": True, "maxActive": PREVIEWS, "branches": branches}
    app.apply(_project(app, pool, previewEnvironments=previews))
    production = app.wait_until_running("production", sha)
    assert production["status"]["url"] == f"https://shop.{pool}.localhost"
    assert condition(production, "TLSReady")["status"] == "True"
    name, namespace = _wildcard(app, pool), production["metadata"]["namespace"]
    assert _tls_secret(app, production) == name
    assert _content(app, name, namespace) == _content(app, name, NAMESPACE)

    first = _wait_for_previews(app, PREVIEWS)
    assert {_tls_secret(app, preview) for preview in first} == {name}
    before = _requests(app)
    copy = app.get("secret", name, namespace) or {}
    app.apply(_project(app, pool, previewEnvironments={"enabled": False}))
    _wait_for_previews(app, 0)
    app.apply(_project(app, pool, previewEnvironments=previews))
    again = _wait_for_previews(app, PREVIEWS)
    uids = [{item["metadata"]["uid"] for item in previews} for previews in (first, again)]
    assert not uids[0] & uids[1]
    assert _requests(app) == before
    after = app.get("secret", name, namespace) or {}
    assert after["metadata"]["resourceVersion"] == copy["metadata"]["resourceVersion"]

    # cert-manager orders a new one where the Secret is gone; in ordinary life, when it expires.
    app.delete("secret", name, NAMESPACE)

    def renewed() -> bool:
        now = _content(app, name, namespace)
        return now != copy["data"] and now == _content(app, name, NAMESPACE)

    wait_for("the renewed wildcard reaches the copy", renewed, within=60)
    assert len(_requests(app) - before) == 1

    app.delete("secret", name, namespace)
    wait_for("a copy that was deleted is back", renewed)

    new_pool(mode="none")
    wait_for(
        "all speak http again",
        lambda: app.environments()["production"]["status"]["url"].startswith("http://"),
    )
    wait_for("the copy is gone", lambda: not _content(app, name, namespace))
    wait_for("so is the certificate", lambda: not _of_pool(app, pool))
    assert not condition(app.environment("production"), "TLSReady")


def test_elsewhere_each_host_has_a_certificate_and_no_wildcard_is_copied(
    shared_operator: OperatorProcess, app: Application, new_pool: NewPool
) -> None:
    pool = new_pool()
    sha = app.commit("main")
    app.apply(_project(app, pool, isolation="Shared"), _lone(app, pool))
    production = app.wait_until_running("production", sha)
    assert production["metadata"]["namespace"] == app.namespace
    _wait_for_tls(app, "web", "True")
    web = app.get("environment", "web") or {}
    wildcard = _wildcard(app, pool)
    own = {_tls_secret(app, item) for item in (production, web)}
    assert len(own) == 2
    assert wildcard not in own
    assert not _content(app, wildcard, app.namespace)
    certificates = {
        item["metadata"]["name"]: item["spec"]["dnsNames"]
        for item in app.list("certificates")
        if item["metadata"]["namespace"] == app.namespace
    }
    assert certificates == {
        _tls_secret(app, item): [item["status"]["host"]] for item in (production, web)
    }
    app.delete("environment", "web")
    wait_for(
        "certificate and Secret go with it",
        lambda: not _content(app, _tls_secret_of(web), app.namespace),
    )


def _tls_secret_of(environment: Manifest) -> str:
    (found,) = (
        item["name"] for item in environment["status"]["resources"] if item["kind"] == "Certificate"
    )
    return str(found)


def test_why_there_is_no_certificate_is_said_in_cert_managers_words_until_it_heals(
    shared_operator: OperatorProcess, app: Application, new_pool: NewPool
) -> None:
    issuer = f"broken-{app.namespace}"
    app.apply(
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "ClusterIssuer",
            "metadata": {"name": issuer},
            "spec": {"ca": {"secretName": issuer}},
        }
    )
    try:
        pool = new_pool(mode="perHost", issuerRef={"name": issuer})
        app.apply(_lone(app, pool))
        _wait_for_tls(app, "web", "False", f'secret "{issuer}" not found')

        def waits_for_nothing_else() -> bool:
            found = app.get("environment", "web") or {"status": {}}
            ready = condition(found, "Ready")
            return (found["status"].get("phase"), ready.get("reason")) == (
                "Deploying",
                "CertificatePending",
            )

        wait_for("it is being deployed, but for its certificate", waits_for_nothing_else)
        unwell = condition(app.get("domainpool", pool, ""), "IssuerReady")
        assert unwell["status"] == "False"

        ca = app.get("secret", "tls-ca", "cert-manager") or {}
        app.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": ca["type"],
                "metadata": {"name": issuer, "namespace": "cert-manager"},
                "data": ca["data"],
            }
        )
        _wait_for_tls(app, "web", "True")
        wait_for("the Environment is Ready", lambda: is_ready(app.get("environment", "web")))
    finally:
        app.delete("clusterissuer", issuer, "")
        app.delete("secret", issuer, "cert-manager")


def test_what_has_converged_is_not_written_again_and_what_was_changed_is_put_right(
    shared_operator: OperatorProcess, app: Application, new_pool: NewPool
) -> None:
    pool = new_pool(mode="perHost")
    app.apply(_lone(app, pool))
    _wait_for_tls(app, "web", "True")
    wait_for("the Environment is Ready", lambda: is_ready(app.get("environment", "web")))
    name = _tls_secret_of(app.get("environment", "web") or {})
    before = app.get("certificate", name) or {}

    patch = json.dumps({"spec": {"dnsNames": ["theirs.localhost"]}})
    kubectl = app.platform.kubectl
    kubectl("patch", "certificate", name, "-n", app.namespace, "--type=merge", "-p", patch)

    def put_right() -> Manifest | None:
        found = app.get("certificate", name) or {}
        ready = condition(found, "Ready")
        fits = found["spec"] == before["spec"] and ready.get("status") == "True"
        return found if fits and ready["observedGeneration"] == 3 else None

    found = wait_for("the Certificate is as it was", put_right)
    app.annotate("environment", "web", app.namespace, requestedAt="now")
    wait_for(
        "the Environment was looked at",
        lambda: (app.get("environment", "web") or {})["status"].get("lastHandledRequestedAt"),
    )
    managers = {
        item["manager"]: item["time"] for item in found["metadata"].get("managedFields", ())
    }
    now = app.get("certificate", name) or {}
    assert now["metadata"]["generation"] == found["metadata"]["generation"]
    assert {item["manager"]: item["time"] for item in now["metadata"].get("managedFields", ())}[
        "kapsa"
    ] == managers["kapsa"]


def test_a_router_that_has_the_wildcard_gets_no_copy(
    shared_operator: OperatorProcess, app: Application, new_pool: NewPool
) -> None:
    pool = new_pool(delivery="router")
    sha = app.commit("main")
    app.apply(_project(app, pool))
    production = app.wait_until_running("production", sha)
    assert production["status"]["url"] == f"https://shop.{pool}.localhost"
    assert condition(production, "TLSReady")["reason"] == "TlsByRouter"
    assert _tls_secret(app, production) == ""
    assert not _content(app, _wildcard(app, pool), production["metadata"]["namespace"])


def test_where_hosts_nest_each_subdomain_has_a_wildcard_while_it_is_held(
    shared_operator: OperatorProcess, app: Application, new_pool: NewPool
) -> None:
    pool = new_pool(naming="nested")
    both = [{"name": name, "branch": "main"} for name in ("production", "staging")]
    app.apply(_project(app, pool, environments=both))
    sha = app.commit("main")
    given = [app.wait_until_running(name, sha) for name in ("production", "staging")]
    name, zone = _wildcard(app, pool), f"shop.{pool}.localhost"
    assert (app.get("certificate", name, NAMESPACE) or {})["spec"]["dnsNames"] == [
        f"*.{zone}",
        zone,
    ]
    assert {_tls_secret(app, item) for item in given} == {name}
    app.delete("project", app.name)
    wait_for("the zone's certificate is gone", lambda: not _of_pool(app, pool))


def test_a_strangers_secret_of_the_copys_name_is_left_alone(
    shared_operator: OperatorProcess, app: Application, new_pool: NewPool
) -> None:
    pool = new_pool()
    sha = app.commit("main", image=False)
    app.apply(_project(app, pool))
    wait_for("the wildcard is ordered", lambda: _of_pool(app, pool))
    app.wait_for_condition("ImageReady", "ImageNotFound", slug="production")
    environment = app.environment("production") or {}
    name, namespace = _wildcard(app, pool), environment["metadata"]["namespace"]
    theirs = base64.b64encode(b"theirs").decode()
    app.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "data": {"mine": theirs},
        }
    )
    app.push_image(sha)
    app.wait_for_condition("TLSReady", "NameConflict", slug="production")
    assert _content(app, name, namespace) == {"mine": theirs}
    app.delete("secret", name, namespace)
    meta = environment["metadata"]
    app.annotate("environment", meta["name"], namespace, requestedAt="now")
    app.wait_until_running("production", sha)
    assert _content(app, name, namespace) == _content(app, name, NAMESPACE)
