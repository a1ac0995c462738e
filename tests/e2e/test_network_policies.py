"""Who may connect to a preview's pods, by the NetworkPolicies that Kapsa made.

The laboratory's network enforces none of them, as docs/lab.md says: what a network plugin that does
would do with the pods that run here is decided by `lab.network_policies`.
"""

from collections.abc import Callable, Iterator

import pytest

import lab
from lab.certificates import CA_ISSUER
from lab.network_policies import Outside, Peer, Port, live_network
from lab.node.configuration import PAUSE_IMAGE
from lab.objects import read_object, read_objects
from lab.operator import OperatorProcess
from lab.routing import ingress_pool
from lab.scenario import Application, Manifest, wait_for
from lab.story_app import PORT
from tests.e2e.pages import commit_page
from tests.e2e.pods import RUNTIME, ready_pods

_WEB = Port(PORT)
_SOMEBODY = Outside("203.0.113.7")
_ROUTER = "router"


@pytest.fixture(scope="module")
def guarded(admin: lab.Platform) -> Iterator[str]:
    """A DomainPool that says which pods lead requests; they run, and so does one beside them."""
    pool = ingress_pool("guarded", "guarded.localhost", CA_ISSUER)
    router = {"routerNamespace": _ROUTER, "routerPodSelector": {"app": "router"}}
    pool["spec"]["routing"] |= router
    pool["spec"]["certManager"] = {"mode": "none"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _ROUTER}}
    admin.apply(pool, namespace)
    wait_for("it has its ServiceAccount", lambda: _has_service_account(admin, _ROUTER))
    admin.apply(*(_idle(name, _ROUTER) for name in ("router", "metrics")))
    yield "guarded"
    admin.kubectl("delete", "domainpool/guarded", "--wait=false")
    admin.kubectl("delete", f"namespace/{_ROUTER}", "--wait=false")


def _has_service_account(platform: lab.Platform, namespace: str) -> bool:
    return read_object(platform.api_server, "serviceaccounts", "default", namespace) is not None


def _idle(name: str, namespace: str) -> Manifest:
    """Return a pod that does nothing."""
    container = {"name": name, "image": PAUSE_IMAGE, "imagePullPolicy": "Never"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }


def _running_pod(platform: lab.Platform, name: str, namespace: str) -> Manifest:
    def look() -> Manifest | None:
        found = read_objects(platform.api_server, "pods", fieldSelector=f"metadata.name={name}")
        ours = [item for item in found if item["metadata"]["namespace"] == namespace]
        return next((item for item in ours if item["status"].get("podIPs")), None)

    return wait_for(f"pod {name} has an address", look, 60)


def _run(app: Application, pool: str, *processes: Manifest) -> None:
    sha = commit_page(app, "<h1>hello</h1>")
    domain = {"domainPoolRef": {"name": pool}, "subdomain": app.namespace}
    runtime = {**RUNTIME, **({"processes": list(processes)} if processes else {})}
    app.apply(app.project(domain=domain, runtime=runtime))
    app.wait_until_running("production", sha, within=60)


def _callers(platform: lab.Platform, pod: Manifest, peers: dict[str, Peer]) -> set[str]:
    """Return by name who may connect to the page of a pod."""
    network = live_network(platform.api_server)
    return {name for name, peer in peers.items() if not network.refusing(peer, pod, _WEB)}


def test_only_the_project_itself_and_the_router_reach_a_preview(
    operator: OperatorProcess,
    new_application: Callable[..., Application],
    guarded: str,
) -> None:
    app, neighbour = new_application("shop"), new_application("blog")
    _run(app, guarded, {"name": "worker", "kind": "worker", "args": ["worker"]})
    _run(neighbour, "apps")
    (web,) = ready_pods(app, "production", 1)
    (blog,) = ready_pods(neighbour, "production", 1)
    platform = app.platform
    peers: dict[str, Peer] = {
        "its worker": ready_pods(app, "production", 1, process="worker")[0],
        "another project": blog,
        "the router": _running_pod(platform, "router", _ROUTER),
        "a pod beside the router": _running_pod(platform, "metrics", _ROUTER),
        "somebody outside": _SOMEBODY,
        "its node": Outside(web["status"]["hostIP"]),
    }
    assert _callers(platform, web, peers) == {"its worker", "the router", "its node"}

    # Where the pool doesn't say who the router is, what Kapsa did not make may be it.
    peers["another project"] = web
    anybody = {"the router", "a pod beside the router", "its node"}
    assert _callers(platform, blog, peers) == anybody


def test_previews_with_namespaces_of_their_own_do_not_reach_each_other(
    operator: OperatorProcess, app: Application, guarded: str
) -> None:
    domain = {"domainPoolRef": {"name": guarded}, "subdomain": app.namespace}
    sha = commit_page(app, "<h1>hello</h1>")
    both = [{"name": name, "branch": "main"} for name in ("production", "staging")]
    app.apply(
        app.project(domain=domain, runtime=RUNTIME, isolation="Environment", environments=both)
    )
    for name in ("production", "staging"):
        app.wait_until_running(name, sha, within=60)
    (production,), (staging,) = (ready_pods(app, name, 1) for name in ("production", "staging"))
    assert production["metadata"]["namespace"] != staging["metadata"]["namespace"]
    peers: dict[str, Peer] = {
        "staging": staging,
        "production": production,
        "the router": _running_pod(app.platform, "router", _ROUTER),
    }
    assert _callers(app.platform, production, peers) == {"production", "the router"}
    assert _callers(app.platform, staging, peers) == {"staging", "the router"}
