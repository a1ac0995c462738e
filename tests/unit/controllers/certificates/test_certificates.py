"""Certificates: ordered, copied to where they are used, renewed, and given up."""

from typing import Any

import pytest

from kapsa.core.tls.tls import host_certificate_name
from tests.builders import environment_manifest, pool_manifest, project_manifest
from tests.unit.controllers.certificate_rig import DOMAIN, MADE, POOL, SHOP, CertificateRig
from tests.unit.controllers.environment_rig import roll_out
from tests.unit.controllers.world import IMAGE, NAMESPACE, secret

OWN = host_certificate_name("web")


@pytest.fixture
async def rig() -> CertificateRig:
    return CertificateRig()


async def issued(rig: CertificateRig, **cert_manager: Any) -> str:
    """Have a wildcard issued, and a preview use it; return the name of the wildcard."""
    rig.start(**cert_manager)
    rig.preview()
    await rig.settle()
    rig.issue()
    await rig.settle()
    return rig.wildcard()


def orders(rig: CertificateRig) -> int:
    """Return how many writes of Certificates there were since this was asked last."""
    return sum(" Certificate " in verb for verb in rig.written())


async def test_a_wildcard_is_issued_once_and_copied_to_where_it_is_used(
    rig: CertificateRig,
) -> None:
    name = await issued(rig)
    copy = rig.cluster.live("Secret", name, MADE)
    assert copy["data"] == {"tls.crt": "crt-1", "tls.key": "key-1"}
    assert copy["metadata"]["ownerReferences"][0]["kind"] == "Namespace"
    ingress = rig.cluster.live("Ingress", "web", MADE)
    assert ingress["spec"]["tls"][0]["secretName"] == name
    assert rig.tls() == ("True", "Said")
    assert rig.status("Environment", "web", MADE)["url"].startswith("https://")


async def test_before_it_is_issued_the_environment_waits_for_it(rig: CertificateRig) -> None:
    rig.start()
    rig.preview()
    await rig.settle()
    assert rig.tls() == ("False", "CertificatePending")
    assert rig.names("Secret", MADE) == []
    assert rig.condition("CertificateReady", "DomainPool", "apps")[0] == "False"
    rig.issue()
    await rig.settle()
    assert rig.condition("CertificateReady", "DomainPool", "apps")[0] == "True"
    assert rig.condition("Ready", "DomainPool", "apps")[0] == "True"


async def test_previews_come_and_go_without_an_order_and_with_one_copy(
    rig: CertificateRig,
) -> None:
    name = await issued(rig)
    rig.written()
    for number in range(20):
        rig.preview(f"pr-{number}")
    await rig.settle()
    writes = rig.written()
    assert [verb for verb in writes if " Certificate " in verb or " Secret " in verb] == []
    for number in range(20):
        rig.cluster.remove("Environment", f"pr-{number}", MADE)
        rig.cluster.remove("Ingress", f"pr-{number}", MADE)
    await rig.settle()
    assert rig.names("Secret", MADE) == [name]
    assert orders(rig) == 0


async def test_the_copy_goes_with_the_last_one_that_uses_it_and_comes_back(
    rig: CertificateRig,
) -> None:
    name = await issued(rig)
    rig.cluster.remove("Environment", "web", MADE)
    rig.cluster.remove("Ingress", "web", MADE)
    await rig.settle()
    assert rig.names("Secret", MADE) == []
    assert rig.names("Secret", NAMESPACE) == [name]
    rig.written()
    rig.preview("later")
    await rig.settle()
    assert rig.names("Secret", MADE) == [name]
    assert orders(rig) == 0


async def test_a_renewed_wildcard_reaches_every_copy(rig: CertificateRig) -> None:
    name = await issued(rig)
    rig.renew(NAMESPACE, name)
    await rig.settle()
    assert rig.cluster.live("Secret", name, MADE)["data"]["tls.key"] == "key-2"


async def test_no_cache_holds_a_key(rig: CertificateRig) -> None:
    await issued(rig)
    kept = "".join(repr(manifest) for cache in rig.state.all for manifest in cache)
    assert "key-1" not in kept


@pytest.mark.parametrize("how", ["changed", "deleted", "without its labels"])
async def test_a_copy_that_somebody_meddled_with_is_put_right(
    rig: CertificateRig, how: str
) -> None:
    name = await issued(rig)
    before = rig.cluster.live("Secret", name, MADE)
    if how == "deleted":
        rig.cluster.remove("Secret", name, MADE)
    elif how == "changed":
        rig.cluster.put(before | {"data": before["data"] | {"tls.crt": "theirs"}})
    else:
        bare = {key: value for key, value in before["metadata"].items() if key != "labels"}
        rig.cluster.put(before | {"metadata": bare})
    await rig.settle()
    after = rig.cluster.live("Secret", name, MADE)
    assert after["data"] == before["data"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


async def test_after_convergence_nothing_is_written(rig: CertificateRig) -> None:
    await issued(rig)
    rig.written()
    rig.pool_queue.add(POOL)
    rig.environment_queue.add((MADE, "web"))
    rig.certificate_secrets.look_at_all()
    await rig.settle()
    assert rig.written() == []


async def test_a_strangers_secret_of_the_copys_name_is_left_alone(rig: CertificateRig) -> None:
    rig.start()
    rig.preview()
    await rig.settle()
    name = rig.wildcard()
    rig.cluster.put(secret(name, MADE, mine="all mine"))
    rig.issue()
    await rig.settle()
    assert rig.cluster.live("Secret", name, MADE)["data"] == {"mine": "all mine"}
    assert rig.tls() == ("False", "NameConflict")
    rig.written()
    rig.certificate_secrets._problems.clear()  # as after a restart
    rig.environment_queue.add((MADE, "web"))
    await rig.settle()
    assert [verb for verb in rig.written() if verb.startswith("status")] == []

    rig.cluster.remove("Secret", name, MADE)
    rig.environment_queue.add((MADE, "web"))
    await rig.settle()
    assert rig.tls() == ("True", "Said")


async def test_a_strangers_secret_of_a_certificates_name_is_left_alone(
    rig: CertificateRig,
) -> None:
    rig.cluster.put(secret(OWN, MADE, mine="all mine"))
    rig.start(mode="perHost")
    rig.preview()
    await rig.settle()
    assert rig.names("Certificate", MADE) == []
    assert rig.condition("Ready", "Environment", "web", MADE) == ("False", "NameConflict")


async def test_one_for_each_host_follows_cert_manager_and_heals(rig: CertificateRig) -> None:
    rig.start(mode="perHost")
    rig.preview()
    rig.issuer_says = ("False", "the order failed: 429")
    await rig.settle()
    rig.issue()
    await rig.settle()
    assert rig.tls() == ("False", "Said")
    (message,) = (
        item["message"]
        for item in rig.status("Environment", "web", MADE)["conditions"]
        if item["type"] == "TLSReady"
    )
    assert "429" in message
    rig.issuer_says = ("True", "signing")
    rig.issue()
    await rig.settle()
    assert rig.tls() == ("True", "Said")
    assert rig.names("Certificate", MADE) == [OWN]
    assert rig.names("Certificate", NAMESPACE) == []


async def test_what_the_pool_learns_of_its_issuer_reaches_environments(
    rig: CertificateRig,
) -> None:
    rig.start(mode="perHost")
    issuer = rig.cluster.live("ClusterIssuer", "ca")
    rig.issuer_says = ("False", "the CA has no key")
    rig.cluster.put(issuer | {"status": rig._said("ca")})
    rig.preview()
    await rig.settle()
    said = rig.status("Environment", "web", MADE)["conditions"]
    (message,) = (item["message"] for item in said if item["type"] == "TLSReady")
    assert "the CA has no key" in message
    assert rig.condition("IssuerReady", "DomainPool", "apps") == ("False", "IssuerNotReady")


async def test_an_issuer_is_looked_at_again(rig: CertificateRig) -> None:
    rig.start(issuerRef={"name": "none"})
    assert await rig.pools.reconcile(POOL) == 60.0
    assert rig.condition("IssuerReady", "DomainPool", "apps") == ("False", "IssuerNotFound")
    issuer = rig.cluster.live("ClusterIssuer", "ca")
    rig.cluster.put(issuer | {"metadata": {"name": "none"}})
    await rig.pools.reconcile(POOL)
    rig.issue()
    assert await rig.pools.reconcile(POOL) == 600.0
    assert rig.condition("IssuerReady", "DomainPool", "apps") == ("True", "IssuerReady")


async def test_an_issuer_of_kind_issuer_is_looked_for_beside_the_operator(
    rig: CertificateRig,
) -> None:
    rig.start(issuerRef={"name": "own", "kind": "Issuer"})
    issuer = rig.cluster.live("ClusterIssuer", "ca") | {"kind": "Issuer"}
    rig.cluster.put(issuer | {"metadata": {"name": "own", "namespace": NAMESPACE}})
    await rig.settle()
    assert rig.condition("IssuerReady", "DomainPool", "apps") == ("True", "IssuerReady")


async def test_in_its_projects_own_namespace_it_gets_a_certificate_of_its_own(
    rig: CertificateRig,
) -> None:
    rig.start()
    rig.cluster.put(project_manifest("shop", domain=DOMAIN, isolation="Shared"))
    rig.preview(namespace="team-a")
    await rig.settle()
    rig.issue()
    await rig.settle()
    assert rig.names("Certificate", "team-a") == [OWN]
    assert rig.names("Secret", "team-a") == [OWN]


async def test_who_names_a_wildcard_in_a_namespace_of_their_own_gets_no_copy(
    rig: CertificateRig,
) -> None:
    name = await issued(rig)
    theirs = rig.cluster.live("Ingress", "web", MADE)
    mine = {"name": "mine", "namespace": "team-a", "labels": theirs["metadata"]["labels"]}
    owned = {
        "app.kubernetes.io/managed-by": "kapsa",
        "kapsa-project.io/owner-uid": SHOP.metadata.uid,
    }
    rig.cluster.put(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a", "labels": owned}},
        theirs | {"metadata": mine},
    )
    await rig.settle()
    assert rig.names("Secret", "team-a") == []
    assert rig.names("Secret", MADE) == [name]


async def test_the_router_has_it_and_nothing_is_copied(rig: CertificateRig) -> None:
    rig.start(delivery="router")
    rig.preview()
    await rig.settle()
    rig.issue()
    await rig.settle()
    assert rig.tls() == ("True", "TlsByRouter")
    assert rig.names("Secret", MADE) == []
    (tls,) = rig.cluster.live("Ingress", "web", MADE)["spec"]["tls"]
    assert list(tls) == ["hosts"]
    assert rig.wildcard()


async def test_a_pool_that_gives_tls_up_takes_everything_back(rig: CertificateRig) -> None:
    await issued(rig)
    rig.cluster.put(pool_manifest("apps"))
    await rig.settle()
    assert rig.names("Certificate", NAMESPACE) == []
    assert rig.names("Secret", NAMESPACE) == [], "cert-manager leaves it behind"
    assert rig.names("Secret", MADE) == []
    assert rig.tls() == ("", "")
    assert rig.status("Environment", "web", MADE)["url"].startswith("http://")


async def test_a_pool_that_goes_leaves_the_copy_to_what_is_still_routed(
    rig: CertificateRig,
) -> None:
    name = await issued(rig)
    rig.cluster.remove("DomainPool", "apps")
    rig.cluster.remove("Certificate", name, NAMESPACE)
    rig.cluster.remove("Secret", name, NAMESPACE)
    await rig.settle()
    assert rig.names("Secret", MADE) == [name]


async def test_the_secret_of_a_certificate_that_is_gone_goes_too(rig: CertificateRig) -> None:
    rig.start(mode="perHost")
    rig.preview()
    await rig.settle()
    rig.issue()
    await rig.settle()
    assert rig.names("Secret", MADE) == [OWN]
    rig.cluster.remove("Certificate", OWN, MADE)
    rig.cluster.remove("Ingress", "web", MADE)
    rig.cluster.remove("Environment", "web", MADE)
    await rig.settle()
    assert rig.names("Secret", MADE) == []


@pytest.mark.parametrize("kind", ["Project", "Environment"])
async def test_the_secret_of_one_that_is_suspended_stays(rig: CertificateRig, kind: str) -> None:
    rig.start(mode="perHost")
    rig.preview()
    await rig.settle()
    rig.issue()
    await rig.settle()
    which = ("shop", "team-a") if kind == "Project" else ("web", MADE)
    live = rig.cluster.live(kind, *which)
    rig.cluster.put(live | {"spec": live["spec"] | {"suspend": True}})
    rig.cluster.remove("Certificate", OWN, MADE)
    rig.cluster.remove("Ingress", "web", MADE)
    await rig.settle()
    assert rig.names("Secret", MADE) == [OWN]


async def test_a_certificate_that_only_the_cache_misses_keeps_its_secret(
    rig: CertificateRig,
) -> None:
    rig.start(mode="perHost")
    rig.preview()
    await rig.settle()
    rig.issue()
    await rig.settle()
    live = rig.cluster.live("Certificate", OWN, MADE)
    live["metadata"]["resourceVersion"] = rig.cluster.next_version()
    rig.cluster.remove("Ingress", "web", MADE)
    rig.state.certificates.observe("DELETED", live)
    assert await rig.certificate_secrets.reconcile((MADE, OWN)) is None
    assert rig.names("Secret", MADE) == [OWN]


async def test_without_cert_manager_pool_and_environment_say_so(rig: CertificateRig) -> None:
    rig.state.certificates.is_served = False
    rig.start()
    rig.preview()
    await rig.settle()
    assert rig.condition("Ready", "DomainPool", "apps") == ("False", "CertManagerMissing")
    assert rig.condition("Ready", "Environment", "web", MADE) == ("False", "CertManagerMissing")
    assert rig.tls() == ("False", "CertManagerMissing")
    assert rig.names("Ingress", MADE) == []


async def test_a_zone_has_a_certificate_while_somebody_is_in_it(rig: CertificateRig) -> None:
    rig.cluster.put(
        pool_manifest("apps", naming="nested", certManager={"issuerRef": {"name": "ca"}})
    )
    await rig.pools.reconcile(POOL)
    assert rig.names("Certificate", NAMESPACE) == []
    claim = rig.hold("shop.apps.example.com", kind="subdomain")
    await rig.pools.reconcile(POOL)
    name = rig.wildcard()
    assert rig.cluster.live("Certificate", name, NAMESPACE)["spec"]["dnsNames"] == [
        "*.shop.apps.example.com",
        "shop.apps.example.com",
    ]
    rig.cluster.remove("Lease", claim["metadata"]["name"], NAMESPACE)
    await rig.pools.reconcile(POOL)
    assert rig.names("Certificate", NAMESPACE) == []


async def test_a_standby_gathers_nothing(rig: CertificateRig) -> None:
    rig.active = False
    rig.start()
    rig.preview()
    assert len(rig.certificate_secrets.queue) == len(rig.pool_queue) == 0


async def test_it_is_ready_only_with_its_certificate(rig: CertificateRig) -> None:
    rig.start(mode="perHost")
    rig.cluster.put(
        environment_manifest("web", image=IMAGE, domain={"domainPoolRef": {"name": "apps"}})
    )
    await rig.settle()
    roll_out(rig)
    await rig.settle()
    assert rig.condition("Ready", "Environment", "web", "team-a") == (
        "False",
        "CertificatePending",
    )
    rig.issue()
    await rig.settle()
    assert rig.condition("Ready", "Environment", "web", "team-a") == ("True", "Ready")
