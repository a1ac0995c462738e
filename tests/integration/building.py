"""Applications whose images Kapsa builds, for tests: with real BuildKit, forge and registry."""

import base64
from typing import Any

import lab
from lab.objects import read_objects
from lab.operator import NAMESPACE
from lab.scenario import Application
from lab.servers.kwok_stages import BUILD_NAMESPACE

NOTHING = base64.b64decode(
    "f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAABAAAAAAAAAAEAAAAF"
    "AAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAAhAAAAAAAAACEAAAAAAAAAAAQAAAAAAAAMf+4PAAAAA8FAAAA"
)
"""An ELF program for x86-64 that ends at once, with exit code 0."""
DOCKERFILE = (
    'FROM scratch\nCOPY nothing /nothing\nRUN ["/nothing"]\nCOPY version.txt /version.txt\n'
)
REGISTRY = "builds"
"""A Registry where Projects may push."""


def builds_registry(platform: lab.Platform, **spec: Any) -> tuple[dict[str, Any], ...]:
    """Return the Registry `builds`, on the laboratory's, and the Secrets that it names."""
    found = platform.registry
    assert found is not None
    return (
        _secret("builds-push", found.username, found.password),
        _secret("builds-pull", found.pull_username, found.pull_password),
        {
            "apiVersion": "kapsa-project.io/v1alpha1",
            "kind": "Registry",
            "metadata": {"name": REGISTRY},
            "spec": {
                "endpoint": found.host,
                "insecure": True,
                "repositoryTemplate": "built/{namespace}/{imageRepository}",
                "auth": {"secretRef": {"name": "builds-push"}},
                "pullAuth": {"secretRef": {"name": "builds-pull"}},
                "imagePullSecret": {"name": "kapsa-pull"},
                **spec,
            },
        },
    )


def _secret(name: str, username: str, password: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": {"username": username, "password": password},
    }


def with_dockerfile(app: Application) -> Application:
    """Give the application's repository a Dockerfile."""
    app.worktree.commit({"nothing": NOTHING, "Dockerfile": DOCKERFILE}, "Begin")
    (app.worktree.directory / "nothing").chmod(0o755)
    return app


def built_project(app: Application, **spec: Any) -> dict[str, Any]:
    """Return a Project whose Dockerfile Kapsa builds."""
    return app.project(
        **{"build": {"strategy": "dockerfile"}, "registry": {"name": REGISTRY}, **spec}
    )


def jobs_of(app: Application) -> list[dict[str, Any]]:
    """Return the live builds of the application's Project."""
    selector = f"app.kubernetes.io/name={app.name},kapsa-project.io/build"
    owner = f"Project/{app.namespace}/{app.name}"
    return [
        job
        for job in read_objects(app.platform.api_server, "jobs", labelSelector=selector)
        if job["metadata"]["namespace"] == BUILD_NAMESPACE
        and job["metadata"]["annotations"]["kapsa-project.io/owner"] == owner
    ]


def kpack_builds_of(app: Application, kind: str, name: str = "") -> list[dict[str, Any]]:
    """Return the Builds or Images that the operator has made for a Project.

    The Project is the application's, unless another one of its namespace is named.
    """
    owner = f"Project/{app.namespace}/{name or app.name}"
    found = read_objects(app.platform.api_server, kind)
    return [
        item
        for item in found
        if item["metadata"]["annotations"]["kapsa-project.io/owner"] == owner
        and "ownerReferences" not in item["metadata"]
    ]
