"""What is tried of each field: two values for it, and the spec that they are set in.

Every field that people write is in one of the tables here, or a test fails. What is tried is done
in tests/integration/test_fields.py; `ELSEWHERE` says where a field is tried that can't be changed
there and back.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from kapsa.models import DomainPool, Environment
from tests.manifests.constraints import nodes_below, root_of
from tests.manifests.valid import SHA, Manifest

GONE: Final = object()
"""In `base`: leave that field of the usual spec out."""


@dataclass(frozen=True)
class Trial:
    """One field, set to `one`, changed to `two`, taken away, and set to `one` again.

    Attributes:
        one: The first value.
        two: The second value.
        base: What the spec says without the field, over what it says usually.
        beside: What must be said together with the field.
        at: Where the field is, if not in the first item of each list.
        still: Why it changes nothing of what an Environment has become; nothing where it does.
        stays: Why what there is doesn't become again what it was before the field was set.
        beyond: Fields of objects that others write meanwhile, as `<Kind>.<path>`.
    """

    one: Any
    two: Any
    base: Manifest = field(default_factory=dict)
    beside: Manifest = field(default_factory=dict)
    at: str = ""
    still: str = ""
    stays: str = ""
    beyond: tuple[str, ...] = ()


def fields_of(kind: type[Environment | DomainPool]) -> set[str]:
    """Return the fields of a spec that hold a value: `runtime.env[].value`."""
    return {
        node.path.removeprefix("spec.")
        for node in nodes_below(root_of(kind))
        if node.path.startswith("spec.") and not {"properties", "items"} & node.schema.keys()
        and "additionalProperties" not in node.schema
    }  # fmt: skip


def spec_of(path: str, trial: Trial, usual: Manifest, value: Any = GONE) -> Manifest:
    """Return a spec in which the field has a value; without one, the spec without the field."""
    spec: Manifest = merged(usual, trial.base)
    if value is GONE:
        return spec
    spec = copy.deepcopy(merged(spec, trial.beside))
    _set(spec, _steps(trial.at or path), value)
    return spec


def merged(base: Any, over: Any) -> Any:
    """Return `over` merged into `base`: maps merge, all else is replaced."""
    if over is GONE or not isinstance(base, dict) or not isinstance(over, dict):
        return over
    both: Manifest = {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}
    return {key: value for key, value in both.items() if value is not GONE}


def _steps(path: str) -> list[str | int]:
    """Return the way to a field: keys of maps, and numbers of items."""
    found = re.findall(r"[^.\[\]]+|\[\d*\]", path.removesuffix("[*]"))
    return [int(step[1:-1] or 0) if step.startswith("[") else step for step in found]


def _set(spec: Any, steps: list[str | int], value: Any) -> None:
    step, *rest = steps
    if isinstance(step, int):
        while len(spec) <= step:
            spec.append({} if rest else None)
    if not rest:
        spec[step] = value
        return
    if isinstance(step, str):
        spec.setdefault(step, [] if isinstance(rest[0], int) else {})
    _set(spec[step], rest, value)


_HOST_STAYS: Final = "a host that was given never moves"
_PEOPLE: Final = "it is for people to read"
_RUNS_ON: Final = "what runs keeps running, and what is said of it changes"
_NEXT_IMAGE: Final = "tests/integration/test_releases.py: it counts for the next image"
_NETWORK: Final = (
    "tests/unit/golden/network_policy/with-the-pods-of-a-router.in.yaml: it is for namespaces that"
    " Kapsa makes"
)
_HANDED_OVER: Final = "the number of pods is handed over, and never dropped"
_SCALED: Final = ("Deployment.spec.replicas",)
_PORTS: Final = [
    {"name": name, "containerPort": number}
    for number, name in enumerate(("http", "admin", "more"), 8080)
]
_EXTRA: Final = {"name": "extra", "kind": "web", "replicas": 0}


def _of_runtime(*keys: str, **values: Any) -> Manifest:
    """Return a spec with that in its `runtime`."""
    built: Any = values
    for key in reversed(keys):
        built = {key: built}
    return {"runtime": built}


def _extra(**values: Any) -> Manifest:
    """Return a spec with a further process."""
    return _of_runtime(processes=[_EXTRA | values])


def _containers() -> Iterator[tuple[str, Trial]]:
    """Yield what the main process and a further one have both."""
    for where, said in (("runtime", _of_runtime), ("runtime.processes[]", _extra)):
        yield f"{where}.command[]", Trial("./one", "./two", base=said())
        yield f"{where}.args[]", Trial("--one", "--two", base=said())
        yield (
            f"{where}.resources.requests[*]",
            Trial({"cpu": "60m"}, {"cpu": "70m"}, base=said()),
        )
        yield (
            f"{where}.resources.limits[*]",
            Trial({"memory": "1Gi"}, {"memory": "2Gi"}, base=said()),
        )
        yield f"{where}.env[].name", Trial("ONE", "TWO", base=said())
        yield f"{where}.env[].value", Trial("one", "two", base=said(env=[{"name": "ONE"}]))
        unnamed = said(ports=[{"containerPort": 3000}])
        yield f"{where}.ports[].name", Trial("one", "two", base=unnamed)
        yield f"{where}.ports[].containerPort", Trial(3000, 3001, base=said())
        yield (
            f"{where}.ports[].protocol",
            Trial("UDP", "TCP", base=said(ports=_PORTS), at=f"{where}.ports[1].protocol"),
        )
        for kind in ("liveness", "readiness", "startup"):
            probe = f"{where}.probes.{kind}"
            asked = said(ports=_PORTS, probes={kind: {}})
            yield f"{probe}.path", Trial("/one", "/two", base=asked)
            yield f"{probe}.port", Trial("admin", "more", base=asked)
            yield f"{probe}.initialDelaySeconds", Trial(7, 8, base=asked)
            yield f"{probe}.periodSeconds", Trial(7, 8, base=asked)
            yield f"{probe}.timeoutSeconds", Trial(7, 8, base=asked)
            yield f"{probe}.failureThreshold", Trial(7, 8, base=asked)


_OF_A_PULL_REQUEST: Final = {"pullRequest": {"number": 1}}
_SCALING: Final = _of_runtime("autoscaling", enabled=True)
_VOLUME: Final = {"name": "data", "mountPath": "/data"}

ENVIRONMENT: Final[dict[str, Trial]] = {
    "type": Trial("permanent", "preview", base=_OF_A_PULL_REQUEST),
    "branch": Trial("feature/one", "feature/two"),
    "commit": Trial(SHA, SHA[::-1]),
    "pullRequest.number": Trial(1, 2),
    "pullRequest.title": Trial("One", "Two", base=_OF_A_PULL_REQUEST, still=_PEOPLE),
    "pullRequest.author": Trial("one", "two", base=_OF_A_PULL_REQUEST, still=_PEOPLE),
    "pullRequest.url": Trial(
        "https://git.example.com/1",
        "https://git.example.com/2",
        base=_OF_A_PULL_REQUEST,
        still=_PEOPLE,
    ),
    "ttl": Trial("1h", "2h", still="it says when all of it goes, and nothing before"),
    "suspend": Trial(True, False, still="it changes nothing, and has nothing be changed"),
    "domain.subdomain": Trial("one", "two", still=_HOST_STAYS),
    "domain.domainPoolRef.name": Trial("fields", "fields-too", base={"domain": GONE}),
    "runtime.kind": Trial("worker", "web"),
    "runtime.schedule": Trial(
        "0 3 * * *", "0 4 * * *", beside=_of_runtime(kind="cron", replicas=GONE)
    ),
    "runtime.replicas": Trial(2, 3, base=_of_runtime(replicas=GONE), stays=_HANDED_OVER),
    "runtime.autoscaling.enabled": Trial(True, False, beyond=_SCALED),
    "runtime.autoscaling.minReplicas": Trial(2, 3, base=_SCALING, beyond=_SCALED),
    "runtime.autoscaling.maxReplicas": Trial(6, 7, base=_SCALING, beyond=_SCALED),
    "runtime.autoscaling.targetCPUUtilization": Trial(60, 70, base=_SCALING, beyond=_SCALED),
    **dict(_containers()),
    "runtime.configRefs[].name": Trial("one", "two"),
    "runtime.configRefs[].mountPath": Trial(
        "/etc/one", "/etc/two", base=_of_runtime(configRefs=[{"name": "one"}])
    ),
    "runtime.secretRefs[].name": Trial("one", "two"),
    "runtime.secretRefs[].mountPath": Trial(
        "/etc/one", "/etc/two", base=_of_runtime(secretRefs=[{"name": "one"}])
    ),
    "runtime.processes[].name": Trial("one", "two", beside=_extra()),
    "runtime.processes[].kind": Trial("worker", "web", base=_extra()),
    "runtime.processes[].schedule": Trial(
        "0 3 * * *",
        "0 4 * * *",
        beside=_of_runtime(processes=[{"name": "extra", "kind": "cron"}]),
    ),
    "runtime.processes[].replicas": Trial(
        2, 3, base=_of_runtime(processes=[{"name": "extra"}]), stays=_HANDED_OVER
    ),
    "runtime.processes[].paths[]": Trial("/one", "/two", base=_extra()),
    "runtime.security.runAsUser": Trial(1000, 2000),
    "runtime.security.profile": Trial("baseline", "restricted"),
    "runtime.volumes[].name": Trial("one", "two", beside=_of_runtime(volumes=[_VOLUME])),
    "runtime.volumes[].mountPath": Trial("/one", "/two", beside=_of_runtime(volumes=[_VOLUME])),
    "runtime.volumes[].retain": Trial(True, False, base=_of_runtime(volumes=[_VOLUME])),
    "ingress.enabled": Trial(False, True),
    "ingress.host": Trial("one.example.net", "two.example.net"),
    "ingress.paths[]": Trial("/one", "/two"),
    "ingress.tls.enabled": Trial(
        False, True, base={"domain": {"domainPoolRef": {"name": "fields-tls"}}}
    ),
    "ingress.tls.secretName": Trial("one-tls", "two-tls"),
    "ingress.annotations[*]": Trial({"example.com/a": "one"}, {"example.com/a": "two"}),
}
"""Fields of an Environment."""

_ISSUER: Final = {"issuerRef": {"name": "fields"}}
_AT_A_GATEWAY: Final = {
    "routing": {"kind": "Gateway", "gatewayRef": {"name": "public", "namespace": "gateways"}}
}
_TEAM: Final = {"key": "example.com/team", "operator": "Exists"}

DOMAIN_POOL: Final[dict[str, Trial]] = {
    "baseDomains[]": Trial(
        "one.example.org", "two.example.org", at="baseDomains[1]", still=_HOST_STAYS
    ),
    "naming": Trial("nested", "flat", still=_HOST_STAYS),
    "primaryEnvironment": Trial("one", "two", still=_HOST_STAYS),
    "certManager.issuerRef.name": Trial(
        "fields", "fields-too", beside={"certManager": {"mode": "perHost"}}
    ),
    "certManager.issuerRef.kind": Trial(
        "Issuer",
        "ClusterIssuer",
        base={"certManager": _ISSUER | {"mode": "wildcard", "delivery": "router"}},
        still="its wildcards are the router's",
    ),
    "certManager.mode": Trial("none", "perHost", base={"certManager": _ISSUER}),
    "certManager.delivery": Trial("router", "copy", base={"certManager": _ISSUER}),
    "routing.kind": Trial("Gateway", GONE, beside=_AT_A_GATEWAY),
    "routing.ingressClassName": Trial("one", "two"),
    "routing.gatewayRef.name": Trial("one", "two", beside=_AT_A_GATEWAY),
    "routing.gatewayRef.namespace": Trial("one", "two", beside=_AT_A_GATEWAY),
    "routing.gatewayRef.sectionName": Trial("one", "two", base=_AT_A_GATEWAY),
    "routing.annotations[*]": Trial({"example.com/a": "one"}, {"example.com/a": "two"}),
    "routing.previewAnnotations[*]": Trial({"example.com/a": "one"}, {"example.com/a": "two"}),
    "allocationPolicy.strategy": Trial("random", "least-used", still=_HOST_STAYS),
    "allocationPolicy.reservedSubdomains[]": Trial("one", "two", still=_HOST_STAYS),
    "allowedNamespaces.selector.matchLabels[*]": Trial(
        {"example.com/team": "one"}, {"example.com/team": "two"}, still=_RUNS_ON
    ),
    "allowedNamespaces.selector.matchExpressions[].key": Trial(
        "example.com/one",
        "example.com/two",
        beside={"allowedNamespaces": {"selector": {"matchExpressions": [_TEAM]}}},
        still=_RUNS_ON,
    ),
    "allowedNamespaces.selector.matchExpressions[].operator": Trial(
        "Exists",
        "DoesNotExist",
        beside={"allowedNamespaces": {"selector": {"matchExpressions": [_TEAM]}}},
        still=_RUNS_ON,
    ),
    "allowedNamespaces.selector.matchExpressions[].values[]": Trial(
        "one",
        "two",
        beside={
            "allowedNamespaces": {
                "selector": {"matchExpressions": [_TEAM | {"operator": "In", "values": ["one"]}]}
            }
        },
        still=_RUNS_ON,
    ),
}
"""Fields of a DomainPool, tried at an Environment that has its host from it."""

ELSEWHERE: Final[dict[str, str]] = {
    "projectRef.name": "tests/manifests/updates.py: it can't be changed",
    "projectRef.namespace": "tests/manifests/updates.py: it can't be changed",
    "projectRef.uid": "tests/manifests/updates.py: it can't be changed",
    "image": "tests/integration/test_previews.py: what runs keeps running without one",
    "registry.name": "tests/integration/test_pull_secrets.py: it takes Registries with the image",
    "runtime.release.command[]": _NEXT_IMAGE,
    "runtime.release.args[]": (
        "tests/unit/golden/job/release-of-a-preview.in.yaml: it counts for the next image"
    ),
    "runtime.release.timeout": (
        "tests/unit/controllers/environments/test_jobs.py: it counts for the next image"
    ),
    "runtime.volumes[].size": "tests/integration/test_volumes.py: it never shrinks",
    "runtime.volumes[].storageClassName": "tests/integration/test_volumes.py: it can't be changed",
    "routing.allowedAnnotations[]": "tests/integration/test_routing.py: what runs keeps running",
    "routing.routerNamespace": _NETWORK,
    "routing.routerPodSelector[*]": _NETWORK,
}
"""Where a field is tried that can't be changed there and back."""
