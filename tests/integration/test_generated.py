"""Whatever the schemas allow, the API server accepts."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lab
from kapsa.models import KINDS, Model
from tests.integration.dry_run import DryRun, dry_runs
from tests.manifests.valid import Manifest
from tests.strategies import manifests

SOME = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def server(platform: lab.Platform) -> Iterator[DryRun]:
    with dry_runs(platform.api_server) as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
@SOME
@given(data=st.data())
def test_a_generated_object_is_accepted_and_means_the_same_when_it_comes_back(
    server: DryRun, kind: type[Model], data: st.DataObject
) -> None:
    manifest: Manifest = data.draw(manifests(kind))
    answer = server.create(manifest)

    assert answer.accepted, answer.causes or answer.body
    assert (
        kind.model_validate(answer.body).to_json()["spec"]
        == (kind.model_validate(manifest).to_json()["spec"])
    )
