"""Events are posted on transitions, each once, and `kubectl describe` shows them."""

from lab.operator import OperatorProcess
from lab.scenario import Application, Manifest, is_ready, lone_environment, wait_for
from tests.integration.audit import operator_writes
from tests.integration.conftest import polls

_POOL = "events-pool"


def _events(app: Application, kind: str, name: str) -> list[str]:
    """Return type and reason of the operator's Events about an object, in order."""
    found = [
        item
        for item in app.list("events")
        if item.get("reportingController") == "kapsa-project.io/operator"
        and (item["regarding"]["kind"], item["regarding"]["name"]) == (kind, name)
        and item["metadata"]["namespace"] in (app.namespace, "default")
    ]
    found.sort(key=lambda item: item["eventTime"])
    return [f"{item['type']} {item['reason']}" for item in found]


def _pool(**spec: object) -> Manifest:
    return {
        "apiVersion": "kapsa-project.io/v1alpha1",
        "kind": "DomainPool",
        "metadata": {"name": _POOL},
        "spec": {"baseDomains": ["events.localhost"], **spec},
    }


def test_a_preview_tells_that_it_is_ready_and_what_goes_wrong_and_nothing_twice(
    operator: OperatorProcess, app: Application
) -> None:
    image = f"{app.registry.host}/{app.image_repository}@{app.push_image('one')}"
    other = f"{app.registry.host}/{app.image_repository}@{app.push_image('two')}"
    app.apply(_pool())
    domain = {"domainPoolRef": {"name": _POOL}}
    app.apply(lone_environment("news", app.namespace, image=image, domain=domain))
    wait_for("it is Ready", lambda: is_ready(app.get("environment", "news")))
    wait_for("it says so", lambda: _events(app, "Environment", "news") == ["Normal Ready"])

    nowhere = {"domainPoolRef": {"name": "nowhere"}}
    app.apply(lone_environment("news", app.namespace, image=image, domain=nowhere))
    told = ["Normal Ready", "Warning DomainPoolNotFound"]
    wait_for("its trouble is told", lambda: _events(app, "Environment", "news") == told)
    app.apply(lone_environment("news", app.namespace, image=other, domain=domain))
    told += ["Normal HostAllocated", "Normal Ready"]
    wait_for("its recovery is told", lambda: _events(app, "Environment", "news") == told)

    described = app.platform.kubectl("describe", "environment", "news", "-n", app.namespace)
    events = described.partition("Events:")[2]
    assert "kapsa-project.io/operator" in events
    assert "DomainPool nowhere does not exist" in events

    operator.stop()
    operator.start()
    offset = app.platform.audit_log.stat().st_size
    app.annotate("environment", "news", app.namespace, requestedAt="now")
    wait_for("it was looked at", lambda: _handled(app) == "now")
    assert _events(app, "Environment", "news") == told
    assert [w for w in operator_writes(app.platform.audit_log, offset) if " events " in w] == []
    app.platform.kubectl("delete", "domainpool", _POOL)


def _handled(app: Application) -> str:
    live = app.get("environment", "news") or {}
    return str((live.get("status") or {}).get("lastHandledRequestedAt", ""))


def test_a_project_tells_of_its_repository_and_not_of_each_preview(
    operator: OperatorProcess, app: Application
) -> None:
    # A forge says for a moment that it knows no repository which was just pushed to; once it has
    # taken a pull request, it does.
    main, first, second = (app.commit(branch) for branch in ("main", "feature/a", "feature/b"))
    number = app.open_pull_request("feature/a")
    app.apply(app.project())
    app.wait_until_running("production", main)
    app.wait_until_running(f"pr-{number}", first)
    app.wait_until_running(f"pr-{app.open_pull_request('feature/b')}", second)
    app.wait_for_condition("Ready", "EnvironmentsReady")
    assert _events(app, "Project", app.name) == []

    app.delete("secret", f"{app.name}-git")
    app.wait_for_condition("RepositoryAccessible", "SecretNotFound")
    told = ["Warning SecretNotFound"]
    wait_for("it is told", lambda: _events(app, "Project", app.name) == told)
    app.apply(*app.team())
    app.wait_for_condition("RepositoryAccessible", "RepositoryAccessible")
    told.append("Normal RepositoryAccessible")
    wait_for("its recovery is told", lambda: _events(app, "Project", app.name) == told)

    before = polls(operator)
    wait_for("it was polled again", lambda: polls(operator) > before + 3)
    assert _events(app, "Project", app.name) == told


def test_news_of_a_cluster_scoped_object_is_in_the_default_namespace(
    operator: OperatorProcess, app: Application
) -> None:
    app.apply(
        {
            "apiVersion": "kapsa-project.io/v1alpha1",
            "kind": "Registry",
            "metadata": {"name": "events-registry"},
            "spec": {
                "endpoint": app.registry.host,
                "insecure": True,
                "pullAuth": {"secretRef": {"name": "no-such-secret"}},
            },
        }
    )
    wait_for("its trouble is told", lambda: _events(app, "Registry", "events-registry"))
    assert _events(app, "Registry", "events-registry") == ["Warning SecretNotFound"]
    described = app.platform.kubectl("describe", "registry", "events-registry")
    assert "no-such-secret" in described.partition("Events:")[2]
    app.platform.kubectl("delete", "registry.kapsa-project.io", "events-registry")
