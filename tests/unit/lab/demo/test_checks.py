"""The demo's checks hold for a good cluster, and say what is wrong with any other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lab.demo.checks import (
    Check,
    counted,
    gone,
    ready,
    rolled_out,
    running,
    still_running,
    untouched,
    waiting,
)
from lab.demo.snapshot import Snapshot
from tests.unit.lab.demo.world import NAME, SHA, WANTED, snapshot, world

World = dict[str, dict[str, Any]]


def problems(checks: tuple[Check, ...], found: Snapshot) -> str:
    return "\n".join(filter(None, (check.problem(found) for check in checks)))


def test_every_claim_holds_of_an_environment_that_runs() -> None:
    assert problems(running(WANTED), snapshot(world())) == ""
    assert still_running(WANTED).problem(snapshot(world())) == ""


def lose(kind: str) -> Callable[[World], object]:
    return lambda objects: objects.pop(kind)


def put(kind: str, *path: Any) -> Callable[[World], object]:
    *parents, last, value = path

    def change(objects: World) -> None:
        target: Any = objects[kind]
        for step in parents:
            target = target[step]
        target[last] = value

    return change


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (lose("Environment"), "there is no Environment"),
        (lose("Deployment"), "it owns 0 objects of kind Deployment"),
        (lose("Service"), "it owns 0 objects of kind Service"),
        (lose("Ingress"), "it owns 0 objects of kind Ingress"),
        (lose("Lease"), "its host is not claimed"),
        (lose("EndpointSlice"), "it has no ready endpoint"),
        (put("Environment", "status", {}), "Ready is not told yet"),
        (put("Environment", "metadata", "generation", 2), "phase is Running, Ready is True"),
        (put("Environment", "status", "phase", "Deploying"), "phase is Deploying"),
        (put("Environment", "status", "commit", "0" * 40), "commit is 0000"),
        (put("Environment", "status", "image", "other"), "image is other"),
        (put("Environment", "status", "url", "http://other"), "url is http://other"),
        (put("Environment", "status", "host", "pr-9.test"), "host is pr-9.test"),
        (put("Deployment", "metadata", "ownerReferences", []), "owns 0 objects of kind Deploy"),
        (put("Deployment", "metadata", "generation", 2), "it is not rolled out yet"),
        (put("Deployment", "spec", "replicas", 0), "it is not rolled out yet"),
        (put("Deployment", "status", "readyReplicas", 0), "0 of 1 Pods are Ready, 1 of them new"),
        (put("Deployment", "status", "replicas", 2), "1 of 1 Pods are Ready"),
        (
            put("Deployment", "spec", "template", "spec", "containers", 0, "image", "old"),
            "its image is old",
        ),
        (
            put("EndpointSlice", "endpoints", [{"conditions": {"ready": False}}]),
            "it has no ready endpoint",
        ),
        (put("Ingress", "spec", "rules", 0, "host", "other"), "it routes other"),
        (put("Service", "spec", "ports", [{"name": "other"}]), "it leads to"),
        (put("Service", "metadata", "name", "other"), "it leads to"),
    ],
)
def test_what_is_wrong_with_an_environment_is_said(
    bend: Callable[[World], object], said: str
) -> None:
    objects = world()
    bend(objects)

    assert said in problems(running(WANTED), snapshot(objects))
    assert still_running(WANTED).problem(snapshot(objects))


def waits() -> World:
    environment = world()["Environment"]
    environment["status"] = {
        "phase": "Building",
        "conditions": [
            {
                "type": "ImageReady",
                "status": "False",
                "reason": "ImageNotFound",
                "message": f"image shop:{SHA} does not exist yet",
            }
        ],
    }
    return {"Environment": environment}


def test_an_environment_waits_that_says_for_which_image_and_runs_nothing() -> None:
    claims = waiting(WANTED.name, WANTED.branch, SHA)

    assert problems(claims, snapshot(waits())) == ""
    assert "does not name 1234" in problems(
        waiting(WANTED.name, WANTED.branch, "1234"), snapshot(waits())
    )
    assert "still there: Deployment shop-pr-1" in problems(
        claims, snapshot(waits() | {"Deployment": world()["Deployment"]})
    )
    assert "phase is Running" in problems(claims, snapshot(world()))
    assert "there is no Environment" in problems(claims, Snapshot())


def test_a_rollout_keeps_the_deployment_and_leaves_no_old_pod() -> None:
    before = copy.deepcopy(world()["Deployment"])
    claim = rolled_out(WANTED.name, before)
    assert "it still has the image" in claim.problem(snapshot(world()))

    objects = world()
    old = copy.deepcopy(objects["Pod"])
    objects["Deployment"]["spec"]["template"]["spec"]["containers"] = [{"image": "new"}]
    objects["Pod"]["spec"] = {"containers": [{"image": "new"}]}
    assert claim.problem(snapshot(objects)) == ""
    assert claim.problem(snapshot(objects | {"an old Pod": old})) == f"still there: Pod {NAME}"

    objects["Deployment"]["metadata"]["uid"] = "another"
    assert claim.problem(snapshot(objects)) == "it is not the same Deployment any more"


@pytest.mark.parametrize("fact", ["uid", "generation"])
def test_a_deployment_that_somebody_changed_is_not_untouched(fact: str) -> None:
    claim = untouched("production", copy.deepcopy(world()["Deployment"]))
    assert claim.problem(snapshot(world())) == ""
    assert claim.problem(Snapshot()) == "it is gone"

    objects = world()
    objects["Deployment"]["metadata"][fact] = 7
    assert claim.problem(snapshot(objects)) == f"its {fact} changed"


@pytest.mark.parametrize("left", [kind for kind in world() if kind != "Lease"])
def test_an_environment_is_gone_when_none_of_its_objects_is_left(left: str) -> None:
    objects = world()
    objects_claim, host_claim = gone(WANTED.name, objects["Environment"])

    assert objects_claim.problem(Snapshot()) == ""
    assert objects_claim.problem(Snapshot((objects[left],))) == f"still there: {left} {NAME}"
    assert host_claim.problem(Snapshot((objects["Lease"],))) == f"still there: Lease {NAME}"


def test_a_condition_is_ready_only_where_it_is_true() -> None:
    claim = ready("Environment", NAME)

    assert claim.problem(snapshot(world())) == ""
    assert claim.problem(Snapshot()) == f"there is no Environment {NAME}"
    assert ready("Environment", NAME, "Other").problem(snapshot(world())) == "Other is not told yet"


def test_a_project_counts_its_environments() -> None:
    status = {"environmentCount": 1, "previewCount": 2}
    project = {"kind": "Project", "metadata": {"name": "shop"}, "status": status}

    assert counted("shop", 1, 2).problem(Snapshot((project,))) == ""
    assert counted("shop", 1, 3).problem(Snapshot((project,))) == "it says 1 and 2"
    assert counted("shop", 1, 3).problem(Snapshot()) == "it says None and None"
