"""What people had with the former version goes on under this one: nothing is made anew.

`former/` holds the CRDs of the former version, and what it left of an application.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

import lab
from kapsa.models import GROUP, KINDS
from lab.objects import read_object
from lab.operator import NAMESPACE, install, running_operator
from lab.scenario import Application, Manifest, admin_objects, application, is_ready, wait_for
from tests.integration.conftest import QUICK

FORMER = Path(__file__).parent / "former"
OBJECTS = [
    ("project", "shop"),
    ("environment", "shop-production"),
    ("environment", "web"),
    ("domainpool", "apps"),
    ("registry", "lab"),
]
HOSTS = {"shop-production": "shop.apps.localhost", "web": "web.apps.localhost"}
OWNED = [(kind, name) for kind in ("deployment", "service", "ingress") for name in HOSTS]
NEW_FIELDS: dict[str, Manifest] = {
    "project": {
        "previewEnvironments": {"ttl": "3d"},
        "access": [{"kind": "Group", "name": "team-a"}],
    },
    "environment": {"ttl": "30d", "ingress": {"paths": ["/"]}},
    "domainpool": {"naming": "flat", "allocationPolicy": {"strategy": "least-used"}},
    "registry": {
        "allowedNamespaces": {
            "selector": {"matchLabels": {"kubernetes.io/metadata.name": "team-a"}}
        }
    },
}
"""Fields of the specs that the former version didn't know, or knew no such value of."""


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    """An application of the former version, whose CRDs have just been replaced by ours."""
    with lab.running("demo") as platform, application(platform, "shop", "team-a") as found:
        _install_former(found)
        _leave_objects(found)
        install(platform)
        yield found


def _install_former(app: Application) -> None:
    crds = str(FORMER / "crds")
    app.platform.kubectl("apply", "--server-side", "-f", crds)
    app.platform.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", crds)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    app.apply(namespace, *app.team())
    app.apply(*admin_objects(app.registry))


def _leave_objects(app: Application) -> None:
    """Create what the former operator left; an object may name the UIDs of those before it."""
    sha = app.commit("main", image=False)
    known = {
        "sha": sha,
        "short_sha": sha[:7],
        "registry": app.registry.host,
        "image": f"{app.registry.host}/{app.image_repository}@{app.push_image(sha)}",
        "repository": app.repository.clone_url,
    }
    for text in _texts():
        manifest = yaml.safe_load(Template(text).substitute(known))
        meta = _apply(app, manifest)["metadata"]
        if manifest["apiVersion"].startswith(GROUP):
            known[f"{meta['name'].replace('-', '_')}_uid"] = meta["uid"]
            _apply(app, manifest, "--subresource=status")


def _texts() -> list[str]:
    return (FORMER / "objects.yaml").read_text(encoding="utf-8").split("\n---\n")


def _apply(app: Application, manifest: Manifest, *how: str) -> Manifest:
    """Apply an object as the operator does; return what is stored."""
    as_operator = ("--server-side", "--field-manager=kapsa", "--force-conflicts", *how)
    sent = json.dumps(manifest)
    stored: Manifest = json.loads(
        app.platform.kubectl("apply", *as_operator, "-o", "json", "-f", "-", input=sent)
    )
    return stored


def _read(app: Application, kind: str, name: str) -> Manifest:
    found = read_object(app.platform.api_server, kind, name, app.namespace)
    assert found is not None, f"there is no {kind} {name}"
    return found


def test_former_objects_are_served_as_they_were_stored(app: Application) -> None:
    models: Mapping[str, Any] = {kind.__name__.lower(): kind for kind in KINDS}
    for kind, name in OBJECTS:
        assert models[kind].model_validate(_read(app, kind, name)).metadata.name == name
    for written in map(yaml.safe_load, _texts()):
        if written["apiVersion"].startswith(GROUP):
            found = _read(app, written["kind"], written["metadata"]["name"])
            assert found["spec"].keys() == written["spec"].keys()
            assert found["status"].keys() == written["status"].keys()


@pytest.mark.parametrize(("kind", "name"), OBJECTS)
def test_a_former_object_can_still_be_changed(app: Application, kind: str, name: str) -> None:
    patch = ("patch", kind, name, "-n", app.namespace, "--type=merge", "-p")
    for change in ({"metadata": {"labels": {"kept": "yes"}}}, {"spec": NEW_FIELDS[kind]}):
        app.platform.kubectl(*patch, json.dumps(change))
    status = {"status": {"observedGeneration": 1}}
    app.platform.kubectl(*patch, json.dumps(status), "--subresource=status")

    found = _read(app, kind, name)
    assert found["metadata"]["labels"]["kept"] == "yes"
    assert _includes(found["spec"], NEW_FIELDS[kind])
    assert _includes(found, status)


def test_the_operator_goes_on_with_what_the_former_one_made(app: Application) -> None:
    before, runs = _uids(app), _runs(app)
    with running_operator(app.platform, QUICK, name="upgraded"):
        wait_for("all is Ready", lambda: all(_is_taken_over(app, *which) for which in OBJECTS))

        assert _uids(app) == before
        assert _runs(app) == runs
        assert {name: _read(app, "environment", name)["status"]["host"] for name in HOSTS} == HOSTS

        sha = app.commit("main")
        app.wait_until_running("production", sha)
        assert _uids(app) == before
        assert {item["metadata"]["name"] for item in app.list("deployments")} == HOSTS.keys()


def _is_taken_over(app: Application, kind: str, name: str) -> bool:
    """Tell whether this version says that an object is Ready: in fields the former one hadn't."""
    found = _read(app, kind, name)
    status = found.get("status", {})
    if kind == "project":
        return is_ready(found) and "shortSha" in status.get("latestCommit", {})
    return is_ready(found) and (kind != "environment" or "lastActivityAt" in status)


def _uids(app: Application) -> dict[tuple[str, str], str]:
    return {which: _read(app, *which)["metadata"]["uid"] for which in (*OBJECTS, *OWNED)}


def _runs(app: Application) -> dict[str, Any]:
    """Return what runs, and with what. Around it, pods are made as this version makes them."""
    said = ("name", "image", "env", "ports", "resources")
    found = {name: _read(app, "deployment", name)["spec"]["template"]["spec"] for name in HOSTS}
    return {
        name: [{key: item.get(key) for key in said} for item in pods["containers"]]
        for name, pods in found.items()
    }


def _includes(found: Any, wanted: Any) -> bool:
    """Tell whether a value has all that is wanted, field by field."""
    if not isinstance(wanted, dict):
        return bool(found == wanted)
    return all(name in found and _includes(found[name], value) for name, value in wanted.items())
