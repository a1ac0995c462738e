"""Who gets which host, and that nobody loses one."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, condition, lone_environment, wait_for

NewApplication = Callable[..., Application]


def _domain(subdomain: str | None = None, pool: str = "apps") -> Manifest:
    domain: Manifest = {"domainPoolRef": {"name": pool}}
    return domain | ({"subdomain": subdomain} if subdomain else {})


def _pool(name: str, *bases: str, **spec: Any) -> Manifest:
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "DomainPool",
        "metadata": {"name": name},
        "spec": {"baseDomains": list(bases), **spec},
    }


def _lone(app: Application, name: str, pool: str, namespace: str = "") -> Manifest:
    """Return an Environment without a Project that wants the host called like itself."""
    image = f"{app.registry.host}/{app.image_repository}:v1"
    return lone_environment(
        name, namespace or app.namespace, image=image, domain=_domain(pool=pool)
    )


def _hosts(app: Application, pool: str) -> dict[tuple[str, str], str]:
    """Return the hosts that Environments have from a pool, by their namespace and name."""
    return {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item["status"]["host"]
        for item in app.list("environments")
        if item["spec"].get("domain", {}).get("domainPoolRef", {}).get("name") == pool
        and (item.get("status") or {}).get("host")
    }


def _wait_for_hosts(app: Application, pool: str, count: int) -> list[str]:
    def look() -> list[str] | None:
        hosts = list(_hosts(app, pool).values())
        return hosts if len(hosts) == count else None

    return wait_for(f"{count} hosts of {pool} are given", look)


def _ingress(app: Application, name: str, host: str) -> Manifest:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": app.namespace},
        "spec": {"rules": [{"host": host, "http": {"paths": [path]}}]},
    }


@pytest.fixture
def pool(app: Application, request: pytest.FixtureRequest) -> Iterator[str]:
    """A pool of this test's own with two base domains; its name is below both."""
    name = f"pool-{app.namespace}"
    app.apply(_pool(name, f"{name}.one.localhost", f"{name}.two.localhost"))
    yield name
    app.delete("domainpool", name)


def test_a_subdomain_that_another_project_holds_is_refused_and_its_holder_named(
    shared_operator: OperatorProcess, new_application: NewApplication
) -> None:
    first, second = new_application("first"), new_application("second")
    wanted = f"wanted-{first.namespace}"
    sha = first.commit("main")
    first.apply(first.project(domain=_domain(wanted)))
    first.wait_until_running("production", sha)
    later = second.commit("main")
    second.apply(second.project(domain=_domain(wanted)))

    said = second.wait_for_condition("DomainReady", "SubdomainTaken")
    assert f"Project/{first.namespace}/first" in said["message"]
    assert second.environments() == {}

    first.delete("project", "first")
    found = second.wait_until_running("production", later)
    assert found["status"]["host"] == f"{wanted}.apps.localhost"


def test_projects_of_one_name_get_subdomains_of_their_own_without_asking(
    shared_operator: OperatorProcess, new_application: NewApplication
) -> None:
    apps = [new_application("twin"), new_application("twin")]
    hosts = set()
    for app in apps:
        sha = app.commit("main")
        app.apply(app.project())
        hosts.add(app.wait_until_running("production", sha)["status"]["host"])
    assert len(hosts) == 2
    assert "twin.apps.localhost" in hosts


def test_a_reserved_subdomain_is_refused(
    shared_operator: OperatorProcess, app: Application
) -> None:
    app.commit("main")
    app.apply(app.project(domain=_domain("admin")))
    said = app.wait_for_condition("DomainReady", "SubdomainReserved")
    assert "DomainPool apps" in said["message"]
    assert "'admin'" in said["message"]


def test_a_host_that_a_foreign_ingress_routes_is_given_to_nobody(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    hosts = [f"web.{pool}.{base}.localhost" for base in ("one", "two")]
    app.apply(*(_ingress(app, f"foreign-{n}", host) for n, host in enumerate(hosts)))
    app.apply(_lone(app, "web", pool))
    (host,) = _wait_for_hosts(app, pool, 1)
    assert host not in hosts
    assert host.startswith("web-")


def test_a_host_never_moves(shared_operator: OperatorProcess, app: Application, pool: str) -> None:
    app.apply(app.project(domain=_domain(app.namespace, pool)))
    before = app.wait_until_running("production", app.commit("main"))["status"]["host"]
    # It was the first of the two base domains; now that one is gone.
    app.apply(_pool(pool, f"{pool}.two.localhost", f"{pool}.three.localhost"))
    assert app.wait_until_running("production", app.commit("main"))["status"]["host"] == before
    shared_operator.stop()
    shared_operator.start()
    after = app.wait_until_running("production", app.commit("main"))
    assert after["status"]["host"] == before
    meta = after["metadata"]
    ingress = app.get("ingress", meta["name"], meta["namespace"]) or {}
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == [before]


def test_of_twenty_that_want_one_host_at_once_one_gets_it_and_the_others_their_own(
    shared_operator: OperatorProcess, app: Application
) -> None:
    name = f"pool-{app.namespace}"
    app.push_image("v1")
    namespaces = [f"{app.namespace}-{number}" for number in range(20)]
    app.apply(
        _pool(name, f"{name}.localhost"),
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in namespaces),
    )
    try:
        app.apply(*(_lone(app, "web", name, namespace) for namespace in namespaces))
        hosts = _wait_for_hosts(app, name, 20)
        assert len(set(hosts)) == 20
        assert hosts.count(f"web.{name}.localhost") == 1
        claims = app.list("leases", labelSelector=f"kapsa-project.io/domain-pool={name}")
        claimed = {item["metadata"]["annotations"]["kapsa-project.io/host"] for item in claims}
        assert claimed == set(hosts)
    finally:
        app.platform.kubectl("delete", "namespace", "--wait=false", *namespaces)
        app.delete("domainpool", name)


def test_base_domains_take_turns_and_the_pool_counts_what_it_gave(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    bases = [f"{pool}.one.localhost", f"{pool}.two.localhost"]
    for number in range(4):
        app.apply(_lone(app, f"web-{number}", pool))
        _wait_for_hosts(app, pool, number + 1)
    given = Counter(host.partition(".")[2] for host in _hosts(app, pool).values())
    assert given == dict.fromkeys(bases, 2)
    _wait_for_counts(app, pool, {bases[0]: 2, bases[1]: 2})

    gone = next(name for (_, name), host in _hosts(app, pool).items() if host.endswith(bases[0]))
    app.delete("environment", gone)
    _wait_for_counts(app, pool, {bases[0]: 1, bases[1]: 2})


def _wait_for_counts(app: Application, pool: str, counts: dict[str, int]) -> None:
    def look() -> bool:
        status = (app.get("domainpool", pool, "") or {}).get("status") or {}
        shown = {item["domain"]: item.get("allocated", 0) for item in status.get("perDomain", ())}
        return shown == counts and status["allocated"] == sum(counts.values())

    wait_for(f"the pool counts {counts}", look)


def test_an_environment_that_wants_no_host_any_more_gives_its_own_back(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    app.apply(_lone(app, "web", pool))
    _wait_for_hosts(app, pool, 1)
    patch = json.dumps({"spec": {"domain": None}})
    app.platform.kubectl(
        "patch", "environment", "web", "-n", app.namespace, "--type=merge", "-p", patch
    )
    _wait_for_counts(app, pool, {f"{pool}.one.localhost": 0, f"{pool}.two.localhost": 0})
    wait_for("its Ingress is gone", lambda: app.get("ingress", "web") is None)


def test_a_project_that_changes_its_pool_has_a_subdomain_that_is_its_own_there_too(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    subdomain = f"moved-{app.namespace}"
    sha = app.commit("main")
    app.apply(app.project(domain=_domain(subdomain)))
    app.wait_until_running("production", sha)
    app.apply(app.project(domain=_domain(subdomain, pool)))

    def claimed() -> bool:
        leases = app.list("leases", labelSelector=f"kapsa-project.io/domain-pool={pool}")
        labels = [lease["metadata"]["labels"] for lease in leases]
        return any(each["kapsa-project.io/claim"] == "subdomain" for each in labels)

    wait_for("the subdomain is claimed in the new pool", claimed)
    other = replace(app, name="other")
    project = app.project(domain=_domain(subdomain, pool))
    project["metadata"]["name"] = "other"
    app.apply(project)
    other.wait_for_condition("DomainReady", "SubdomainTaken")


def test_nested_hosts_are_below_the_subdomain_and_stay_when_the_naming_changes(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    bases = (f"{pool}.one.localhost",)
    app.apply(_pool(pool, *bases, naming="nested"))
    both = [{"name": name, "branch": "main"} for name in ("production", "staging")]
    app.apply(app.project(domain=_domain("shop", pool), environments=both))
    sha = app.commit("main")
    given = {name: app.wait_until_running(name, sha) for name in ("production", "staging")}
    hosts = {name: found["status"]["host"] for name, found in given.items()}
    assert hosts == {"production": f"shop.{bases[0]}", "staging": f"staging.shop.{bases[0]}"}
    app.apply(_lone(app, "shop", pool))

    def refused() -> bool:
        found = condition(app.get("environment", "shop"), "HostAllocated")
        return found.get("reason") == "SubdomainTaken"

    wait_for("one that stands alone is refused the Project's subdomain", refused)
    app.apply(_pool(pool, *bases))
    later = app.wait_until_running("staging", app.commit("main"))
    assert later["status"]["host"] == hosts["staging"]


def test_two_pools_over_one_base_domain_give_a_subdomain_to_one_project(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    other = replace(app, name="other")
    app.apply(_pool(f"{pool}-2", f"{pool}.two.localhost", f"{pool}.three.localhost"))
    try:
        app.apply(app.project(domain=_domain("wanted", pool)))
        app.wait_until_running("production", app.commit("main"))
        project = app.project(domain=_domain("wanted", f"{pool}-2"))
        project["metadata"]["name"] = "other"
        app.apply(project)
        said = other.wait_for_condition("DomainReady", "SubdomainTaken")
        assert f"Project/{app.namespace}/{app.name}" in said["message"]
    finally:
        app.delete("domainpool", f"{pool}-2")


def test_the_base_domain_with_the_fewest_hosts_is_next(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    bases = [f"{pool}.one.localhost", f"{pool}.two.localhost"]
    app.apply(_pool(pool, bases[0]), _lone(app, "web-0", pool), _lone(app, "web-1", pool))
    _wait_for_hosts(app, pool, 2)
    app.apply(_pool(pool, *bases, allocationPolicy={"strategy": "least-used"}))
    _wait_for_counts(app, pool, {bases[0]: 2, bases[1]: 0})
    app.apply(_lone(app, "web-2", pool), _lone(app, "web-3", pool))
    _wait_for_counts(app, pool, {bases[0]: 2, bases[1]: 2})


def test_a_namespace_gets_hosts_once_it_is_labelled_as_the_pool_demands(
    shared_operator: OperatorProcess, app: Application, pool: str
) -> None:
    app.push_image("v1")
    allowed = {"selector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}
    app.apply(_pool(pool, f"{pool}.one.localhost", allowedNamespaces=allowed))
    app.commit("main")
    app.apply(app.project(domain=_domain("shop", pool)), _lone(app, "web", pool))
    said = app.wait_for_condition("DomainReady", "NamespaceNotAllowed")
    assert f"namespace {app.namespace} may not use DomainPool {pool}" in said["message"]
    assert "'tier'" in said["message"]

    def refused() -> bool:
        found = condition(app.get("environment", "web"), "HostAllocated")
        return found.get("reason") == "NamespaceNotAllowed"

    wait_for("the one that stands alone is refused, too", refused)
    assert _hosts(app, pool) == {}

    app.platform.kubectl("label", "namespace", app.namespace, "tier=gold")
    app.request()
    app.annotate("environment", "web", app.namespace, requestedAt="now")
    _wait_for_hosts(app, pool, 2)

    app.platform.kubectl("label", "namespace", app.namespace, "tier-")
    app.apply(_lone(app, "late", pool))
    wait_for(
        "a later one is refused",
        lambda: (
            condition(app.get("environment", "late"), "HostAllocated").get("reason")
            == "NamespaceNotAllowed"
        ),
    )
    assert len(_hosts(app, pool)) == 2
