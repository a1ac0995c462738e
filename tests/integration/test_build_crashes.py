"""Killed after every single write, the operator builds each commit once, and forgets no secret."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lab
from lab.build_node import BuildNode, build_node, missing
from lab.objects import read_objects
from lab.scenario import Application, wait_for
from lab.servers.kwok_stages import BUILD_NAMESPACE
from tests.integration.audit import operator_writes
from tests.integration.building import (
    REGISTRY,
    builds_registry,
    built_project,
    jobs_of,
    with_dockerfile,
)
from tests.integration.killing import killed_operator

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "builds can be run")


def _is_of_the_build(write: str) -> bool:
    return f"/{BUILD_NAMESPACE}" in write or "/environments/" in write


@pytest.fixture(scope="module")
def node(admin: lab.Platform) -> Iterator[BuildNode]:
    """The Registry `builds`, and what runs builds."""
    items = {"apiVersion": "v1", "kind": "List", "items": list(builds_registry(admin))}
    admin.kubectl("apply", "-f", "-", input=json.dumps(items))
    with build_node(admin) as found:
        yield found
    admin.kubectl("delete", "registries", REGISTRY)


def test_one_build_for_a_commit_whatever_write_the_operator_is_killed_after(
    admin: lab.Platform, node: BuildNode, new_application: Callable[..., Application]
) -> None:
    app = with_dockerfile(new_application())
    start = admin.audit_log.stat().st_size
    with killed_operator(admin, every=1, counts=_is_of_the_build) as killer:
        first = app.commit("main", image=False)
        app.apply(built_project(app))
        app.wait_until_running("production", first, within=180)
        second = app.commit("main", image=False)
        app.wait_until_running("production", second, within=180)
        commits = [job["metadata"]["annotations"]["kapsa-project.io/commit"]
                   for job in jobs_of(app)]  # fmt: skip
        assert sorted(commits) == sorted([first, second])

        def secrets_of_builds() -> list[dict[str, Any]]:
            return read_objects(admin.api_server, "secrets", labelSelector="kapsa-project.io/build")

        wait_for("what the builds knew is gone", lambda: not secrets_of_builds(), within=60)
    made = {
        line for line in operator_writes(admin.audit_log, start) if line.startswith("patch jobs ")
    }
    assert len(made) == 2, made
    assert killer.kills >= 8
