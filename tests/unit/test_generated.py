"""Whatever the schemas allow, Kapsa can plan.

That the API server accepts it, too, is in tests/integration/test_generated.py.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kapsa.cli.validation.check import find_contradictions, find_problems
from kapsa.core.conditions import Blocked
from kapsa.core.environments.environment import EnvironmentInput, plan_environment
from kapsa.core.environments.expiry import lifetime
from kapsa.core.hosts.allocation import Usage, base_order
from kapsa.core.hosts.domain import candidate_hosts, candidate_subdomains, host_name, host_request
from kapsa.core.manifests.environment import EnvironmentContext
from kapsa.core.manifests.environment import environment as environment_of
from kapsa.core.projects.images import image_reference
from kapsa.core.projects.listings import OpenPullRequest
from kapsa.core.projects.spec_checks import check_project
from kapsa.models import KINDS, DomainPool, Environment, Model, Project
from tests.builders import CREATED, DIGEST, sha
from tests.manifests.valid import Manifest
from tests.strategies import manifests
from tests.unit.core.planning import NAMESPACE, Given

SOME = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
NOW = 1_767_312_000.0
"""Unix time of the day after what the builders make was created."""
IMAGE = f"registry.example.com/acme/shop@{DIGEST}"

NAMES = st.text(min_size=1, max_size=300) | st.sampled_from(["main", "pr-7", "v1.2", "preview/a"])
REFS = st.dictionaries(NAMES, st.sampled_from([sha("a"), sha("b")]), max_size=4)
NUMBERS = st.lists(st.integers(1, 50), unique=True, max_size=3)


def read(kind: type[Model], manifest: Manifest) -> Any:
    """Return the model of a manifest, as if the API server had stored it."""
    stored = {"namespace": "team-a", "uid": "uid-1", "creationTimestamp": CREATED}
    return kind.model_validate({**manifest, "metadata": manifest["metadata"] | stored})


@st.composite
def situations(draw: Any) -> Given:
    """Return a generated Project, and listings with names of any kind."""
    pulls = [
        OpenPullRequest(
            number=number, sha=sha(number), head=draw(NAMES), title=draw(st.text(max_size=300))
        )
        for number in draw(NUMBERS)
    ]
    return Given(
        read(Project, draw(manifests(Project))),
        branches=draw(REFS),
        tags=draw(REFS),
        prs=pulls,
        refs_complete=draw(st.booleans()),
    )


@pytest.mark.parametrize("kind", KINDS)
@SOME
@given(data=st.data())
def test_no_rule_of_the_schema_refuses_a_generated_object(
    kind: type[Model], data: st.DataObject
) -> None:
    manifest = data.draw(manifests(kind))

    assert find_problems(manifest) == find_contradictions(kind.model_validate(manifest))


@pytest.mark.parametrize("kind", KINDS)
@SOME
@given(data=st.data())
def test_a_generated_object_is_written_back_so_that_it_reads_the_same(
    kind: type[Model], data: st.DataObject
) -> None:
    item = read(kind, data.draw(manifests(kind)))

    assert kind.model_validate(item.to_json()) == item


@SOME
@given(situations())
def test_a_project_gets_a_plan_whose_environments_the_api_server_takes(situation: Given) -> None:
    assume(not check_project(situation.project))
    for desired in situation.plan().wanted:
        reference = image_reference(situation.project, desired)
        context = EnvironmentContext(
            situation.project,
            subdomain="shop",
            image=IMAGE,
            image_reference="" if isinstance(reference, Blocked) else reference,
        )
        manifest = environment_of(desired, context)

        assert find_problems(manifest) == []


@SOME
@given(manifests(Environment), manifests(DomainPool))
def test_an_environment_gets_hosts_and_objects_or_is_told_why_not(
    manifest: Manifest, pool_manifest: Manifest
) -> None:
    environment, pool = read(Environment, manifest), read(DomainPool, pool_manifest)
    name = host_name(host_request(environment), pool)
    hosts = (
        ()
        if isinstance(name, Blocked)
        else candidate_hosts(name, "team-a/web", base_order(pool, Usage(turn=7)))
    )
    life = lifetime(environment, None, NOW, held=environment.spec.suspend)
    host = hosts[0] if hosts else name
    plan = plan_environment(EnvironmentInput(environment, host=host, pool=pool, lifetime=life))

    assert len(hosts) == len(set(hosts))
    assert all(len(host) <= 253 for host in hosts)
    assert bool(plan.objects) + (plan.blocked is not None) + (life.expired is not None) == 1


@SOME
@given(manifests(Project), manifests(DomainPool))
def test_a_project_gets_subdomains_or_is_told_why_not(
    manifest: Manifest, pool_manifest: Manifest
) -> None:
    project, pool = read(Project, manifest), read(DomainPool, pool_manifest)
    asked_for = project.spec.domain.subdomain if project.spec.domain else None
    found = candidate_subdomains(asked_for, "shop", NAMESPACE, pool)

    assert isinstance(found, Blocked) or (found and all(len(name) <= 63 for name in found))
