"""Manifests that people write: read, defaulted, and written back in one form."""

from typing import Any

import pytest
from pydantic import ValidationError

from kapsa.models import KINDS, DomainPool, Environment, Model, Project, Registry
from tests.manifests.valid import FULL, MINIMAL, Manifest

EACH_FULL = [(kind, spec) for kind in KINDS for spec in FULL[kind]]


def read(kind: type[Model], spec: dict[str, Any], **more: Any) -> Any:
    """Return an object of `kind` with that `spec`."""
    return kind.model_validate({"metadata": {"name": "shop"}, "spec": spec, **more})


def project(**spec: Any) -> Any:
    """Return a minimal Project with some fields of its spec changed."""
    return read(Project, {**MINIMAL[Project], **spec})


@pytest.mark.parametrize(("kind", "spec"), EACH_FULL)
def test_a_full_manifest_is_written_back_as_it_was_read(kind: type[Model], spec: Manifest) -> None:
    assert read(kind, spec).spec.to_json() == spec


@pytest.mark.parametrize("kind", KINDS)
def test_the_canonical_form_reads_as_the_same_object(kind: type[Model]) -> None:
    for spec in (MINIMAL[kind], *FULL[kind]):
        item = read(kind, spec)

        assert kind.model_validate(item.to_json()) == item
        assert kind.model_validate(item.to_json()).to_json() == item.to_json()


def test_the_canonical_form_has_camel_case_and_nothing_empty() -> None:
    written = project(
        runtime={"env": [{"name": "A", "value": ""}], "args": ["", "x"], "ports": []},
        registry=None,
        previewEnvironments={"pullRequests": {"heads": {"include": [], "exclude": ["a"]}}},
    ).to_json()

    assert "status" in written
    assert written["spec"] == {
        "suspend": False,
        "isolation": "Project",
        "repository": {
            "url": "https://git.example.com/acme/shop.git",
            "branch": "main",
            "provider": "auto",
        },
        "build": {
            "strategy": "prebuilt",
            "image": "ghcr.io/acme/shop:{sha}",
            "timeout": "30m",
        },
        "runtime": {"args": ["", "x"], "env": [{"name": "A"}]},
        "previewEnvironments": {
            "enabled": True,
            "pullRequests": {"enabled": True, "heads": {"exclude": ["a"]}, "drafts": False},
            "branches": {"enabled": False, "include": ["preview/*"]},
            "maxActive": 20,
            "ttl": "7d",
            "maxLifetime": "30d",
        },
    }


def test_what_is_empty_is_kept_where_leaving_it_out_would_mean_something_else() -> None:
    spec = {
        **MINIMAL[Project],
        "runtime": {"resources": {}, "probes": {"liveness": {}}, "autoscaling": {}},
        "previewEnvironments": {"branches": {"include": []}},
    }
    written = read(Project, spec).to_json()["spec"]
    pool = {**MINIMAL[DomainPool], "allowedNamespaces": {"selector": {"matchLabels": {"a": ""}}}}

    assert written["runtime"] == spec["runtime"]
    assert written["previewEnvironments"]["branches"] == {"enabled": False, "include": []}
    assert (
        read(DomainPool, pool).to_json()["spec"]["allowedNamespaces"] == (pool["allowedNamespaces"])
    )


def test_python_names_are_accepted_too() -> None:
    spec = {**MINIMAL[Project], "preview_environments": {"max_active": 3}}

    assert read(Project, spec).spec.preview_environments.max_active == 3


def test_a_field_that_this_version_does_not_know_is_ignored() -> None:
    item = project(later={"a": 1})

    assert "later" not in item.to_json()["spec"]


def test_a_model_can_not_be_changed() -> None:
    item = project()

    with pytest.raises(ValidationError, match="frozen"):
        item.spec.suspend = True


def test_a_minimal_project_gets_the_documented_defaults() -> None:
    spec = project().spec
    previews = spec.preview_environments

    assert (spec.suspend, spec.isolation, spec.repository.branch) == (False, "Project", "main")
    assert (previews.enabled, previews.max_active) == (True, 20)
    assert (previews.pull_requests.enabled, previews.pull_requests.drafts) == (True, False)
    assert (previews.branches.enabled, previews.branches.include) == (False, ("preview/*",))


def test_a_minimal_environment_is_a_preview_that_waits_for_its_image() -> None:
    item = Environment.model_validate({"metadata": {"name": "web"}})

    assert (item.spec.type, item.spec.image, item.spec.suspend) == ("preview", None, False)
    assert item.status.phase == "Pending"


@pytest.mark.parametrize(
    "spec",
    [
        {"repository": {"url": "http://git.example.com/a"}},
        {"repository": {"url": "https://git.example.com:8443/a/b.git"}},
        {"repository": {"url": "https://git.example.com/~ann/a+b_c"}},
        {"build": {"image": "shop.example.com:5000/a/b:v1-{shortSha}"}},
        {"build": {"image": "ghcr.io/acme/shop:pr-{pr}"}},
    ],
)
def test_a_valid_field_is_accepted(spec: dict[str, Any]) -> None:
    assert project(**spec).spec


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"repository": {"url": "https://u:p@git.example.com/a"}}, "repository.url"),
        ({"repository": {"url": "file:///etc/passwd"}}, "repository.url"),
        ({"repository": {"url": "ext::sh -c id"}}, "repository.url"),
        ({"repository": {"url": "--upload-pack=x"}}, "repository.url"),
        ({"repository": {"url": "https://git.example.com/a\n"}}, "repository.url"),
        ({"repository": {"url": "https://git.example.com/a?b=c"}}, "repository.url"),
        ({"repository": {}}, "repository.url"),
        ({"build": {"image": "ghcr.io/acme/shop"}}, "build.image"),
        ({"build": {"image": "ghcr.io/acme/shop:{commit}"}}, "build.image"),
        ({"isolation": "Cluster"}, "isolation"),
        ({"environments": [{"name": "UP", "branch": "a"}]}, "environments.0.name"),
        ({"environments": [{"name": "a" * 41, "branch": "a"}]}, "environments.0.name"),
        ({"environments": [{"name": "a", "branch": "a" * 251}]}, "environments.0.branch"),
        ({"previewEnvironments": {"maxActive": 501}}, "previewEnvironments.maxActive"),
        ({"previewEnvironments": {"ttl": "soon"}}, "previewEnvironments.ttl"),
        ({"previewEnvironments": {"maxLifetime": -1}}, "previewEnvironments.maxLifetime"),
        ({"runtime": {"replicas": 101}}, "runtime.replicas"),
        ({"runtime": {"ports": [{"containerPort": 0}]}}, "runtime.ports.0.containerPort"),
        ({"runtime": {"env": [{"name": "1"}]}}, "runtime.env.0.name"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(spec: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        project(**spec)

    assert [".".join(map(str, error["loc"])) for error in refusal.value.errors()] == [
        f"spec.{field}"
    ]


@pytest.mark.parametrize("value", [30, "30s", "1h30m", "7d"])
def test_an_interval_is_kept_as_it_was_written(value: str | int) -> None:
    item = project(repository={**MINIMAL[Project]["repository"], "pollInterval": value})

    assert item.to_json()["spec"]["repository"]["pollInterval"] == value


@pytest.mark.parametrize("value", [-1, "soon", "1.5h", "1234567890s", 10**12])
def test_an_interval_that_is_no_duration_is_refused(value: str | int) -> None:
    with pytest.raises(ValidationError, match=r"duration|hundred years"):
        project(repository={**MINIMAL[Project]["repository"], "pollInterval": value})


@pytest.mark.parametrize(("written", "held"), [(1, "1"), ("500m", "500m"), ("0.5", "0.5")])
def test_a_quantity_may_be_written_without_quotes(written: str | int, held: str) -> None:
    item = project(runtime={"resources": {"requests": {"cpu": written}}})

    assert item.spec.runtime.resources.requests == {"cpu": held}


def test_conditions_are_written_in_the_standard_form() -> None:
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "All is well.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 3,
    }
    item = read(Registry, MINIMAL[Registry], status={"conditions": [condition]})

    assert item.status.to_json()["conditions"] == [condition]
