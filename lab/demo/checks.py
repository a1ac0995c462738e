"""What must hold after a step, read from the objects themselves and not only from a status."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lab.demo.snapshot import Manifest, Snapshot
from lab.scenario import condition, is_ready

Problem = Callable[[Snapshot], str]
"""Says why a claim doesn't hold; nothing where it does."""


@dataclass(frozen=True)
class Check:
    """A claim about the cluster, and how to find out why it doesn't hold."""

    claim: str
    problem: Problem


@dataclass(frozen=True)
class Wanted:
    """What an Environment should run.

    Attributes:
        name: What people call it.
        branch: The branch it is of; by this it is found.
        commit: SHA of the commit.
        image: Its image, by digest; nothing where Kapsa builds it.
        host: Regular expression of the whole host.
        scheme: That of its URL.
    """

    name: str
    branch: str
    commit: str
    image: str
    host: str
    scheme: str = "http"


def ready(kind: str, name: str, type_: str = "Ready") -> Check:
    """Claim that a condition of an object is True."""

    def problem(snapshot: Snapshot) -> str:
        found = snapshot.named(kind, name)
        if found is None:
            return f"there is no {kind} {name}"
        state = condition(found, type_)
        return "" if state.get("status") == "True" else f"{type_} is {_said(state)}"

    return Check(f"{kind} {name}: {type_}", problem)


def running(wanted: Wanted) -> tuple[Check, ...]:
    """Claim that an Environment runs a commit, with all that belongs to it."""
    digest = wanted.image.rpartition("@")[2][: len("sha256:") + 7]
    name = wanted.name
    image = f", image {digest}…" if digest else ""
    return (
        Check(
            f"Environment of {name} is Running and Ready, commit {wanted.commit[:7]}",
            lambda snapshot: _status_problem(snapshot, wanted),
        ),
        Check(
            f"Deployment of {name} has all its Pods Ready{image}",
            lambda snapshot: _deployment_problem(snapshot, wanted),
        ),
        Check(
            f"Service of {name} leads to a Ready Pod",
            lambda snapshot: _service_problem(snapshot, wanted),
        ),
        Check(
            f"Ingress of {name} routes the URL's host to that Service, and the host is claimed",
            lambda snapshot: _ingress_problem(snapshot, wanted),
        ),
    )


def still_running(wanted: Wanted) -> Check:
    """Claim all that `running` does, in one."""
    parts = running(wanted)

    def problem(snapshot: Snapshot) -> str:
        return next(filter(None, (part.problem(snapshot) for part in parts)), "")

    claim = f"{wanted.name} still runs: Environment, Deployment, Service and Ingress"
    return Check(claim, problem)


def counted(project: str, environments: int, previews: int) -> Check:
    """Claim that a Project knows how many permanent environments and previews it has."""

    def problem(snapshot: Snapshot) -> str:
        status = (snapshot.named("Project", project) or {}).get("status") or {}
        found = status.get("environmentCount"), status.get("previewCount")
        return "" if found == (environments, previews) else f"it says {found[0]} and {found[1]}"

    plural = "" if previews == 1 else "s"
    claim = f"Project {project} counts {environments} environment and {previews} preview{plural}"
    return Check(claim, problem)


def waiting(name: str, branch: str, tag: str) -> tuple[Check, ...]:
    """Claim that an Environment waits for the image of that tag, says so, and runs nothing yet."""

    def silent(snapshot: Snapshot) -> str:
        found = snapshot.environment(branch)
        status = (found or {}).get("status") or {}
        state = condition(found, "ImageReady")
        if (status.get("phase"), state.get("reason")) != ("Building", "ImageNotFound"):
            return f"phase is {status.get('phase')}, ImageReady is {_said(state)}"
        return "" if tag in state["message"] else f"its message does not name {tag}"

    def empty(snapshot: Snapshot) -> str:
        found = snapshot.environment(branch)
        if found is None:
            return "there is no Environment"
        return _list(snapshot.labelled(found["metadata"]["name"]))

    return (
        Check(f"Environment of {name} is Building: ImageNotFound, naming the image", silent),
        Check(f"nothing of {name} runs yet", empty),
    )


def rolled_out(name: str, before: Manifest) -> Check:
    """Claim that the same Deployment has moved to another image, and only new Pods are left."""

    def problem(snapshot: Snapshot) -> str:
        metadata = before["metadata"]
        now = snapshot.named("Deployment", metadata["name"])
        if now is None or now["metadata"]["uid"] != metadata["uid"]:
            return "it is not the same Deployment any more"
        if image_of(now) == image_of(before):
            return f"it still has the image {image_of(now)}"
        pods = [pod for set_ in snapshot.owned("ReplicaSet", now) for pod in _pods(snapshot, set_)]
        old = [pod for pod in pods if pod["spec"]["containers"][0]["image"] != image_of(now)]
        return _list(old)

    return Check(f"Deployment of {name} was rolled: same object, new image, no old Pod", problem)


def untouched(name: str, before: Manifest) -> Check:
    """Claim that a Deployment is the same object, and that nobody has changed it."""

    def problem(snapshot: Snapshot) -> str:
        now = snapshot.named("Deployment", before["metadata"]["name"])
        if now is None:
            return "it is gone"
        facts = ("uid", "generation")
        changed = [fact for fact in facts if now["metadata"][fact] != before["metadata"][fact]]
        return f"its {' and '.join(changed)} changed" if changed else ""

    return Check(f"Deployment of {name} is untouched: same UID, same generation", problem)


def gone(name: str, environment: Manifest) -> tuple[Check, ...]:
    """Claim that nothing is left of an Environment that was once seen."""
    metadata = environment["metadata"]

    def objects(snapshot: Snapshot) -> str:
        found = snapshot.named("Environment", metadata["name"])
        return _list([*([found] if found else []), *snapshot.labelled(metadata["name"])])

    return (
        Check(
            f"Environment, Deployment, ReplicaSet, Pod, Service and Ingress of {name} are gone",
            objects,
        ),
        Check(
            f"the host of {name} is free again: its claim is gone",
            lambda snapshot: _list(snapshot.claims(metadata["uid"])),
        ),
    )


def image_of(deployment: Manifest) -> str:
    """Return the image of a Deployment's first container."""
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def _status_problem(snapshot: Snapshot, wanted: Wanted) -> str:
    found = snapshot.environment(wanted.branch)
    if found is None:
        return "there is no Environment"
    status = found.get("status") or {}
    if not is_ready(found):
        return f"phase is {status.get('phase')}, Ready is {_said(condition(found, 'Ready'))}"
    host = str(status.get("host"))
    facts = {
        "phase": (status.get("phase"), "Running"),
        "commit": (status.get("commit"), wanted.commit),
        "image": (status.get("image"), wanted.image or status.get("image")),
        "url": (status.get("url"), f"{wanted.scheme}://{host}"),
    }
    wrong = [f"{fact} is {now}" for fact, (now, then) in facts.items() if now != then]
    if not re.fullmatch(wanted.host, host):
        wrong.append(f"host is {host}")
    return ", ".join(wrong)


def _deployment_problem(snapshot: Snapshot, wanted: Wanted) -> str:
    found = _only(snapshot, "Deployment", wanted)
    if isinstance(found, str):
        return found
    if wanted.image and image_of(found) != wanted.image:
        return f"its image is {image_of(found)}"
    status, replicas = found.get("status") or {}, found["spec"]["replicas"]
    counts = [status.get(f"{which}Replicas", 0) for which in ("updated", "ready", "available")]
    if status.get("observedGeneration") != found["metadata"]["generation"] or replicas < 1:
        return "it is not rolled out yet"
    if counts != [replicas] * 3 or status.get("replicas") != replicas:
        return f"{counts[1]} of {replicas} Pods are Ready, {counts[0]} of them new"
    return ""


def _service_problem(snapshot: Snapshot, wanted: Wanted) -> str:
    service = _only(snapshot, "Service", wanted)
    if isinstance(service, str):
        return service
    ready_endpoints = [
        endpoint
        for slice_ in snapshot.owned("EndpointSlice", service)
        for endpoint in slice_.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready")
    ]
    return "" if ready_endpoints else "it has no ready endpoint"


def _ingress_problem(snapshot: Snapshot, wanted: Wanted) -> str:
    environment = snapshot.environment(wanted.branch) or {}
    ingress, service = (_only(snapshot, kind, wanted) for kind in ("Ingress", "Service"))
    if isinstance(ingress, str) or isinstance(service, str):
        return str(ingress if isinstance(ingress, str) else service)
    rule = ingress["spec"]["rules"][0]
    host = (environment.get("status") or {}).get("host")
    if rule["host"] != host:
        return f"it routes {rule['host']}, and the Environment's host is {host}"
    backend = rule["http"]["paths"][0]["backend"]["service"]
    port = service["spec"]["ports"][0]["name"]
    if (backend["name"], backend["port"].get("name")) != (service["metadata"]["name"], port):
        return f"it leads to {backend}"
    return "" if snapshot.claims(environment["metadata"]["uid"]) else "its host is not claimed"


def _only(snapshot: Snapshot, kind: str, wanted: Wanted) -> Manifest | str:
    environment = snapshot.environment(wanted.branch)
    if environment is None:
        return "there is no Environment"
    found = snapshot.owned(kind, environment)
    return found[0] if len(found) == 1 else f"it owns {len(found)} objects of kind {kind}"


def _pods(snapshot: Snapshot, replica_set: Manifest) -> list[Manifest]:
    return snapshot.owned("Pod", replica_set)


def _said(state: Manifest) -> str:
    if not state:
        return "not told yet"
    return f"{state['status']}, {state.get('reason')}: {state.get('message')}"


def _list(left: list[Manifest]) -> str:
    names = ", ".join(f"{item['kind']} {item['metadata']['name']}" for item in left)
    return f"still there: {names}" if names else ""
