"""What a preview costs: one write for each of its objects, and two for its status.

Events are not counted: they follow what is written, and nothing waits for them.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from lab.certificates import create_self_signed_issuer
from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, wait_for
from tests.integration.audit import operator_writes
from tests.integration.disks import disks

PREVIEW: Final = Counter(
    {
        "leases": 1,
        "environments": 1,
        "deployments": 1,
        "services": 1,
        "ingresses": 1,
    }
)
"""What each preview costs beside the news of it, by the kind of object that is written."""
_SLOW: Final = ("jobs", "persistentvolumeclaims", "certificates")
"""What isn't at once as it should be: it has news of its own."""

_POOL: Final = "budget-tls"
_OPTIONS: Final[dict[str, tuple[dict[str, Any], Counter[str]]]] = {
    "nothing": ({}, Counter()),
    "a release, a volume, configuration and processes of all kinds": (
        {
            "release": {"command": ["./migrate"]},
            "volumes": [{"name": "data", "mountPath": "/data"}],
            "configRefs": [{"name": "config"}],
            "secretRefs": [{"name": "keys"}],
            "processes": [
                {"name": "api", "kind": "web", "paths": ["/api"]},
                {"name": "two", "kind": "web", "replicas": 2},
                {"name": "nightly", "kind": "cron", "schedule": "0 3 * * *"},
                {"name": "hello", "kind": "job"},
            ],
        },
        Counter(
            {
                "jobs": 2,
                "persistentvolumeclaims": 1,
                "configmaps": 1,
                "secrets": 1,
                "deployments": 2,
                "services": 2,
                "poddisruptionbudgets": 1,
                "cronjobs": 1,
            }
        ),
    ),
    "a certificate, and the load decides": (
        {"autoscaling": {"enabled": True, "minReplicas": 2}},
        Counter(
            {
                "horizontalpodautoscalers": 1,
                "poddisruptionbudgets": 1,
                "certificates": 1,
            }
        ),
    ),
}
"""What previews are asked for beyond the usual, and what that costs on top."""


def _project(app: Application, option: str, runtime: Manifest) -> Manifest:
    pool = _POOL if "certificate" in option else "apps"
    domain = {"domainPoolRef": {"name": pool}, "subdomain": app.namespace}
    previews = {"runtime": runtime}
    return app.project(environments=[], domain=domain, previewEnvironments=previews)


def _sources(app: Application) -> tuple[Manifest, ...]:
    """Return what a configRef and a secretRef name."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"A": "a"}}
    keys = {"apiVersion": "v1", "kind": "Secret", "stringData": {"B": "b"}}
    return (
        {**config, "metadata": {"name": "config", "namespace": app.namespace}},
        {**keys, "metadata": {"name": "keys", "namespace": app.namespace}},
    )


def _pool(app: Application) -> Manifest:
    issuer = {"issuerRef": {"name": "budget"}, "mode": "perHost"}
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "DomainPool",
        "metadata": {"name": _POOL},
        "spec": {"baseDomains": ["budget.localhost"], "certManager": issuer},
    }


def _handled(app: Application) -> str:
    project = app.get("project", app.name) or {}
    return str((project.get("status") or {}).get("lastHandledRequestedAt", ""))


def _cost(written: list[str], names: set[str]) -> Counter[str]:
    """Return how often each kind was written, in those namespaces or with a claim of theirs."""
    return Counter(
        resource
        for _, resource, name in map(str.split, written)
        if resource not in ("events", "projects/status", "domainpools/status")
        and any(known in name for known in names)
    )


def test_a_preview_costs_a_write_for_each_of_its_objects_and_two_for_its_status(
    shared_operator: OperatorProcess,
    new_application: Callable[..., Application],
) -> None:
    with disks(shared_operator.platform):
        _look(new_application)


def _look(new_application: Callable[..., Application]) -> None:
    apps = {option: new_application() for option in _OPTIONS}
    some = next(iter(apps.values()))
    create_self_signed_issuer(some.platform, "budget")
    some.apply(_pool(some))
    for option, app in apps.items():
        app.commit("main")
        app.apply(*_sources(app), _project(app, option, _OPTIONS[option][0]))
    for app in apps.values():
        app.wait_for_condition("Ready", "EnvironmentsReady")

    offset = some.platform.audit_log.stat().st_size
    shas, homes = {}, {}
    for option, app in apps.items():
        shas[option] = app.commit("feature/login")
        app.open_pull_request("feature/login")
    for option, app in apps.items():
        preview = app.wait_until_running("pr-1", shas[option], within=60)
        homes[option] = preview["metadata"]["namespace"]
    # What comes late is found here too.
    for app in apps.values():
        app.annotate("project", app.name, app.namespace, requestedAt="now")
    for app in apps.values():

        def was_handled(app: Application = app) -> bool:
            return _handled(app) == "now"

        wait_for("the Project was looked at", was_handled)

    written = operator_writes(some.platform.audit_log, offset)
    for option, app in apps.items():
        cost = _cost(written, {homes[option], f"{app.namespace}-"})
        # What takes its own time has its own news; what runs at once needs none before.
        news = cost.pop("environments/status")
        extra = _OPTIONS[option][1]
        assert cost == PREVIEW + extra, option
        # An autoscaler that gets to look before we are done asks for a second pod: two more.
        late = sum(extra[kind] for kind in _SLOW) + 2 * extra["horizontalpodautoscalers"]
        assert news <= 2 + late, option
